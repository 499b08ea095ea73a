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
from repoagent.bench.layout import folder_of
from repoagent.bench.schedule import Limits, Moment, Scheduler
from repoagent.bench.store import Store
from repoagent.bench.task import Done, Solved, State, Task
from repoagent.domain import Usage, dump
from tests.bench.conftest import own, settings

FINISHED = Done(State.FINISHED, solved=Solved("", "none", usage=Usage(1, 90, 0, 10)))


@dataclass
class Room:
    """A disk guard that says what it is told."""

    told: list[str] = field(default_factory=list)
    asked: int = 0

    def missing(self) -> str:
        self.asked += 1
        return self.told.pop(0) if self.told else ""

    def free(self) -> int:
        return 10**12


@dataclass
class Stage:
    """A stage with five instances, and all that can be set."""

    store: Store
    limits: Limits = field(default_factory=lambda: Limits(backoff=0.01))
    gate: ModelGate = field(default_factory=lambda: ModelGate(lambda: True))
    disk: DiskGuard | Room = field(default_factory=Room)
    moments: list[Moment] = field(default_factory=list)

    def run(self, answer: Callable[[Task], Done], slots: int = 2) -> tuple[str, FakeExecutor]:
        executor = FakeExecutor(answer, slots)
        scheduler = Scheduler(
            self.store,
            "solve",
            executor,
            lambda identity, attempt: Task("solve", self.store.instance(identity), settings(), attempt=attempt),
            self.disk,  # type: ignore[arg-type] # a guard that is told what to say
            self.gate,
            self.limits,
            lambda moment, _: self.moments.append(moment),
            glance=0.01,
        )
        return scheduler.run(), executor

    @property
    def states(self) -> dict[State, int]:
        return self.store.counts("solve")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Store.create(tmp_path) as store:
        store.add([own(name) for name in "abcde"])
        store.plan("solve", list("abcde"))
        yield Stage(store)


def test_every_instance_is_done_once_and_no_more_at_once_than_there_are_slots(stage: Stage) -> None:
    stopped, executor = stage.run(lambda _: FINISHED, slots=3)
    assert stopped == ""
    assert Counter(task.instance.id for task in executor.taken) == Counter("abcde")
    assert executor.most == 3
    assert stage.states == {State.FINISHED: 5}
    assert stage.moments[-1].tokens == 500


def test_failures_of_the_infrastructure_are_tried_again_and_counted_apart(stage: Stage) -> None:
    def answer(task: Task) -> Done:
        return (
            Done(State.ENVIRONMENT, "engine", "sandbox") if task.instance.id == "b" and task.attempt < 3 else FINISHED
        )

    stage.run(answer)
    job = stage.store.job("solve", "b")
    assert (job.state, job.attempts, job.failures) == (State.FINISHED, 3, 2)


def test_they_are_given_up_after_some_retries_and_the_rest_goes_on(stage: Stage) -> None:
    stage.run(lambda task: Done(State.ENVIRONMENT, "engine") if task.instance.id == "a" else FINISHED)
    assert stage.store.job("solve", "a").attempts == 1 + stage.limits.retries
    assert stage.states == {State.ENVIRONMENT: 1, State.FINISHED: 4}


@pytest.mark.parametrize("state", [State.CRASHED, State.TIMED_OUT, State.UNUSABLE])
def test_failures_of_the_agent_are_not_tried_again(stage: Stage, state: State) -> None:
    stage.run(lambda task: Done(state, "its own fault") if task.instance.id == "a" else FINISHED)
    assert stage.store.job("solve", "a").attempts == 1
    assert stage.states == {state: 1, State.FINISHED: 4}


