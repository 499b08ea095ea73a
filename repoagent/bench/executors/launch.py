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

from repoagent.bench.task import DISK_FULL, DONE, TASK, AttemptResult, BenchTask, JobState
from repoagent.domain import dump, load

GRACE_SECONDS = 15.0
"""Seconds that a child has to end itself after its standard input is closed."""
_POLL_SECONDS = 0.25


def run_in_child(task: BenchTask, folder: Path, stop: Event) -> AttemptResult:
    """Run `task` in `folder` in a process of its own, until it ends, its deadline passes or `stop` is set."""
    started = time.monotonic()
    try:
        process = _start_child(task, folder)
    except OSError as error:
        reason = f"cannot start a worker in {folder}: {error}"
        return AttemptResult(JobState.ENVIRONMENT, reason, "disk" if error.errno in _DISK_FULL_ERRORS else "")
    why = _wait_for_child(process, started + task.deadline, stop)
    return _make_result(folder, process.returncode, why, time.monotonic() - started)


_DISK_FULL_ERRORS = {28, 122}  # ENOSPC, EDQUOT


def _start_child(task: BenchTask, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DONE).unlink(missing_ok=True)
    (folder / TASK).write_text(dump(task), encoding="utf-8", errors="surrogateescape")
    command = (sys.executable, "-m", "repoagent.bench.child", str(folder))
    with (folder / "child.log").open("ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, cwd=folder
        )


def _wait_for_child(process: subprocess.Popen[bytes], deadline: float, stop: Event) -> str:
    """Wait for the end of the process; returns why it had to be stopped, empty where it ended by itself."""
    why = ""
    while process.poll() is None and not why:
        if stop.is_set():
            why = "stopped"
        elif time.monotonic() > deadline:
            why = "deadline"
        else:
            _wait_briefly(process, _POLL_SECONDS)
    _stop_child(process)
    return why


def _wait_briefly(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait at most `seconds`, and tell whether the process ended. A descriptor wakes at once, `Popen.wait` polls."""
    if process.poll() is not None:
        return True
    descriptor = os.pidfd_open(process.pid)
    try:
        select.select([descriptor], [], [], seconds)
    finally:
        os.close(descriptor)
    return process.poll() is not None


def _stop_child(process: subprocess.Popen[bytes]) -> None:
    """Close the child's standard input, at which it ends itself and its children; kill it where it does not."""
    if process.stdin:
        process.stdin.close()
    if not _wait_briefly(process, GRACE_SECONDS):
        process.kill()
        process.wait()


def _make_result(folder: Path, exit_code: int, why: str, seconds: float) -> AttemptResult:
    if (done := read_attempt_result(folder)) is not None:
        return replace(done, seconds=round(seconds, 3))
    spent, worker = round(seconds, 3), socket.gethostname()
    if why == "deadline":
        return AttemptResult(JobState.TIMED_OUT, f"did not end within {seconds:.0f} s", seconds=spent, worker=worker)
    if why == "stopped":
        return AttemptResult(JobState.ENVIRONMENT, "the run was stopped", "lost", seconds=spent, worker=worker)
    if exit_code < 0:
        return replace(_interpret_signal(signal.Signals(-exit_code)), seconds=spent, worker=worker)
    if exit_code == DISK_FULL:
        reason = f"the disk that holds {folder} is full"
        return AttemptResult(JobState.ENVIRONMENT, reason, "disk", seconds=spent, worker=worker)
    tail = _read_tail(folder / "child.log")
    return AttemptResult(JobState.CRASHED, f"the worker ended with {exit_code}: {tail}", seconds=spent, worker=worker)


def _interpret_signal(ended_by: signal.Signals) -> AttemptResult:
    """Interpret the signal that ended a worker: sent by others, perhaps for lack of memory, or a crash."""
    reason = f"the worker was ended by {ended_by.name}"
    if ended_by is signal.SIGKILL:
        return AttemptResult(JobState.ENVIRONMENT, f"{reason}, perhaps for lack of memory", "lost")
    return (
        AttemptResult(JobState.ENVIRONMENT, reason, "lost")
        if ended_by is signal.SIGTERM
        else AttemptResult(JobState.CRASHED, reason)
    )


def read_attempt_result(folder: Path) -> AttemptResult | None:
    """Read the result that a child has written; None where there is none."""
    try:
        return load(AttemptResult, (folder / DONE).read_bytes())
    except (OSError, ValidationError):
        return None


def _read_tail(path: Path, size: int = 2000) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - size, 0))
            return file.read(size).decode("utf-8", "replace").strip()
    except OSError:
        return ""
