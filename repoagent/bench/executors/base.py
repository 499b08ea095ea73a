"""What an executor is: it takes tasks, works on some at a time, and tells how each ended."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from repoagent.bench.task import Done, Task


@dataclass(frozen=True)
class Ended:
    """A task that came to its end, whatever that was."""

    task: Task
    done: Done


class Executor(Protocol):
    """Works on tasks beside the scheduler; a worker that dies is a `Done` like any other. Use as a context manager:
    leaving it ends what still runs."""

    @property
    def slots(self) -> int:
        """How many tasks it can take at once; may change while it works."""

    def submit(self, task: Task) -> None:
        """Begin a task; at most `slots` may be under way."""

    def wait(self, seconds: float) -> list[Ended]:
        """The tasks that have ended since; waits for one, at most `seconds`."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
