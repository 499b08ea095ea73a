"""Run tasks on a Ray cluster, each on a node that has the resources it needs; lost tasks are run again elsewhere.

Ray itself retries nothing here: the store counts attempts, and the scheduler decides. Results and traces are sent back
with each result, so the machines need nothing in common but Ray.
"""

from __future__ import annotations

import io
import logging
import os
import re
import shutil
import socket
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from repoagent.bench.executors.base import FinishedTask
from repoagent.bench.layout import get_instance_folder
from repoagent.bench.task import AttemptResult, BenchTask, JobState
from repoagent.domain import dump, load
from repoagent.errors import EnvironmentFailed, UserError

if TYPE_CHECKING:
    from ray import ObjectRef

MAX_TRACE_BYTES = 64 << 20
"""Maximum bytes of traces that are sent back for one instance."""
_MAX_FILE_BYTES = 16 << 20
_UNPACKED_FOLDERS = ("workspace", "tree", "source", "known")
"""Folders that stay on the node, and are removed there."""


class RayExecutor:
    """Satisfies `TaskExecutor`. Make one with `connect_to_cluster`."""

    def __init__(self, run: Path, workers: int, resources: Mapping[str, float], labels: Mapping[str, str]) -> None:
        self._run = run
        self._workers = workers
        self._resources = {name: amount for name, amount in resources.items() if name not in {"CPU", "GPU"}}
        self._cpus, self._gpus = resources.get("CPU", 1.0), resources.get("GPU", 0.0)
        self._labels = dict(labels)
        self._running: dict[ObjectRef[Any], tuple[BenchTask, float]] = {}

    @classmethod
    def connect_to_cluster(
        cls, run: Path, address: str, workers: int, resources: Mapping[str, float], labels: Mapping[str, str]
    ) -> Self:
        """Join the cluster at `address`: `auto` for the one that runs on this machine, `local` to start one here.

        With 0 `workers`, as many run as the nodes have resources for. Raises UserError without the extra,
        EnvironmentFailed where no cluster answers.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise UserError("--cluster needs an extra: pip install 'repoagent[ray]'") from error
        _check_reachable(address)
        try:
            ray.init(address=None if address == "local" else address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            raise _make_cluster_error(address, error) from error
        return cls(run, workers, resources, labels)

    @property
    def slots(self) -> int:
        """The number of workers, or as many as the nodes that are alive have resources for."""
        if self._workers:
            return self._workers
        return max(1, sum(self._count_fitting(node) for node in _list_nodes()))

    def submit(self, task: BenchTask) -> None:
        import ray

        selected = {"label_selector": self._labels} if self._labels else {}
        remote = ray.remote(run_task).options(
            num_cpus=self._cpus,
            num_gpus=self._gpus,
            resources=self._resources or None,
            max_retries=0,
            name=task.key,
            **selected,
        )
        self._running[remote.remote(dump(task))] = (task, time.monotonic())

    def wait_for_results(self, seconds: float) -> list[FinishedTask]:
        import ray

        if not self._running:
            return []
        ready, _ = ray.wait(list(self._running), num_returns=1, timeout=seconds)
        ended = [self._take_result(reference) for reference in ready]
        return ended + [self._cancel_task(reference) for reference in self._find_overdue()]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        import ray

        for reference in self._running:
            with suppress(Exception):  # a node that is gone cannot be told to stop
                ray.cancel(reference, force=True)
        ray.shutdown()

    # --- inside

    def _count_fitting(self, node: Mapping[str, float]) -> int:
        wanted = {"CPU": self._cpus, "GPU": self._gpus, **self._resources}
        return int(min(node.get(name, 0.0) // amount for name, amount in wanted.items() if amount))

    def _take_result(self, reference: ObjectRef[Any]) -> FinishedTask:
        import ray

        task, started = self._running.pop(reference)
        try:
            result, traces = ray.get(reference)
        except ray.exceptions.RayError as error:
            spent = round(time.monotonic() - started, 3)
            reason = f"the worker or its node was lost: {type(error).__name__}"
            return FinishedTask(
                task, AttemptResult(JobState.ENVIRONMENT, reason, "lost", seconds=spent, attempt=task.attempt)
            )
        unpack_traces(traces, get_instance_folder(self._run, task.stage, task.instance.id))
        return FinishedTask(task, load(AttemptResult, result))

    def _find_overdue(self) -> Iterator[ObjectRef[Any]]:
        """Yield the tasks that are long overdue: a node that hangs neither ends a task nor fails it."""
        now = time.monotonic()
        yield from [ref for ref, (task, since) in self._running.items() if now - since > 2 * task.deadline + 600]

    def _cancel_task(self, reference: ObjectRef[Any]) -> FinishedTask:
        import ray

        task, started = self._running.pop(reference)
        with suppress(Exception):
            ray.cancel(reference, force=True)
        spent = round(time.monotonic() - started, 3)
        return FinishedTask(
            task, AttemptResult(JobState.ENVIRONMENT, "its node does not answer", "lost", seconds=spent)
        )


def _check_reachable(address: str) -> None:
    """Raise EnvironmentFailed where nothing listens at `address`: Ray itself would try for many minutes."""
    found = re.fullmatch(r"(?:ray://)?\[?([\w.:-]+?)\]?:(\d+)", address)
    if not found:
        return
    try:
        socket.create_connection((found[1], int(found[2])), timeout=10).close()
    except OSError as error:
        raise _make_cluster_error(address, error) from error


def _make_cluster_error(address: str, error: Exception) -> EnvironmentFailed:
    return EnvironmentFailed(
        f"no Ray cluster answers at {address} ({error}): start one with `ray start --head`, and "
        "`ray start --address HOST:6379` on each further machine"
    )


def _list_nodes() -> list[dict[str, float]]:
    """List the resources of each node that is alive."""
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call] # Ray's own lack of a type
    return [node["Resources"] for node in nodes if node["Alive"]]


# --- on the node ------------------------------------------------------------------------------------------------------


def run_task(task: str) -> tuple[str, bytes]:
    """Carry out a task in a child process of this node; returns its result as JSON, and its traces."""
    from repoagent.bench.executors.launch import run_in_child

    with tempfile.TemporaryDirectory(prefix="repoagent-bench-", ignore_cleanup_errors=True) as scratch:
        done = run_in_child(load(BenchTask, task), Path(scratch), Event())
        return dump(done), pack_traces(Path(scratch))


def pack_traces(folder: Path) -> bytes:
    """Pack the traces in a folder into a compressed archive, small files first, as far as they fit."""
    for name in _UNPACKED_FOLDERS:
        for place in (folder / name, folder / "session" / name):
            shutil.rmtree(place, ignore_errors=True)
    files = sorted((p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()), key=lambda p: p.stat().st_size)
    buffer, total = io.BytesIO(), 0
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path in files:
            size = path.stat().st_size
            total += size
            if size <= _MAX_FILE_BYTES and total <= MAX_TRACE_BYTES:
                archive.add(path, str(path.relative_to(folder)), recursive=False)
    return buffer.getvalue()


def unpack_traces(traces: bytes, folder: Path) -> None:
    """Unpack the traces of a node into the run; a full disk or a bad archive loses the traces, not the result."""
    with suppress(OSError, tarfile.TarError):
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(traces), mode="r:gz") as archive:
            archive.extractall(folder, filter="data")
