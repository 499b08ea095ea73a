"""What all real engines share: a sandbox and a build, over one way to execute a command in isolation.

Whatever touches the copied repository (unpacking, writing, reading) is done by programs *inside* the sandbox: there the
links that hostile code leaves behind lead nowhere but into the sandbox itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from repoagent.errors import EnvironmentFailed, SandboxFailed, ToolError
from repoagent.sandbox import archive
from repoagent.sandbox.base import ENVIRONMENT, REPOSITORY, CommandResult, ProgressListener, Recipe, SandboxLimits
from repoagent.sandbox.output import LineSplitter, Output, Sink

HOME = "/tmp/home"  # noqa: S108 - inside the sandbox, where nobody else is
UID = 1000
"""User and group of all that runs in a sandbox, as seen from inside wherever the engine can choose it."""

PROGRAMS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
READ_LIMIT = 64 * 1024 * 1024
"""Bytes; `Sandbox.read` refuses larger files."""

_COPYING = 600.0
"""Seconds after which copying in or out is given up."""
_BUILT = f"{ENVIRONMENT}/built"
_LOG_BYTES = 1_000_000
_EXTRACT = "tar --extract --no-same-owner --warning=no-timestamp"


@dataclass(frozen=True)
class ExitStatus:
    """How an executed command ended."""

    exit_code: int
    timed_out: bool = False


class IsolatedExecutor(Protocol):
    """Runs one command at a time in isolation, in REPOSITORY, with nothing left running afterwards."""

    def execute(
        self,
        command: Sequence[str],
        *,
        timeout: float,
        environment: Mapping[str, str],
        sink: Sink,
        stdin: IO[bytes] | None = None,
    ) -> ExitStatus:
        """Run `command`, its output into `sink`; raises SandboxFailed when the isolation itself broke."""

    def reuse_input(self, file: IO[bytes]) -> None:
        """Take note that `execute` will get `file` as input more than once."""

    def wipe(self) -> None:
        """Become as empty as when it was made; raises SandboxFailed unless it is sure that nothing is left."""

    def interact(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Run `command` at this process's terminal, without a deadline; its exit code."""

    def close(self) -> None:
        """Destroy it and all that was written in it."""


def build_variables(programs: str = PROGRAMS) -> dict[str, str]:
    """Build the whole environment of a command: nothing of the host's is in it."""
    return {
        "HOME": HOME,
        "USER": "sandbox",
        "LOGNAME": "sandbox",
        "LANG": "C.UTF-8",
        "PATH": f"{ENVIRONMENT}/venv/bin:{programs}",
        "PYTHONHASHSEED": "0",
        # A `git` that looks for a repository stops here; the copy has no `.git`.
        "GIT_CEILING_DIRECTORIES": str(Path(REPOSITORY).parent),
    }


class ConfinedSandbox:
    """A copy of a repository that an executor works on; satisfies `Sandbox`."""

    def __init__(
        self, executor: IsolatedExecutor, packed: IO[bytes], limits: SandboxLimits, programs: str = PROGRAMS
    ) -> None:
        self._executor = executor
        self._packed = packed
        self._limits = limits
        self._variables = build_variables(programs)
        self._clock = int(time.time())

    @classmethod
    def from_repository(
        cls, executor: IsolatedExecutor, repository: Path, limits: SandboxLimits, programs: str = PROGRAMS
    ) -> Self:
        """Copy `repository` into an empty executor, which is closed where that fails."""
        with ExitStack() as failing:
            failing.callback(executor.close)
            packed = failing.enter_context(archive.pack_repository(repository))
            executor.reuse_input(packed)
            unpack_repository(executor, packed)
            failing.pop_all()
        return cls(executor, packed, limits, programs)

    def run(
        self, command: Sequence[str], *, timeout: float, environment: Mapping[str, str] | None = None
    ) -> CommandResult:
        """Run `command` in the repository; see `Sandbox.run`."""
        output = Output(self._limits.output_bytes)
        started = time.monotonic()
        ended = self._executor.execute(
            command, timeout=timeout, environment={**self._variables, **(environment or {})}, sink=output.append
        )
        seconds = time.monotonic() - started
        return CommandResult(ended.exit_code, output.text, seconds, ended.timed_out, output.truncated)

    def write(self, files: Mapping[str, bytes | None]) -> None:
        """Write and delete files of the repository; raises ToolError for a path outside it."""
        present = {archive.check_inside(path): data for path, data in files.items() if data is not None}
        absent = [archive.check_inside(path) for path, data in files.items() if data is None]
        # Python takes a compiled module for fresh when the source's size and second are the same. Two writes must
        # therefore never share a second, or the second one would be tested as the first. What was compiled earlier in
        # this second must count as older, too, so the time is that of the next.
        self._clock = max(int(time.time()), self._clock) + 1
        with archive.pack_files(present, self._clock) as packed:
            _unpack_files(self._executor, packed, absent)

    def read(self, path: str) -> bytes:
        """Read a file's bytes; raises FileNotFoundError, and ToolError for a file above READ_LIMIT."""
        output = Output(2 * READ_LIMIT)
        script = '[ -f "$1" ] || exit 44; exec head -c "$2" -- "$1" 2>/dev/null'
        ended = _run_trusted(self._executor, script, path, str(READ_LIMIT + 1), output=output)
        if ended.exit_code:
            raise FileNotFoundError(f"{path} is no readable file in the sandbox")
        if len(output.data) > READ_LIMIT:
            raise ToolError(f"{path} is larger than {READ_LIMIT >> 20} MiB: read a part of it with `head` or `sed -n`")
        return output.data

    def reset(self) -> None:
        """Undo all that commands and `write` did; see `Sandbox.reset`."""
        self._executor.wipe()
        unpack_repository(self._executor, self._packed)

    def interact(self, command: Sequence[str] = ("/bin/bash",), environment: Mapping[str, str] | None = None) -> int:
        """Run `command` at this process's terminal; see `Sandbox.interact`."""
        terminal = {"TERM": os.environ.get("TERM", "dumb")}
        return self._executor.interact(command, {**self._variables, **terminal, **(environment or {})})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._packed.close()
        self._executor.close()


