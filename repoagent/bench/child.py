"""The worker process of one task: `python -m repoagent.bench.child FOLDER`.

FOLDER holds `task.json`; the result is written atomically to `done.json`. Standard input is a leash: when it closes,
because the scheduler is done or dead, this process and all it started are killed at once.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from repoagent.bench.task import DISK_FULL, DONE, TASK, AttemptResult, BenchTask, FailureKind, JobState
from repoagent.domain import dump, load
from repoagent.errors import BudgetExceeded, EnvironmentFailed, ModelFailed, SandboxFailed, UserError

LOCK_FILE = ".lock"


def main(arguments: list[str]) -> int:
    """Work on the task in the folder that is the only argument; returns the exit code."""
    from filelock import FileLock

    folder = Path(arguments[0])
    threading.Thread(target=_end_with_leash, daemon=True).start()
    _raise_oom_score()
    with FileLock(folder / LOCK_FILE, timeout=60):  # a predecessor whose leash broke may need a moment to end
        task = load(BenchTask, (folder / TASK).read_bytes())
        (folder / TASK).unlink()  # it holds the reference patch, and lies beside the agent's work tree
        done = perform_task(task, folder)
        if not task.keep:
            shutil.rmtree(folder / "source", ignore_errors=True)
        return _write_result(done, folder)


def _write_result(done: AttemptResult, folder: Path) -> int:
    """Write the result; where the disk is full, the agent's copies of the code are deleted first."""
    if done.cause == "disk":
        _remove_copies(folder)
    try:
        write_attempt_result(done, folder)
    except EnvironmentFailed:
        _remove_copies(folder)
        try:
            write_attempt_result(done, folder)
        except EnvironmentFailed:
            return DISK_FULL
    return 0


def _remove_copies(folder: Path) -> None:
    for name in ("session/workspace", "tree", "source"):
        shutil.rmtree(folder / name, ignore_errors=True)


def perform_task(task: BenchTask, folder: Path) -> AttemptResult:
    """Carry out a task and return its result; an exception becomes a result, too."""
    started = time.monotonic()
    try:
        done = _STAGES[task.stage](task, folder)
    except Exception as error:  # one task must not end the others
        done = _classify_failure(error)
        with suppress(OSError):
            (folder / "error.log").write_text(traceback.format_exc(), encoding="utf-8", errors="replace")
    return replace(
        done, seconds=round(time.monotonic() - started, 3), worker=socket.gethostname(), attempt=task.attempt
    )


def write_attempt_result(done: AttemptResult, folder: Path) -> None:
    """Write a result atomically. Raises EnvironmentFailed where the disk is full."""
    from repoagent.session.atomic import write_bytes

    write_bytes(folder / DONE, dump(done).encode("utf-8", "surrogateescape"))


def _solve_task(task: BenchTask, folder: Path) -> AttemptResult:
    from repoagent.bench.agents import run_agent

    return AttemptResult(JobState.FINISHED, solved=run_agent(task, folder))


def _evaluate_task(task: BenchTask, folder: Path) -> AttemptResult:
    from repoagent.bench.evaluation.observe import prepare_instance

    with prepare_instance(task, folder) as bench:
        return AttemptResult(JobState.FINISHED, judged=bench.evaluate_patch(task.patch, task.excluded))


def _validate_task(task: BenchTask, folder: Path) -> AttemptResult:
    from repoagent.bench.evaluation.observe import prepare_instance
    from repoagent.bench.evaluation.validate import validate_instance

    with prepare_instance(task, folder) as bench:
        return AttemptResult(JobState.FINISHED, validated=validate_instance(bench))


_STAGES: dict[str, Callable[[BenchTask, Path], AttemptResult]] = {
    "solve": _solve_task,
    "evaluate": _evaluate_task,
    "validate": _validate_task,
}


# --- failures -------------------------------------------------------------------------------------------------------


def _classify_failure(error: Exception) -> AttemptResult:
    reason = f"{type(error).__name__}: {error}"[:2000] if not isinstance(error, UserError) else str(error)[:2000]
    if is_disk_full(error):
        return AttemptResult(JobState.ENVIRONMENT, reason, "disk")
    if isinstance(error, UserError):
        return AttemptResult(JobState.UNUSABLE, reason, "repository")
    if isinstance(error, EnvironmentFailed | ConnectionError):
        return AttemptResult(JobState.ENVIRONMENT, reason, _find_failure_kind(error))
    return AttemptResult(JobState.TIMED_OUT if isinstance(error, BudgetExceeded) else JobState.CRASHED, reason)


def is_disk_full(error: BaseException) -> bool:
    """Tell whether a full disk caused an error, however the cause is wrapped."""
    words = str(error)
    told = "No space left" in words or "is full" in words
    code = error.errno if isinstance(error, OSError) else None
    behind = error.__cause__ or error.__context__
    return told or code in {errno.ENOSPC, errno.EDQUOT} or (behind is not None and is_disk_full(behind))


def _find_failure_kind(error: Exception) -> FailureKind:
    if isinstance(error, ModelFailed):
        return "model"
    return "sandbox" if isinstance(error, SandboxFailed) else ""


# --- the process ------------------------------------------------------------------------------------------------------


def _end_with_leash() -> None:
    while os.read(0, 4096):
        pass
    for pid in [*_list_descendants(os.getpid()), os.getpid()]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _list_descendants(pid: int) -> list[int]:
    """List all descendants of the process `pid`, whatever group or session they are in."""
    parents: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            parent = place.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]
            parents.setdefault(int(parent), []).append(int(place.parent.name))
    found = parents.get(pid, [])
    for each in found:
        found += parents.get(each, [])
    return found


def _raise_oom_score() -> None:
    """Raise this process's OOM score, so that out of memory one instance is killed and not the scheduler."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
