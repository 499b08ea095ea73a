"""The interface of executors: they take tasks, work on some at a time, and report how each ended."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from repoagent.bench.task import AttemptResult, BenchTask


@dataclass(frozen=True)
class FinishedTask:
    """A task whose attempt has ended, with its result."""

    task: BenchTask
    result: AttemptResult


class TaskExecutor(Protocol):
    """Works on tasks in the background; the death of a worker is a result like any other. Leaving the context manager
    stops running tasks."""

    @property
    def slots(self) -> int:
        """The number of tasks it can run at once; may change."""

    def submit(self, task: BenchTask) -> None:
        """Start a task; at most `slots` may run at once."""

    def wait_for_results(self, seconds: float) -> list[FinishedTask]:
        """Return the tasks that have ended since the last call; waits for one, at most `seconds`."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
