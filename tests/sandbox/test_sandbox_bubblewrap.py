"""What is particular to namespaces: how they die, what is missing, and what is left of dead runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer

import pytest

from repoagent.errors import EnvironmentFailed, SandboxFailed
from repoagent.sandbox import cache
from repoagent.sandbox.base import Environment, SandboxLimits
from repoagent.sandbox.bubblewrap import BubblewrapEngine
from repoagent.sandbox.host_python import HostPython
from tests.sandbox.conftest import SMALL

pytestmark = pytest.mark.bubblewrap


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own: what processes left that other tests killed is not counted here."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("REPOAGENT_CACHE", str(folder))
    return folder


@pytest.fixture
def bubblewrap(cache_folder: Path) -> BubblewrapEngine:
    return BubblewrapEngine()


@pytest.fixture
def empty(tmp_path: Path) -> Environment:
    """An environment with nothing in it; the host's Python is there anyway."""
    (tmp_path / "environment").mkdir()
    return Environment("empty", str(tmp_path / "environment"))


def kill_own_bwrap() -> None:
    for path in Path("/proc").glob("[0-9]*/stat"):
        pid, _, rest = path.read_text(encoding="utf-8", errors="replace").partition(" (")
        name, _, fields = rest.rpartition(") ")
        if name == "bwrap" and int(fields.split()[1]) == os.getpid():
            os.kill(int(pid), signal.SIGKILL)


def test_a_killed_bwrap_is_not_shown_as_output(
    bubblewrap: BubblewrapEngine, empty: Environment, repository: Path
) -> None:
    with bubblewrap.open(empty, repository, SMALL) as sandbox:
        timer = Timer(0.5, kill_own_bwrap)
        timer.start()
        with pytest.raises(SandboxFailed, match="bwrap was killed"):
            sandbox.run(["sleep", "60"], timeout=30)
        timer.join()
        assert sandbox.run(["echo", "alive"], timeout=30).output == "alive\n"


def test_io_uring_is_refused(bubblewrap: BubblewrapEngine, empty: Environment, repository: Path) -> None:
    """Docker's own profile does so since version 25."""
    script = (
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True); print(libc.syscall(425, 0, 0), ctypes.get_errno())"
    )
    with bubblewrap.open(empty, repository, SMALL) as sandbox:
        assert sandbox.run(["python3", "-c", script], timeout=30).output == "-1 1\n"


def test_a_lost_environment_is_the_sandboxs_failure(bubblewrap: BubblewrapEngine, repository: Path) -> None:
    with pytest.raises(SandboxFailed, match="is gone: build it again"):
        bubblewrap.open(Environment("gone", "/nowhere"), repository)


def test_a_file_larger_than_the_scratch_space_cannot_be_written(
    bubblewrap: BubblewrapEngine, empty: Environment, repository: Path
) -> None:
    with bubblewrap.open(empty, repository, SandboxLimits(scratch_mib=16)) as sandbox:
        finished = sandbox.run(["sh", "-c", "head -c 50000000 /dev/zero > large"], timeout=30)
        assert finished.exit_code
        assert sandbox.run(["sh", "-c", "stat -c %s large"], timeout=30).output == f"{16 << 20}\n"


def test_a_command_that_makes_too_many_files_is_killed(
    bubblewrap: BubblewrapEngine, empty: Environment, repository: Path
) -> None:
    with bubblewrap.open(empty, repository, SandboxLimits(scratch_mib=4)) as sandbox:
        finished = sandbox.run(["sh", "-c", "seq 2000 | xargs touch; sleep 50"], timeout=60)
        assert finished.exit_code == 137
        assert "[killed: more than 4 MiB" in finished.output


DYING = """
import os, sys
from pathlib import Path
from repoagent.sandbox.base import Environment
from repoagent.sandbox.bubblewrap import BubblewrapEngine
BubblewrapEngine().open(Environment("empty", sys.argv[1]), Path(sys.argv[2]))
os.kill(os.getpid(), 9)
"""


def test_clean_removes_what_a_killed_run_left_and_nothing_of_a_live_one(
    bubblewrap: BubblewrapEngine, empty: Environment, repository: Path
) -> None:
    with bubblewrap.open(empty, repository, SMALL) as live:
        died = subprocess.run([sys.executable, "-c", DYING, empty.reference, str(repository)], check=False)
        assert died.returncode == -9
        assert len(list(cache.make_folder("scratch").iterdir())) == 2
        assert len(bubblewrap.clean()) == 1
        assert live.run(["cat", "tracked.txt"], timeout=30).output == "from the host\n"
    assert list(cache.make_folder("scratch").iterdir()) == []


WAITING = """
import sys
import time
from collections.abc import Callable
from pathlib import Path
from repoagent.sandbox.base import Environment
from repoagent.sandbox.bubblewrap import BubblewrapEngine
with BubblewrapEngine().open(Environment("empty", sys.argv[1]), Path(sys.argv[2])) as sandbox:
    print("ready", flush=True)
    sandbox.run(["sh", "-c", "setsid sleep 987654 & sleep 987654"], timeout=600)
"""


def test_a_killed_run_takes_its_command_with_it(
    bubblewrap: BubblewrapEngine, empty: Environment, repository: Path
) -> None:
    command = [sys.executable, "-c", WAITING, empty.reference, str(repository)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stdout.readline() == "ready\n"
        assert eventually(lambda: len(sleepers()) == 2)
        running.kill()
    assert eventually(lambda: not sleepers())
    assert len(bubblewrap.clean()) == 1


def sleepers() -> list[str]:
    found = subprocess.run(["pgrep", "-fx", "sleep 987654"], capture_output=True, text=True, check=False)
    return found.stdout.split()


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("present", "message"),
    [
        ((), "`bwrap` is not installed: run `apt-get install bubblewrap`"),
        (("bwrap",), "`setpriv` is not installed: run `apt-get install util-linux`"),
    ],
)
def test_a_missing_program_is_named_with_its_package(
    present: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in present:
        (tmp_path / name).symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFailed, match=message):
        BubblewrapEngine().check()


def test_a_bwrap_that_does_not_work_is_explained(
    bubblewrap: BubblewrapEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'setting up uid map: Permission denied' >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(EnvironmentFailed, match=r"setting up uid map: Permission denied\..*--sandbox docker"):
        bubblewrap.check()


def test_a_python_without_ensurepip_is_explained(tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "python3"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(EnvironmentFailed, match="apt-get install python3-venv"):
        BubblewrapEngine(HostPython(tmp_path, "3.11")).check()


def test_environments_of_another_python_are_not_found(
    bubblewrap: BubblewrapEngine, cache_folder: Path, tmp_path: Path
) -> None:
    other = BubblewrapEngine(HostPython(tmp_path, "another"))
    folder = cache_folder / "environments" / f"key-{HostPython(tmp_path, 'another').identity}"
    folder.mkdir(parents=True)
    assert other.find("key") == Environment("key", str(folder))
    assert bubblewrap.find("key") is None
