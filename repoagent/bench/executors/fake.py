"""An executor for tests: a function gives the result of each task, one for each `wait_for_results`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from repoagent.bench.executors.base import FinishedTask
from repoagent.bench.task import AttemptResult, BenchTask


@dataclass
class FakeExecutor:
    """Satisfies `TaskExecutor`."""

    answer: Callable[[BenchTask], AttemptResult]
    slots: int = 2
    submitted: list[BenchTask] = field(default_factory=list)
    seconds_waited: float = 0.0
    """Sum of the seconds that it was allowed to wait."""
    max_running: int = 0
    """Largest number of tasks that ran at once."""
    _running: list[BenchTask] = field(default_factory=list)

    def submit(self, task: BenchTask) -> None:
        """Record the task."""
        self.submitted.append(task)
        self._running.append(task)
        self.max_running = max(self.max_running, len(self._running))

    def wait_for_results(self, seconds: float) -> list[FinishedTask]:
        """End the task that was submitted first, at once."""
        self.seconds_waited += seconds
        if not self._running:
            return []
        task = self._running.pop(0)
        return [FinishedTask(task, self.answer(task))]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running.clear()