def unpack_repository(executor: IsolatedExecutor, packed: IO[bytes]) -> None:
    """Copy what the environment's build added, then unpack a repository over it, into an executor's empty
    REPOSITORY."""
    # Trust no name in the image over the repository's own: what the build added comes first, the repository wins.
    script = (
        f"mkdir -p {HOME} && {{ [ ! -d {_BUILT} ] || cp -RP --preserve=mode,timestamps,links {_BUILT}/. .; }} && "
        f"{_EXTRACT}"
    )
    output = Output(4000)
    packed.seek(0)
    if _run_trusted(executor, script, output=output, stdin=packed).exit_code:
        raise SandboxFailed(f"the repository could not be copied into the sandbox: {output.text.strip()[-500:]}")


def build_in(
    executor: IsolatedExecutor,
    recipe: Recipe,
    repository: Path,
    environment: Mapping[str, str],
    progress: ProgressListener,
    timeout: float,
) -> None:
    """Run a recipe's script in an executor whose ENVIRONMENT is writable; raises EnvironmentFailed with the log's end.

    Leaves `built/`, the files that the script added to the repository, and `build.log` in ENVIRONMENT.
    """
    with archive.pack_repository(repository) as packed:
        unpack_repository(executor, packed)
    _run_required(executor, f"{_LISTING} > {ENVIRONMENT}/.before", "listing the repository")
    log, lines = Output(_LOG_BYTES), LineSplitter(progress)

    def take_output(data: bytes) -> None:
        log.append(data)
        lines.append(data)

    ended = executor.execute(
        ["/bin/sh", "-euc", recipe.script], timeout=timeout, environment=environment, sink=take_output
    )
    lines.close()
    if ended.exit_code:
        raise EnvironmentFailed(_describe_failure(ended, log.text, timeout))
    _run_required(executor, _COLLECT, "keeping what the build added to the repository")
    with archive.pack_files({"build.log": log.text.encode()}, int(time.time())) as packed:
        _unpack_files(executor, packed, [], ENVIRONMENT)


# Compiled modules are left out: they go stale when a candidate changes their source.
_LISTING = "find . -name __pycache__ -prune -o \\( -type f -o -type l \\) -print0 | LC_ALL=C sort -z"
_COLLECT = f"""
cd {ENVIRONMENT} && mkdir -p built
cd {REPOSITORY} && {_LISTING} > {ENVIRONMENT}/.after
LC_ALL=C comm -z -13 {ENVIRONMENT}/.before {ENVIRONMENT}/.after > {ENVIRONMENT}/.added
tar --create --null --no-recursion --files-from={ENVIRONMENT}/.added | tar --extract --directory {_BUILT}
rm {ENVIRONMENT}/.before {ENVIRONMENT}/.after {ENVIRONMENT}/.added
chmod -R a+rX,u+w {ENVIRONMENT}
"""


def _describe_failure(ended: ExitStatus, log: str, timeout: float) -> str:
    how = f"was not done after {timeout:.0f} s" if ended.timed_out else f"ended with exit code {ended.exit_code}"
    end = "\n".join(log.rstrip().splitlines()[-30:])
    return f"building the test environment {how}; give build commands that work, or see the end of its log:\n{end}"


def _run_required(executor: IsolatedExecutor, script: str, what: str) -> None:
    output = Output(4000)
    if _run_trusted(executor, f"set -e; {script}", output=output).exit_code:
        raise SandboxFailed(f"{what} failed: {output.text.strip()[-500:]}")


def _unpack_files(
    executor: IsolatedExecutor, packed: IO[bytes], absent: Sequence[str], folder: str = REPOSITORY
) -> None:
    """Delete `absent`, then extract the archive `packed` in `folder`."""
    script = f'cd "$1" && shift && rm -rf -- "$@" && {_EXTRACT}'
    output = Output(4000)
    if _run_trusted(executor, script, folder, *absent, output=output, stdin=packed).exit_code:
        raise SandboxFailed(f"files could not be copied into the sandbox: {output.text.strip()[-500:]}")


def _run_trusted(
    executor: IsolatedExecutor, script: str, *arguments: str, output: Output, stdin: IO[bytes] | None = None
) -> ExitStatus:
    """Run a script of our own, with the system's programs only: the environment's were made by hostile code."""
    return executor.execute(
        ["/bin/sh", "-c", script, "sh", *arguments],
        timeout=_COPYING,
        environment={"PATH": PROGRAMS, "LANG": "C.UTF-8"},
        sink=output.append,
        stdin=stdin,
    )
