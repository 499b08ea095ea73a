"""Run a command of the host with a deadline; when it ends, everything it started is ended, too.

Only for programs this package trusts (git, pip, bwrap, mmdebstrap). Code of a repository runs in a sandbox, never here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repoagent.errors import EnvironmentFailed


@dataclass(frozen=True)
class ProcessResult:
    """A command that ended by itself."""

    command: tuple[str, ...]
    exit_code: int
    stdout: bytes
    stderr: bytes
    seconds: float

    @property
    def text(self) -> str:
        """Standard output, undecodable bytes replaced."""
        return self.stdout.decode("utf-8", "replace")

    @property
    def complaint(self) -> str:
        """The last lines of standard error, for a message."""
        return "\n".join(self.stderr.decode("utf-8", "replace").strip().splitlines()[-5:])


class CommandFailed(EnvironmentFailed):
    """A command of the host is missing, ended with an error, or did not end in time."""

    def __init__(self, message: str, completed: ProcessResult | None = None) -> None:
        super().__init__(message)
        self.completed = completed
        """None where the command never started or did not end."""


def run(
    command: Sequence[str],
    *,
    timeout: float,
    cwd: Path | None = None,
    stdin: bytes = b"",
    environment: Mapping[str, str | None] | None = None,
    check: bool = True,
) -> ProcessResult:
    """Run `command` without a shell, for at most `timeout` seconds.

    `environment` is added to the host's; None removes a variable. Raises CommandFailed when the program or `cwd` is
    missing, the deadline passes or, with `check`, the exit code is not 0.
    """
    started = time.monotonic()
    process = _start(command, cwd, environment)
    try:
        stdout, stderr = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"`{_shorten(command)}` did not end within {timeout:.0f} s") from error
    finally:
        _end_group(process)
    completed = ProcessResult(tuple(command), process.returncode, stdout, stderr, time.monotonic() - started)
    if check and completed.exit_code:
        raise CommandFailed(
            f"`{_shorten(command)}` ended with {completed.exit_code}: {completed.complaint or completed.text[-300:]}",
            completed,
        )
    return completed


def _start(
    command: Sequence[str], cwd: Path | None, environment: Mapping[str, str | None] | None
) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    merged = {**os.environ, **(environment or {})}
    env = {name: value for name, value in merged.items() if value is not None}
    try:
        return subprocess.Popen(command, cwd=cwd, stdin=pipe, stdout=pipe, stderr=pipe, env=env, start_new_session=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        if cwd and not cwd.is_dir():
            raise CommandFailed(f"the folder {cwd} is not there, `{command[0]}` cannot run in it") from error
        raise CommandFailed(f"the program `{command[0]}` is not installed") from error


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()  # after a deadline nobody else does


def _shorten(command: Sequence[str]) -> str:
    text = " ".join(command)
    return text if len(text) <= 120 else text[:117] + "…"
