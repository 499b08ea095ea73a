"""Run a stage to its end: start instances while there are resources, store their results, retry after infrastructure
failures."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from repoagent.bench.disk import DiskGuard
from repoagent.bench.executors.base import Ended, Executor
from repoagent.bench.executors.launch import read_done
from repoagent.bench.gate import ModelGate
from repoagent.bench.layout import folder_of
from repoagent.bench.store import Store
from repoagent.bench.task import Done, Stage, State, Task

Stopped = Literal["", "time", "tokens", "model"]
"""Why a stage stopped before all of its instances had ended; empty where it did not."""


@dataclass(frozen=True)
class Limits:
    """The limits of a run, all instances together, and the number of retries."""

    seconds: float = float("inf")
    """Of this call."""
    tokens: int | None = None
    """Of the run, earlier calls included."""
    retries: int = 2
    """Retries of an instance after infrastructure failures."""
    model_retries: int = 8
    """Retries after the model server was unavailable or the worker was lost, which is hardly the instance's fault."""
    in_flight: int | None = None
    """Instances that may use the model server at once, however many workers there are."""
    backoff: float = 5.0
    """Seconds before the first retry; doubled for each further one."""


@dataclass(frozen=True)
class Moment:
    """The state of a stage, for display."""

    stage: Stage
    counts: dict[State, int]
    running: dict[str, float]
    """Start of each running instance, by `time.monotonic`."""
    tokens: int
    """Of this call."""
    seconds: float
    """Of this call."""
    ended: int
    """Instances that ended in this call."""
    free: int
    """Bytes of the disk."""
    held: str = ""
    """Why no instance is started at the moment; empty where they are."""

    @property
    def left(self) -> float | None:
        """Estimated seconds until the end; None before any instance ended."""
        todo = sum(count for state, count in self.counts.items() if not state.ended)
        return todo * self.seconds / self.ended if self.ended else None


Watcher = Callable[[Moment, Ended | None], None]
"""Called with the state after each result, and about once a second."""


def unwatched(_moment: Moment, _ended: Ended | None) -> None:
    """Show nothing."""


@dataclass
class Scheduler:
    """Runs one stage. The store has the truth; the state in here can be lost at any time."""

    store: Store
    stage: Stage
    executor: Executor
    task_for: Callable[[str, int], Task]
    """Makes the task for an instance's id and attempt when it starts, so that only running ones are in memory."""
    disk: DiskGuard
    gate: ModelGate
    limits: Limits = field(default_factory=Limits)
    watch: Watcher = unwatched
    glance: float = 1.0
    """Seconds between two updates where nothing happens."""
    _waiting: deque[str] = field(default_factory=deque)
    _delayed: list[tuple[float, str]] = field(default_factory=list)
    _running: dict[str, float] = field(default_factory=dict)
    _ended: int = 0
    _tokens: int = 0
    _started: float = 0.0
    _held: str = ""

    def run(self) -> Stopped:
        """Run until every instance has ended or a limit is reached; returns which limit, empty where all have ended."""
        self._started = time.monotonic()
        self._recover()
        self._waiting.extend(self.store.waiting(self.stage))
        stopped: Stopped = ""
        while self._running or (not stopped and (self._waiting or self._delayed)):
            stopped = stopped or self._exhausted()
            if not stopped:
                self._fill()
            self._look()
        return stopped

    # --- recovery

    def _recover(self) -> None:
        """Store the results of workers that finished although their scheduler died."""
        for identity in self.store.recover(self.stage):
            done = read_done(folder_of(self.store.folder, self.stage, identity))
            attempt = self.store.job(self.stage, identity).attempts
            if done is not None and done.attempt == attempt and done.state is not State.ENVIRONMENT:
                self._note(identity, done)

    # --- starting

    def _exhausted(self) -> Stopped:
        if time.monotonic() - self._started > self.limits.seconds:
            return "time"
        if self.limits.tokens is not None and self.store.tokens() >= self.limits.tokens:
            return "tokens"
        return "model" if self.gate.hopeless else ""

    def _fill(self) -> None:
        """Start instances while there are slots, disk space and a model."""
        self._held = ""
        self._take_delayed()
        while self._waiting and len(self._running) < self._slots():
            if not self.gate.open():
                self._held = "the model server does not answer"
                return
            if missing := self.disk.missing():
                self._held = missing
                self._give_up_for_want_of_room(missing)
                return
            self._start(self._waiting.popleft())

    def _slots(self) -> int:
        limit = self.limits.in_flight
        return self.executor.slots if limit is None else min(limit, self.executor.slots)

    def _take_delayed(self) -> None:
        while self._delayed and self._delayed[0][0] <= time.monotonic():
            self._waiting.append(heapq.heappop(self._delayed)[1])

    def _give_up_for_want_of_room(self, missing: str) -> None:
        """Fail the next instance for lack of disk space, unless running ones may still free some."""
        if not self._running:
            self._note(self._waiting.popleft(), Done(State.ENVIRONMENT, missing, "disk"))

    def _start(self, identity: str) -> None:
        attempt = self.store.begin(self.stage, identity)
        self._running[identity] = time.monotonic()
        self.executor.submit(self.task_for(identity, attempt))

    # --- ending

    def _look(self) -> None:
        """Wait for the next results, at most until a delayed instance is due."""
        if not self._running:
            time.sleep(self._nap())
        for ended in self.executor.wait(self._nap()):
            self._running.pop(ended.task.instance.id, None)
            self._take(ended)
        self.watch(self._moment(), None)

    def _nap(self) -> float:
        if not self._running and self._waiting and not self._held:
            return 0.0
        due = self._delayed[0][0] - time.monotonic() if self._delayed else self.glance
        return max(0.0, min(self.glance, due))

    def _take(self, ended: Ended) -> None:
        self._tokens += ended.done.solved.usage.tokens if ended.done.solved else 0
        if ended.done.cause == "model":
            self.gate.failed()
        again = self._again(ended)
        self.store.end(self.stage, ended.task.instance.id, ended.done, again=again)
        if again:
            self._delay(ended.task.instance.id)
        else:
            self._ended += 1
        self.watch(self._moment(), ended)

    def _again(self, ended: Ended) -> bool:
        """Tell whether to retry: only after infrastructure failures, and within the number of retries."""
        if ended.done.state is not State.ENVIRONMENT:
            return False
        patient = ended.done.cause in {"model", "lost"}
        failures = self.store.job(self.stage, ended.task.instance.id).failures
        return failures < (self.limits.model_retries if patient else self.limits.retries)

    def _delay(self, identity: str) -> None:
        failures = self.store.job(self.stage, identity).failures
        pause = min(self.limits.backoff * 2 ** (failures - 1), 300.0)
        heapq.heappush(self._delayed, (time.monotonic() + pause, identity))

    def _note(self, identity: str, done: Done) -> None:
        self.store.end(self.stage, identity, done)
        self._ended += 1
        self.watch(self._moment(), Ended(self.task_for(identity, 0), done))

    def _moment(self) -> Moment:
        return Moment(
            self.stage,
            self.store.counts(self.stage),
            dict(self._running),
            self._tokens,
            time.monotonic() - self._started,
            self._ended,
            self.disk.free(),
            self._held,
        )
