"""The results store: nothing is lost, nothing is doubled, and a full disk does not take the last word."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from repoagent.bench.store import ResultStore
from repoagent.bench.task import AgentResult, AttemptResult, JobState
from repoagent.domain import Usage
from repoagent.errors import EnvironmentFailed, UserError
from tests.bench.conftest import own

SOLVED = AttemptResult(JobState.FINISHED, solved=AgentResult("patch", "verified", usage=Usage(1, 10, 0, 5)), attempt=1)
FAILED = AttemptResult(JobState.ENVIRONMENT, "no engine", "sandbox")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResultStore]:
    """Three instances, none begun."""
    with ResultStore.create(tmp_path / "run") as made:
        made.add_instances([own("b"), own("a"), own("c")])
        made.plan_jobs("solve", ["b", "a", "c"])
        yield made


def test_instances_wait_in_the_order_of_the_dataset(store: ResultStore) -> None:
    store.add_instances([own("a")])
    store.plan_jobs("solve", ["a"])
    assert store.list_waiting("solve") == ["b", "a", "c"]
    assert [each.id for each in store.read_instances()] == ["b", "a", "c"]


def test_an_ending_is_kept_with_its_attempt(store: ResultStore) -> None:
    assert store.begin_attempt("solve", "a") == 1
    store.end_attempt("solve", "a", FAILED, again=True)
    assert store.begin_attempt("solve", "a") == 2
    store.end_attempt("solve", "a", SOLVED)
    job = store.read_job("solve", "a")
    assert (job.state, job.attempts, job.failures, job.done) == (JobState.FINISHED, 2, 1, SOLVED)
    assert store.list_waiting("solve") == ["b", "c"]
    assert store.sum_tokens() == 15


def test_what_ran_when_the_scheduler_died_waits_again(store: ResultStore) -> None:
    store.begin_attempt("solve", "a")
    store.begin_attempt("solve", "b")
    store.end_attempt("solve", "b", SOLVED)
    assert store.recover_jobs("solve") == ["a"]
    assert store.list_waiting("solve") == ["a", "c"]
    assert store.read_job("solve", "a").interruptions == 1
    assert store.recover_jobs("solve") == []


def test_only_chosen_states_are_tried_again(store: ResultStore) -> None:
    for identity, done in (("a", FAILED), ("b", AttemptResult(JobState.CRASHED))):
        store.begin_attempt("solve", identity)
        store.end_attempt("solve", identity, done)
    assert store.retry_jobs("solve", [JobState.ENVIRONMENT]) == 1
    assert store.list_waiting("solve") == ["a", "c"]


def test_a_writer_that_is_killed_loses_nothing_it_has_told(tmp_path: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from repoagent.bench.store import ResultStore
from repoagent.bench.task import AttemptResult, JobState
from tests.bench.conftest import own
store = ResultStore.create(Path(sys.argv[1]))
store.add_instances([own(str(n)) for n in range(50)])
store.plan_jobs("solve", [str(n) for n in range(50)])
for n in range(20):
    store.begin_attempt("solve", str(n))
    store.end_attempt("solve", str(n), AttemptResult(JobState.FINISHED))
store.begin_attempt("solve", "20")
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[2]
    path = os.pathsep.join(map(str, (root, root / "tools", root / "prompts")))
    command = (sys.executable, "-c", script, str(tmp_path / "run"))
    ended = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": path})
    assert ended.returncode == -9
    with ResultStore.open(tmp_path / "run") as store:
        assert store.count_states("solve") == {JobState.FINISHED: 20, JobState.RUNNING: 1, JobState.WAITING: 29}
        assert store.recover_jobs("solve") == ["20"]


def test_where_nothing_is_that_is_said(tmp_path: Path, store: ResultStore) -> None:
    with pytest.raises(UserError):
        ResultStore.open(tmp_path / "elsewhere")
    with pytest.raises(UserError):
        store.read_instance("nobody")
    with pytest.raises(UserError):
        store.read_job("evaluate", "a")


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
    with ResultStore.create(small_disk / "run") as store:
        store.add_instances([own("a"), own("b")])
        store.plan_jobs("solve", ["a", "b"])
        store.begin_attempt("solve", "a")
        _fill(small_disk / "rubbish")
        store.end_attempt("solve", "a", AttemptResult(JobState.ENVIRONMENT, "x" * 20_000, "disk"))
        assert store.read_job("solve", "a").state is JobState.ENVIRONMENT
        _fill(small_disk / "more")
        with pytest.raises(EnvironmentFailed, match="full"):
            store.end_attempt("solve", "b", AttemptResult(JobState.ENVIRONMENT, "x" * 3_000_000, "disk"))
        (small_disk / "rubbish").unlink()
        store.end_attempt("solve", "b", SOLVED)
    with ResultStore.open(small_disk / "run") as store:
        assert store.read_job("solve", "b").state is JobState.FINISHED


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return
