"""What breaks under a run: the engine, its images, a container, the disk. It is said, and never looks like a test."""

from __future__ import annotations

import gc
import secrets
import selectors
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread, Timer
from typing import TYPE_CHECKING

import pytest

from repoagent.domain import Ending
from repoagent.errors import EnvironmentFailed, SandboxFailed
from repoagent.sandbox import base_image
from repoagent.sandbox.base import Environment, Recipe, Sandbox, SandboxLimits
from repoagent.sandbox.bubblewrap import BubblewrapEngine
from repoagent.sandbox.docker import DockerEngine
from repoagent.sandbox.fresh import run_in_fresh
from repoagent.sandbox.owner import OWNER_LABEL, Owner
from repoagent.sandbox.pool import SandboxPool
from repoagent.testbed.ecosystems.finding import detect_codebases
from repoagent.testbed.runner import Testbed
from tests.sandbox.conftest import SMALL

if TYPE_CHECKING:
    from docker.models.containers import Container

BASE = Environment("base", base_image.name_image())
ENGINE = "/var/run/docker.sock"


@dataclass
class Door:
    """A socket before the real engine's, that can be made deaf or be shut while connections are open."""

    path: Path
    deaf: bool = False
    _listener: socket.socket = field(init=False)
    _open: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        Thread(target=self._admit, daemon=True).start()

    def shut(self) -> None:
        """As an engine that dies: nobody listens, and all connections end."""
        self.path.unlink(missing_ok=True)
        for each in (self._listener, *self._open):
            with closing(each):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def _admit(self) -> None:
        while True:
            try:
                inner, _ = self._listener.accept()
            except OSError:
                return
            outer = socket.socket(socket.AF_UNIX)
            outer.connect(ENGINE)
            self._open += [inner, outer]
            Thread(target=self._pass_on, args=(inner, outer), daemon=True).start()

    def _pass_on(self, inner: socket.socket, outer: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(inner, selectors.EVENT_READ, outer)
            selector.register(outer, selectors.EVENT_READ, inner)
            while True:
                for key, _ in selector.select():
                    try:
                        data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                        if self.deaf:
                            continue
                        if not data:
                            return
                        key.data.sendall(data)
                    except OSError:
                        return


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    DockerEngine().prepare(lambda _: None)
    with tempfile.TemporaryDirectory() as folder:  # the test's own is too long a name for a socket
        made = Door(Path(folder, "door.sock"))
        monkeypatch.setenv("DOCKER_HOST", f"unix://{made.path}")
        yield made
        made.shut()
    monkeypatch.delenv("DOCKER_HOST")
    with own_containers() as left:
        for container in left:
            container.remove(force=True)
    gc.collect()  # the SDK leaves connections to a dead engine to the collector, which complains here and not elsewhere


@contextmanager
def own_containers() -> Iterator[list[Container]]:
    import docker

    with closing(docker.from_env()) as client:
        filters: dict[str, str | list[str] | bool] = {"label": f"{OWNER_LABEL}={Owner.from_this_process()}"}
        yield list(client.containers.list(all=True, filters=filters))


def kill_own_containers() -> None:
    with own_containers() as found:
        for container in found:
            container.kill()


complaining = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.docker
@complaining
def test_an_engine_that_hangs_is_given_up_in_seconds(door: Door) -> None:
    door.deaf = True
    started = time.monotonic()
    with pytest.raises(SandboxFailed, match="does not answer"):
        DockerEngine().check()
    assert time.monotonic() - started < 30


@pytest.mark.docker
@complaining
def test_an_engine_that_dies_under_a_command_is_no_output(door: Door, repository: Path) -> None:
    sandbox = DockerEngine().open(BASE, repository, SMALL)
    Timer(1, door.shut).start()
    with pytest.raises(SandboxFailed, match=r"does not answer at .*start it"):
        sandbox.run(["sh", "-c", "echo half; sleep 60"], timeout=50)
    with pytest.raises(SandboxFailed, match="removing a container failed"):
        sandbox.__exit__(None, None, None)


@pytest.mark.docker
def test_a_container_that_is_killed_is_replaced_once_and_the_tests_are_run(repository: Path) -> None:
    engine = DockerEngine()
    engine.prepare(lambda _: None)
    told: list[str] = []
    runs: list[Sandbox] = []

    def act(sandbox: Sandbox) -> str:
        runs.append(sandbox)
        if len(runs) == 1:
            Timer(1, kill_own_containers).start()
        return sandbox.run(["sh", "-c", "sleep 3; echo done"], timeout=30).output

    assert run_in_fresh(lambda: engine.open(BASE, repository, SMALL), act, lambda e: told.append(str(e))) == "done\n"
    assert told == ["the sandbox's container ended by itself (exit code 137)"]


@pytest.mark.docker
def test_a_pool_survives_the_death_of_an_idle_container(repository: Path) -> None:
    engine = DockerEngine()
    engine.prepare(lambda _: None)
    with SandboxPool(engine) as pool:
        with pool.open(BASE, repository, SMALL):
            pass
        kill_own_containers()
        opened = lambda: pool.open(BASE, repository, SMALL)  # noqa: E731
        assert (
            run_in_fresh(opened, lambda box: box.run(["echo", "alive"], timeout=30).output, lambda _: None) == "alive\n"
        )


@pytest.mark.docker
def test_an_image_that_is_gone_under_a_run_is_named(repository: Path) -> None:
    engine = DockerEngine()
    key = f"test-{secrets.token_hex(4)}"
    environment = engine.build(Recipe(key, "true"), repository, lambda _: None, timeout=60)
    with engine.open(environment, repository, SMALL) as sandbox:
        assert sandbox.run(["echo", "alive"], timeout=30).output == "alive\n"
    engine.discard(key)
    with pytest.raises(SandboxFailed, match=f"starting a container of repoagent-env:{key} failed: .*[Nn]o such image"):
        engine.open(environment, repository, SMALL)
    assert engine.find(key) is None


FULL: dict[str, Callable[[Path], object]] = {
    "nothing fits": lambda folder: (folder / "filler").write_bytes(bytes(1 << 20)),
    "the repository does not fit": lambda folder: (folder / "filler").write_bytes(bytes((1 << 20) - 200_000)),
}


@pytest.fixture
def tiny_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of one MiB; to make one takes root, as which the tests run where bubblewrap is tested in full."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tiny", str(folder)], check=True)
    monkeypatch.setenv("REPOAGENT_CACHE", str(folder / "cache"))
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.bubblewrap
@pytest.mark.parametrize("fill", FULL.values(), ids=FULL.keys())
def test_a_full_disk_of_the_host_is_said(
    fill: Callable[[Path], object], tiny_disk: Path, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "environment").mkdir()
    (repository / "large").write_bytes(bytes(500_000))
    engine = BubblewrapEngine()
    try:
        fill(tiny_disk)
    except OSError:
        assert not list(tiny_disk.glob("cache"))
    with pytest.raises(EnvironmentFailed, match=r"No space left on device"):
        engine.open(Environment("empty", str(tmp_path / "environment")), repository, SMALL)
    (tiny_disk / "filler").unlink()
    with engine.open(Environment("empty", str(tmp_path / "environment")), repository, SMALL) as sandbox:
        assert sandbox.run(["echo", "alive"], timeout=30).output == "alive\n"


FILLER = """
import pathlib, unittest
class Test(unittest.TestCase):
    def test_it(self):
        pathlib.Path("/tmp/more").write_bytes(bytes(200 << 20))
"""


def test_a_disk_that_is_full_inside_is_a_run_that_crashed(
    engine: DockerEngine | BubblewrapEngine, environment: Environment, repository: Path
) -> None:
    """The tests' own doing, unlike the above; it proves nothing, and the next run has room again."""
    (repository / "test_it.py").write_text(FILLER)
    found = detect_codebases(repository)
    bed = Testbed.attach(
        engine, environment, repository, found, "python3 -m unittest test_it", SandboxLimits(scratch_mib=64)
    )
    with engine.open(environment, repository, bed.limits) as sandbox:
        sandbox.run(["sh", "-c", "head -c 200M /dev/zero > /tmp/big; head -c 200M /dev/zero > big"], timeout=30)
        report = bed.run(sandbox, timeout=30)
        assert report.ending in {Ending.COMPLETED, Ending.CRASHED}
        assert report.passed == frozenset()
        sandbox.reset()
        assert sandbox.run(["sh", "-c", "echo x > /tmp/file && cat /tmp/file"], timeout=30).output == "x\n"
