"""Run one task in a child process and read its result, which may be missing."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from threading import Event

from pydantic import ValidationError

from repoagent.bench.task import DISK_FULL, DONE, TASK, Done, State, Task
from repoagent.domain import dump, load

GRACE = 15.0
"""Seconds that a child has to end itself after its standard input is closed."""
_GLANCE = 0.25


def launch(task: Task, folder: Path, stop: Event) -> Done:
    """Run `task` in `folder` in a process of its own, until it ends, its deadline passes or `stop` is set."""
    started = time.monotonic()
    try:
        process = _started(task, folder)
    except OSError as error:
        reason = f"cannot start a worker in {folder}: {error}"
        return Done(State.ENVIRONMENT, reason, "disk" if error.errno in _FULL else "")
    why = _awaited(process, started + task.deadline, stop)
    return _ended(folder, process.returncode, why, time.monotonic() - started)


_FULL = {28, 122}  # ENOSPC, EDQUOT


def _started(task: Task, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DONE).unlink(missing_ok=True)
    (folder / TASK).write_text(dump(task), encoding="utf-8", errors="surrogateescape")
    command = (sys.executable, "-m", "repoagent.bench.child", str(folder))
    with (folder / "child.log").open("ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, cwd=folder
        )


def _awaited(process: subprocess.Popen[bytes], deadline: float, stop: Event) -> str:
    """Wait for the end of the process; returns why it had to be stopped, empty where it ended by itself."""
    why = ""
    while process.poll() is None and not why:
        if stop.is_set():
            why = "stopped"
        elif time.monotonic() > deadline:
            why = "deadline"
        else:
            _wait(process, _GLANCE)
    _unleash(process)
    return why


def _wait(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait at most `seconds`, and tell whether the process ended. A descriptor wakes at once, `Popen.wait` polls."""
    if process.poll() is not None:
        return True
    descriptor = os.pidfd_open(process.pid)
    try:
        select.select([descriptor], [], [], seconds)
    finally:
        os.close(descriptor)
    return process.poll() is not None


def _unleash(process: subprocess.Popen[bytes]) -> None:
    """Close the child's standard input, at which it ends itself and its children; kill it where it does not."""
    if process.stdin:
        process.stdin.close()
    if not _wait(process, GRACE):
        process.kill()
        process.wait()


def _ended(folder: Path, exit_code: int, why: str, seconds: float) -> Done:
    if (done := read_done(folder)) is not None:
        return replace(done, seconds=round(seconds, 3))
    spent, worker = round(seconds, 3), socket.gethostname()
    if why == "deadline":
        return Done(State.TIMED_OUT, f"did not end within {seconds:.0f} s", seconds=spent, worker=worker)
    if why == "stopped":
        return Done(State.ENVIRONMENT, "the run was stopped", "lost", seconds=spent, worker=worker)
    if exit_code < 0:
        return replace(_signalled(signal.Signals(-exit_code)), seconds=spent, worker=worker)
    if exit_code == DISK_FULL:
        reason = f"the disk that holds {folder} is full"
        return Done(State.ENVIRONMENT, reason, "disk", seconds=spent, worker=worker)
    tail = _tail(folder / "child.log")
    return Done(State.CRASHED, f"the worker ended with {exit_code}: {tail}", seconds=spent, worker=worker)


def _signalled(ended_by: signal.Signals) -> Done:
    """Interpret the signal that ended a worker: sent by others, perhaps for lack of memory, or a crash."""
    reason = f"the worker was ended by {ended_by.name}"
    if ended_by is signal.SIGKILL:
        return Done(State.ENVIRONMENT, f"{reason}, perhaps for lack of memory", "lost")
    return Done(State.ENVIRONMENT, reason, "lost") if ended_by is signal.SIGTERM else Done(State.CRASHED, reason)


def read_done(folder: Path) -> Done | None:
    """Read the result that a child has written; None where there is none."""
    try:
        return load(Done, (folder / DONE).read_bytes())
    except (OSError, ValidationError):
        return None


def _tail(path: Path, size: int = 2000) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - size, 0))
            return file.read(size).decode("utf-8", "replace").strip()
    except OSError:
        return ""
