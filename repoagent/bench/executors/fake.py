"""An executor for tests: a function gives the result of each task, one for each `wait`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from repoagent.bench.executors.base import Ended
from repoagent.bench.task import Done, Task


@dataclass
class FakeExecutor:
    """Satisfies `Executor`."""

    answer: Callable[[Task], Done]
    slots: int = 2
    taken: list[Task] = field(default_factory=list)
    waited: float = 0.0
    """Sum of the seconds that it was allowed to wait."""
    most: int = 0
    """Largest number of tasks that ran at once."""
    _running: list[Task] = field(default_factory=list)

    def submit(self, task: Task) -> None:
        """Record the task."""
        self.taken.append(task)
        self._running.append(task)
        self.most = max(self.most, len(self._running))

    def wait(self, seconds: float) -> list[Ended]:
        """End the task that was submitted first, at once."""
        self.waited += seconds
        if not self._running:
            return []
        task = self._running.pop(0)
        return [Ended(task, self.answer(task))]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running.clear()
