"""An executor for tests of what stands above: ends tasks as a function says, one for each `wait`."""

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
    """Seconds that it was allowed to wait, all together."""
    most: int = 0
    """How many were under way at once."""
    _running: list[Task] = field(default_factory=list)

    def submit(self, task: Task) -> None:
        """Remember it."""
        self.taken.append(task)
        self._running.append(task)
        self.most = max(self.most, len(self._running))

    def wait(self, seconds: float) -> list[Ended]:
        """The task that was submitted first, at once."""
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
