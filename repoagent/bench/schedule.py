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
from repoagent.bench.executors.base import FinishedTask, TaskExecutor
from repoagent.bench.executors.launch import read_attempt_result
from repoagent.bench.gate import ModelGate
from repoagent.bench.layout import get_instance_folder
from repoagent.bench.store import ResultStore
from repoagent.bench.task import AttemptResult, BenchTask, JobState, Stage

StopReason = Literal["", "time", "tokens", "model"]
"""Why a stage stopped before all of its instances had ended; empty where it did not."""


@dataclass(frozen=True)
class RunLimits:
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
class StageProgress:
    """The state of a stage, for display."""

    stage: Stage
    counts: dict[JobState, int]
    running: dict[str, float]
    """Start of each running instance, by `time.monotonic`."""
    tokens: int
    """Of this call."""
    seconds: float
    """Of this call."""
    finished: int
    """Instances that ended in this call."""
    free_bytes: int
    """Bytes of the disk."""
    wait_reason: str = ""
    """Why no instance is started at the moment; empty where they are."""

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds until the end; None before any instance ended."""
        todo = sum(count for state, count in self.counts.items() if not state.is_final)
        return todo * self.seconds / self.finished if self.finished else None


StageWatcher = Callable[[StageProgress, FinishedTask | None], None]
"""Called with the state after each result, and about once a second."""


def ignore_progress(_moment: StageProgress, _ended: FinishedTask | None) -> None:
    """Show nothing."""


@dataclass
class Scheduler:
    """Runs one stage. The store has the truth; the state in here can be lost at any time."""

    store: ResultStore
    stage: Stage
    executor: TaskExecutor
    task_for: Callable[[str, int], BenchTask]
    """Makes the task for an instance's id and attempt when it starts, so that only running ones are in memory."""
    disk: DiskGuard
    gate: ModelGate
    limits: RunLimits = field(default_factory=RunLimits)
    watch: StageWatcher = ignore_progress
    poll_seconds: float = 1.0
    """Seconds between two updates where nothing happens."""
    _waiting: deque[str] = field(default_factory=deque)
    _delayed: list[tuple[float, str]] = field(default_factory=list)
    _running: dict[str, float] = field(default_factory=dict)
    _ended: int = 0
    _tokens: int = 0
    _started: float = 0.0
    _held: str = ""

    def run_stage(self) -> StopReason:
        """Run until every instance has ended or a limit is reached; returns which limit, empty where all have ended."""
        self._started = time.monotonic()
        self._recover_results()
        self._waiting.extend(self.store.list_waiting(self.stage))
        stopped: StopReason = ""
        while self._running or (not stopped and (self._waiting or self._delayed)):
            stopped = stopped or self._find_stop_reason()
            if not stopped:
                self._start_waiting()
            self._wait_for_results()
        return stopped

    # --- recovery

    def _recover_results(self) -> None:
        """Store the results of workers that finished although their scheduler died."""
        for identity in self.store.recover_jobs(self.stage):
            done = read_attempt_result(get_instance_folder(self.store.folder, self.stage, identity))
            attempt = self.store.read_job(self.stage, identity).attempts
            if done is not None and done.attempt == attempt and done.state is not JobState.ENVIRONMENT:
                self._store_failure(identity, done)

    # --- starting

    def _find_stop_reason(self) -> StopReason:
        if time.monotonic() - self._started > self.limits.seconds:
            return "time"
        if self.limits.tokens is not None and self.store.sum_tokens() >= self.limits.tokens:
            return "tokens"
        return "model" if self.gate.is_hopeless else ""

    def _start_waiting(self) -> None:
        """Start instances while there are slots, disk space and a model."""
        self._held = ""
        self._enqueue_due()
        while self._waiting and len(self._running) < self._count_slots():
            if not self.gate.is_open():
                self._held = "the model server does not answer"
                return
            if missing := self.disk.describe_shortage():
                self._held = missing
                self._fail_for_lack_of_space(missing)
                return
            self._start_instance(self._waiting.popleft())

    def _count_slots(self) -> int:
        limit = self.limits.in_flight
        return self.executor.slots if limit is None else min(limit, self.executor.slots)

    def _enqueue_due(self) -> None:
        while self._delayed and self._delayed[0][0] <= time.monotonic():
            self._waiting.append(heapq.heappop(self._delayed)[1])

    def _fail_for_lack_of_space(self, missing: str) -> None:
        """Fail the next instance for lack of disk space, unless running ones may still free some."""
        if not self._running:
            self._store_failure(self._waiting.popleft(), AttemptResult(JobState.ENVIRONMENT, missing, "disk"))

    def _start_instance(self, identity: str) -> None:
        attempt = self.store.begin_attempt(self.stage, identity)
        self._running[identity] = time.monotonic()
        self.executor.submit(self.task_for(identity, attempt))

    # --- ending

    def _wait_for_results(self) -> None:
        """Wait for the next results, at most until a delayed instance is due."""
        if not self._running:
            time.sleep(self._compute_pause())
        for ended in self.executor.wait_for_results(self._compute_pause()):
            self._running.pop(ended.task.instance.id, None)
            self._store_result(ended)
        self.watch(self._describe_progress(), None)

    def _compute_pause(self) -> float:
        if not self._running and self._waiting and not self._held:
            return 0.0
        due = self._delayed[0][0] - time.monotonic() if self._delayed else self.poll_seconds
        return max(0.0, min(self.poll_seconds, due))

    def _store_result(self, ended: FinishedTask) -> None:
        self._tokens += ended.result.solved.usage.tokens if ended.result.solved else 0
        if ended.result.cause == "model":
            self.gate.report_failure()
        again = self._should_retry(ended)
        self.store.end_attempt(self.stage, ended.task.instance.id, ended.result, again=again)
        if again:
            self._schedule_retry(ended.task.instance.id)
        else:
            self._ended += 1
        self.watch(self._describe_progress(), ended)

    def _should_retry(self, ended: FinishedTask) -> bool:
        """Tell whether to retry: only after infrastructure failures, and within the number of retries."""
        if ended.result.state is not JobState.ENVIRONMENT:
            return False
        patient = ended.result.cause in {"model", "lost"}
        failures = self.store.read_job(self.stage, ended.task.instance.id).failures
        return failures < (self.limits.model_retries if patient else self.limits.retries)

    def _schedule_retry(self, identity: str) -> None:
        failures = self.store.read_job(self.stage, identity).failures
        pause = min(self.limits.backoff * 2 ** (failures - 1), 300.0)
        heapq.heappush(self._delayed, (time.monotonic() + pause, identity))

    def _store_failure(self, identity: str, done: AttemptResult) -> None:
        self.store.end_attempt(self.stage, identity, done)
        self._ended += 1
        self.watch(self._describe_progress(), FinishedTask(self.task_for(identity, 0), done))

    def _describe_progress(self) -> StageProgress:
        return StageProgress(
            self.stage,
            self.store.count_states(self.stage),
            dict(self._running),
            self._tokens,
            time.monotonic() - self._started,
            self._ended,
            self.disk.get_free_bytes(),
            self._held,
        )