def test_a_model_server_that_dies_and_returns_costs_nobody_a_result(stage: Stage) -> None:
    answers = iter([False, False, True])
    now = iter(range(10_000))
    stage.gate = ModelGate(lambda: next(answers, True), clock=lambda: float(next(now)))
    stage.limits = Limits(backoff=0.01, retries=0)
    away = ["a", "b"]

    def answer(task: Task) -> Done:
        if task.instance.id in away:
            away.remove(task.instance.id)
            return Done(State.ENVIRONMENT, "refused", "model")
        return FINISHED

    stopped, _ = stage.run(answer)
    assert (stopped, stage.states) == ("", {State.FINISHED: 5})
    assert any(moment.held for moment in stage.moments)
    assert [stage.store.job("solve", name).failures for name in "abc"] == [1, 1, 0]


def test_a_model_server_that_stays_away_stops_the_run_and_what_waits_still_waits(stage: Stage) -> None:
    now = iter(range(0, 10_000, 7))
    stage.gate = ModelGate(lambda: False, patience=60, clock=lambda: float(next(now)))
    stopped, _ = stage.run(lambda _: Done(State.ENVIRONMENT, "refused", "model"))
    assert (stopped, stage.states) == ("model", {State.WAITING: 5})
    stage.gate = ModelGate(lambda: True)
    assert stage.run(lambda _: FINISHED)[0] == ""
    assert stage.states == {State.FINISHED: 5}


def test_back_pressure_keeps_instances_from_the_model(stage: Stage) -> None:
    stage.limits = Limits(in_flight=1)
    assert stage.run(lambda _: FINISHED, slots=4)[1].most == 1


@pytest.mark.parametrize(("limits", "why"), [(Limits(tokens=250), "tokens"), (Limits(seconds=-1), "time")])
def test_a_budget_that_is_spent_leaves_the_rest_waiting(stage: Stage, limits: Limits, why: str) -> None:
    stage.limits = limits
    stopped, _ = stage.run(lambda _: FINISHED, slots=1)
    assert stopped == why
    assert stage.states[State.WAITING] >= 2
    stage.limits = Limits()
    assert stage.run(lambda _: FINISHED)[0] == ""
    assert stage.states == {State.FINISHED: 5}


def test_without_room_an_instance_ends_for_it_and_the_next_is_looked_at(stage: Stage) -> None:
    stage.disk = Room(["no room"])
    stage.run(lambda _: FINISHED)
    job = stage.store.job("solve", "a")
    assert (job.state, job.reason) == (State.ENVIRONMENT, "no room")
    assert stage.states == {State.ENVIRONMENT: 1, State.FINISHED: 4}


def test_while_others_run_room_is_waited_for(stage: Stage) -> None:
    stage.disk = Room(["", "no room", ""])
    stage.run(lambda _: FINISHED)
    assert stage.states == {State.FINISHED: 5}


def test_a_worker_that_told_its_end_to_a_dead_scheduler_is_heard(stage: Stage) -> None:
    for name in "ab":
        stage.store.begin("solve", name)
    done = Done(State.FINISHED, solved=Solved("patch", "verified"), attempt=1)
    _leave(stage, "a", done)
    _leave(stage, "b", Done(State.FINISHED, solved=Solved("old", "verified"), attempt=0))

    _, executor = stage.run(lambda _: FINISHED)

    assert stage.store.job("solve", "a").done == done
    assert sorted(task.instance.id for task in executor.taken) == list("bcde")
    assert stage.store.job("solve", "b").attempts == 2


def _leave(stage: Stage, identity: str, done: Done) -> None:
    folder = folder_of(stage.store.folder, "solve", identity)
    folder.mkdir(parents=True)
    (folder / "done.json").write_text(dump(done))


def test_the_disk_guard_prunes_before_it_complains(tmp_path: Path) -> None:
    pruned: list[int] = []
    guard = DiskGuard(tmp_path, 2**62, lambda: pruned.append(1))
    assert "are needed" in guard.missing()
    assert "are needed" in guard.missing()
    assert pruned == [1]
    assert DiskGuard(tmp_path, 1).missing() == ""
