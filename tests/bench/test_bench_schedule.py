"""The scheduler: retries for the infrastructure alone, budgets, a model server that goes and comes, a full disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from repoagent.bench.disk import DiskGuard
from repoagent.bench.executors.fake import FakeExecutor
from repoagent.bench.gate import ModelGate
from repoagent.bench.layout import get_instance_folder
from repoagent.bench.schedule import RunLimits, Scheduler, StageProgress
from repoagent.bench.store import ResultStore
from repoagent.bench.task import AgentResult, AttemptResult, BenchTask, JobState
from repoagent.domain import Usage, dump
from tests.bench.conftest import own, settings

FINISHED = AttemptResult(JobState.FINISHED, solved=AgentResult("", "none", usage=Usage(1, 90, 0, 10)))


@dataclass
class Room:
    """A disk guard that says what it is told."""

    told: list[str] = field(default_factory=list)
    asked: int = 0

    def describe_shortage(self) -> str:
        self.asked += 1
        return self.told.pop(0) if self.told else ""

    def get_free_bytes(self) -> int:
        return 10**12


@dataclass
class Stage:
    """A stage with five instances, and all that can be set."""

    store: ResultStore
    limits: RunLimits = field(default_factory=lambda: RunLimits(backoff=0.01))
    gate: ModelGate = field(default_factory=lambda: ModelGate(lambda: True))
    disk: DiskGuard | Room = field(default_factory=Room)
    moments: list[StageProgress] = field(default_factory=list)

    def run(self, answer: Callable[[BenchTask], AttemptResult], slots: int = 2) -> tuple[str, FakeExecutor]:
        executor = FakeExecutor(answer, slots)
        scheduler = Scheduler(
            self.store,
            "solve",
            executor,
            lambda identity, attempt: BenchTask(
                "solve", self.store.read_instance(identity), settings(), attempt=attempt
            ),
            self.disk,  # type: ignore[arg-type] # a guard that is told what to say
            self.gate,
            self.limits,
            lambda moment, _: self.moments.append(moment),
            poll_seconds=0.01,
        )
        return scheduler.run_stage(), executor

    @property
    def states(self) -> dict[JobState, int]:
        return self.store.count_states("solve")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with ResultStore.create(tmp_path) as store:
        store.add_instances([own(name) for name in "abcde"])
        store.plan_jobs("solve", list("abcde"))
        yield Stage(store)


def test_every_instance_is_done_once_and_no_more_at_once_than_there_are_slots(stage: Stage) -> None:
    stopped, executor = stage.run(lambda _: FINISHED, slots=3)
    assert stopped == ""
    assert Counter(task.instance.id for task in executor.submitted) == Counter("abcde")
    assert executor.max_running == 3
    assert stage.states == {JobState.FINISHED: 5}
    assert stage.moments[-1].tokens == 500


def test_failures_of_the_infrastructure_are_tried_again_and_counted_apart(stage: Stage) -> None:
    def answer(task: BenchTask) -> AttemptResult:
        return (
            AttemptResult(JobState.ENVIRONMENT, "engine", "sandbox")
            if task.instance.id == "b" and task.attempt < 3
            else FINISHED
        )

    stage.run(answer)
    job = stage.store.read_job("solve", "b")
    assert (job.state, job.attempts, job.failures) == (JobState.FINISHED, 3, 2)


def test_they_are_given_up_after_some_retries_and_the_rest_goes_on(stage: Stage) -> None:
    stage.run(lambda task: AttemptResult(JobState.ENVIRONMENT, "engine") if task.instance.id == "a" else FINISHED)
    assert stage.store.read_job("solve", "a").attempts == 1 + stage.limits.retries
    assert stage.states == {JobState.ENVIRONMENT: 1, JobState.FINISHED: 4}


@pytest.mark.parametrize("state", [JobState.CRASHED, JobState.TIMED_OUT, JobState.UNUSABLE])
def test_failures_of_the_agent_are_not_tried_again(stage: Stage, state: JobState) -> None:
    stage.run(lambda task: AttemptResult(state, "its own fault") if task.instance.id == "a" else FINISHED)
    assert stage.store.read_job("solve", "a").attempts == 1
    assert stage.states == {state: 1, JobState.FINISHED: 4}


def test_a_model_server_that_dies_and_returns_costs_nobody_a_result(stage: Stage) -> None:
    answers = iter([False, False, True])
    now = iter(range(10_000))
    stage.gate = ModelGate(lambda: next(answers, True), clock=lambda: float(next(now)))
    stage.limits = RunLimits(backoff=0.01, retries=0)
    away = ["a", "b"]

    def answer(task: BenchTask) -> AttemptResult:
        if task.instance.id in away:
            away.remove(task.instance.id)
            return AttemptResult(JobState.ENVIRONMENT, "refused", "model")
        return FINISHED

    stopped, _ = stage.run(answer)
    assert (stopped, stage.states) == ("", {JobState.FINISHED: 5})
    assert any(moment.wait_reason for moment in stage.moments)
    assert [stage.store.read_job("solve", name).failures for name in "abc"] == [1, 1, 0]


def test_a_model_server_that_stays_away_stops_the_run_and_what_waits_still_waits(stage: Stage) -> None:
    now = iter(range(0, 10_000, 7))
    stage.gate = ModelGate(lambda: False, patience=60, clock=lambda: float(next(now)))
    stopped, _ = stage.run(lambda _: AttemptResult(JobState.ENVIRONMENT, "refused", "model"))
    assert (stopped, stage.states) == ("model", {JobState.WAITING: 5})
    stage.gate = ModelGate(lambda: True)
    assert stage.run(lambda _: FINISHED)[0] == ""
    assert stage.states == {JobState.FINISHED: 5}


def test_back_pressure_keeps_instances_from_the_model(stage: Stage) -> None:
    stage.limits = RunLimits(in_flight=1)
    assert stage.run(lambda _: FINISHED, slots=4)[1].max_running == 1


@pytest.mark.parametrize(("limits", "why"), [(RunLimits(tokens=250), "tokens"), (RunLimits(seconds=-1), "time")])
def test_a_budget_that_is_spent_leaves_the_rest_waiting(stage: Stage, limits: RunLimits, why: str) -> None:
    stage.limits = limits
    stopped, _ = stage.run(lambda _: FINISHED, slots=1)
    assert stopped == why
    assert stage.states[JobState.WAITING] >= 2
    stage.limits = RunLimits()
    assert stage.run(lambda _: FINISHED)[0] == ""
    assert stage.states == {JobState.FINISHED: 5}


def test_without_room_an_instance_ends_for_it_and_the_next_is_looked_at(stage: Stage) -> None:
    stage.disk = Room(["no room"])
    stage.run(lambda _: FINISHED)
    job = stage.store.read_job("solve", "a")
    assert (job.state, job.reason) == (JobState.ENVIRONMENT, "no room")
    assert stage.states == {JobState.ENVIRONMENT: 1, JobState.FINISHED: 4}


def test_while_others_run_room_is_waited_for(stage: Stage) -> None:
    stage.disk = Room(["", "no room", ""])
    stage.run(lambda _: FINISHED)
    assert stage.states == {JobState.FINISHED: 5}


def test_a_worker_that_told_its_end_to_a_dead_scheduler_is_heard(stage: Stage) -> None:
    for name in "ab":
        stage.store.begin_attempt("solve", name)
    done = AttemptResult(JobState.FINISHED, solved=AgentResult("patch", "verified"), attempt=1)
    _leave(stage, "a", done)
    _leave(stage, "b", AttemptResult(JobState.FINISHED, solved=AgentResult("old", "verified"), attempt=0))

    _, executor = stage.run(lambda _: FINISHED)

    assert stage.store.read_job("solve", "a").done == done
    assert sorted(task.instance.id for task in executor.submitted) == list("bcde")
    assert stage.store.read_job("solve", "b").attempts == 2


def _leave(stage: Stage, identity: str, done: AttemptResult) -> None:
    folder = get_instance_folder(stage.store.folder, "solve", identity)
    folder.mkdir(parents=True)
    (folder / "done.json").write_text(dump(done))


def test_the_disk_guard_prunes_before_it_complains(tmp_path: Path) -> None:
    pruned: list[int] = []
    guard = DiskGuard(tmp_path, 2**62, lambda: pruned.append(1))
    assert "are needed" in guard.describe_shortage()
    assert "are needed" in guard.describe_shortage()
    assert pruned == [1]
    assert DiskGuard(tmp_path, 1).describe_shortage() == ""
