"""The results store: nothing is lost, nothing is doubled, and a full disk does not take the last word."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from repoagent.bench.store import Store
from repoagent.bench.task import Done, Solved, State
from repoagent.domain import Usage
from repoagent.errors import EnvironmentFailed, UserError
from tests.bench.conftest import own

SOLVED = Done(State.FINISHED, solved=Solved("patch", "verified", usage=Usage(1, 10, 0, 5)), attempt=1)
FAILED = Done(State.ENVIRONMENT, "no engine", "sandbox")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Three instances, none begun."""
    with Store.create(tmp_path / "run") as made:
        made.add([own("b"), own("a"), own("c")])
        made.plan("solve", ["b", "a", "c"])
        yield made


def test_instances_wait_in_the_order_of_the_dataset(store: Store) -> None:
    store.add([own("a")])
    store.plan("solve", ["a"])
    assert store.waiting("solve") == ["b", "a", "c"]
    assert [each.id for each in store.instances()] == ["b", "a", "c"]


def test_an_ending_is_kept_with_its_attempt(store: Store) -> None:
    assert store.begin("solve", "a") == 1
    store.end("solve", "a", FAILED, again=True)
    assert store.begin("solve", "a") == 2
    store.end("solve", "a", SOLVED)
    job = store.job("solve", "a")
    assert (job.state, job.attempts, job.failures, job.done) == (State.FINISHED, 2, 1, SOLVED)
    assert store.waiting("solve") == ["b", "c"]
    assert store.tokens() == 15


def test_what_ran_when_the_scheduler_died_waits_again(store: Store) -> None:
    store.begin("solve", "a")
    store.begin("solve", "b")
    store.end("solve", "b", SOLVED)
    assert store.recover("solve") == ["a"]
    assert store.waiting("solve") == ["a", "c"]
    assert store.job("solve", "a").interruptions == 1
    assert store.recover("solve") == []


def test_only_chosen_states_are_tried_again(store: Store) -> None:
    for identity, done in (("a", FAILED), ("b", Done(State.CRASHED))):
        store.begin("solve", identity)
        store.end("solve", identity, done)
    assert store.again("solve", [State.ENVIRONMENT]) == 1
    assert store.waiting("solve") == ["a", "c"]


def test_a_writer_that_is_killed_loses_nothing_it_has_told(tmp_path: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from repoagent.bench.store import Store
from repoagent.bench.task import Done, State
from tests.bench.conftest import own
store = Store.create(Path(sys.argv[1]))
store.add([own(str(n)) for n in range(50)])
store.plan("solve", [str(n) for n in range(50)])
for n in range(20):
    store.begin("solve", str(n))
    store.end("solve", str(n), Done(State.FINISHED))
store.begin("solve", "20")
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[2]
    path = os.pathsep.join(map(str, (root, root / "tools", root / "prompts")))
    command = (sys.executable, "-c", script, str(tmp_path / "run"))
    ended = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": path})
    assert ended.returncode == -9
    with Store.open(tmp_path / "run") as store:
        assert store.counts("solve") == {State.FINISHED: 20, State.RUNNING: 1, State.WAITING: 29}
        assert store.recover("solve") == ["20"]


def test_where_nothing_is_that_is_said(tmp_path: Path, store: Store) -> None:
    with pytest.raises(UserError):
        Store.open(tmp_path / "elsewhere")
    with pytest.raises(UserError):
        store.instance("nobody")
    with pytest.raises(UserError):
        store.job("evaluate", "a")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB, mounted by whoever runs the tests."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)), check=True)
    yield place
    subprocess.run(("umount", "--lazy", str(place)), check=True)


@pytest.mark.docker  # whoever may use the engine may mount
def test_the_last_endings_are_written_on_a_full_disk(small_disk: Path) -> None:
    with Store.create(small_disk / "run") as store:
        store.add([own("a"), own("b")])
        store.plan("solve", ["a", "b"])
        store.begin("solve", "a")
        _fill(small_disk / "rubbish")
        store.end("solve", "a", Done(State.ENVIRONMENT, "x" * 20_000, "disk"))
        assert store.job("solve", "a").state is State.ENVIRONMENT
        _fill(small_disk / "more")
        with pytest.raises(EnvironmentFailed, match="full"):
            store.end("solve", "b", Done(State.ENVIRONMENT, "x" * 3_000_000, "disk"))
        (small_disk / "rubbish").unlink()
        store.end("solve", "b", SOLVED)
    with Store.open(small_disk / "run") as store:
        assert store.job("solve", "b").state is State.FINISHED


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return
