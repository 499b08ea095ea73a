"""Run tasks on this machine, each in a child process, as many at once as there are workers."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from repoagent.bench.executors.base import FinishedTask
from repoagent.bench.executors.launch import run_in_child
from repoagent.bench.layout import get_instance_folder
from repoagent.bench.task import AttemptResult, BenchTask


class LocalExecutor:
    """Satisfies `TaskExecutor`; a thread waits for each child."""

    def __init__(self, run: Path, workers: int) -> None:
        self._run = run
        self._workers = workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="instance")
        self._stop = Event()
        self._running: dict[Future[AttemptResult], BenchTask] = {}

    @property
    def slots(self) -> int:
        return self._workers

    def submit(self, task: BenchTask) -> None:
        folder = get_instance_folder(self._run, task.stage, task.instance.id).absolute()
        self._running[self._threads.submit(run_in_child, task, folder, self._stop)] = task

    def wait_for_results(self, seconds: float) -> list[FinishedTask]:
        ready, _ = wait(self._running, timeout=seconds, return_when=FIRST_COMPLETED)
        return [FinishedTask(self._running.pop(future), future.result()) for future in ready]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._threads.shutdown(wait=True)
