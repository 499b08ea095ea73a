"""A container that runs one command after the other, and can be wiped between two of them."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Lock
from typing import IO, TYPE_CHECKING, cast

from repoagent.errors import SandboxFailed
from repoagent.sandbox import archive
from repoagent.sandbox.base import REPOSITORY
from repoagent.sandbox.confined import PROGRAMS, UID, ExitStatus
from repoagent.sandbox.docker_errors import translate_errors
from repoagent.sandbox.docker_stream import Stream
from repoagent.sandbox.output import Sink
from repoagent.sandbox.terminal import join_terminals

if TYPE_CHECKING:
    import socket

    from docker.api.client import APIClient

WORK = "/work"
"""A file system in memory that root owns; the repository is a folder in it, made anew with each renewal."""
INPUT = "/mnt/input"
"""A file system in memory that only the supervisor can look into: what it hands to commands as their input."""

_PATIENCE = 30.0
"""Seconds that a container gets to end what runs in it, before it counts as broken."""
_WIPING = 120.0
"""Seconds that a container gets to delete what was written in it."""
_KILLED = 137
_MAX_ANSWER = 1_000
"""Bytes of an answer that is not complete."""

_AS_USER = ("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--", "env", "-i")

# Deletes as the user who owns it all: the supervisor has no right to. Of a closed folder the contents need a second
# round. What can be left behind without a file (segments, semaphores, queues) goes with `ipcrm`.
_WIPE = f"""
wipe() {{ rm -rf {REPOSITORY}; find /tmp /dev/shm /dev/mqueue -mindepth 1 -maxdepth 1 -exec rm -rf -- {{}} +; }}
wipe || {{ chmod -R u+rwx {REPOSITORY} /tmp /dev/shm; wipe; }}
ipcrm --all
mkdir -m 755 {REPOSITORY}
"""

# What a candidate could have left for the next one: files, memory and queues without a process, and connections, which
# keep a port busy for a minute after the processes at both ends are dead.
_LEFT = f"""
find {WORK} /tmp /dev/shm /dev/mqueue -mindepth 1 ! -path {REPOSITORY}
tail -q -n +2 /proc/sysvipc/* /proc/net/tcp*
"""

START = ("/bin/sh", "-c", 'exec env -i PATH="$PATH" /bin/sh -c "$1"', "sh")
"""What the supervisor is started by: what an image says about variables, `LD_PRELOAD` among them, ends here."""

# Its standard output are its answers, and its standard error is the output of commands, which end up there with nothing
# in between. It ends all processes without making one, and so can do it where none can be made.
SUPERVISOR = f"""
exec 4>&2 2>/dev/null
end_all() {{
  round=0
  while kill -9 -1; wait; set -- /proc/[0-9]*; [ $# -gt 2 ] && [ $round -lt 50000 ]; do round=$((round + 1)); done
  [ $# = 2 ]
}}
renew() {{
  chmod 777 {WORK}
  {shlex.join(_AS_USER)} PATH={PROGRAMS} /bin/sh -c '{_WIPE}' </dev/null >/dev/null
  chmod 755 {WORK}
  [ -d {REPOSITORY} ] && [ -z "$({_LEFT})" ]
}}
while read -r word name length; do
  case $word in
    take) head -c "$length" >{INPUT}/"$name"; status=$?; echo "$name $status"; [ $status = 0 ] || exit 1 ;;
    run) script=$(head -c "$length"); {{ eval "$script"; echo "$name $?"; }} & ;;
    end) end_all; echo "$name $?"; echo "$name" >&4 ;;
    renew) renew; echo "$name $?" ;;
  esac
done
"""

# Makes itself the first to be killed when memory runs out, so that the supervisor survives.
_LAUNCHER = f"""
{{ echo 1000 > /proc/self/oom_score_adj; ulimit -c 0; }} 2>/dev/null; cd {REPOSITORY}; exec "$@"
"""


class Container:
    """A container whose first program is SUPERVISOR, created and not yet started; satisfies `Executor`."""

    def __init__(self, api: APIClient, identifier: str) -> None:
        self._api = api
        self._id = identifier
        self._lock = Lock()
        self._held: IO[bytes] | None = None
        self._answers = b""
        self._stream = Stream(api.attach_socket(identifier, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}))
        try:
            self._api.start(identifier)
            self.wipe()
        except BaseException:
            self._stream.close()  # a container whose output nobody takes cannot be removed
            raise

    def execute(
        self,
        command: Sequence[str],
        *,
        timeout: float,
        environment: Mapping[str, str],
        sink: Sink,
        stdin: IO[bytes] | None = None,
    ) -> ExitStatus:
        """Run `command` as an unprivileged user; see `Executor`."""
        deadline = time.monotonic() + timeout
        with self._lock:
            source = self._send_input(stdin) if stdin is not None else "/dev/null"
            name = self._send_word("run", _build_script(command, environment, source))
            code = self._await(name, deadline, sink)
            self._end_all(sink)
        return ExitStatus(_KILLED if code is None else code, timed_out=code is None)

    def reuse_input(self, file: IO[bytes]) -> None:
        """Take `file` once, for all commands that get it."""
        self._send_file("held", file)
        self._held = file

    def wipe(self) -> None:
        """Delete all that was written; see `Executor`."""
        with self._lock:
            if self._ask_supervisor("renew", _WIPING) != 0:
                raise SandboxFailed("something that a command left in its container could not be removed")

    def interact(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Run `command` at this process's terminal."""
        variables = [f"{name}={value}" for name, value in environment.items()]
        launched = ["env", "-i", *variables, "/bin/sh", "-c", _LAUNCHER, "sh", *command]
        with translate_errors("opening a terminal in a container"):
            run = self._api.exec_create(self._id, launched, stdin=True, tty=True, user=f"{UID}:{UID}")["Id"]
            stream = self._api.exec_start(run, tty=True, socket=True)
            terminal = cast("socket.socket", getattr(stream, "_sock", stream))
            join_terminals(terminal, lambda rows, columns: self._api.exec_resize(run, rows, columns))
            stream.close()
            return int(self._api.exec_inspect(run)["ExitCode"] or 0)

    def commit_image(self, repository: str, tag: str, label: str) -> None:
        """Keep the container's filesystem as an image."""
        with translate_errors("keeping an environment"):
            self._api.commit(self._id, repository=repository, tag=tag, changes=[f"LABEL {label}=1"])

    def close(self) -> None:
        """Remove the container."""
        from docker.errors import NotFound

        self._stream.close()
        with translate_errors("removing a container"), suppress(NotFound):
            self._api.remove_container(self._id, force=True, v=True)

    def _send_input(self, file: IO[bytes]) -> str:
        """Hand a command's input to the supervisor, and return the path at which it finds it."""
        if file is self._held:
            return f"{INPUT}/held"
        self._send_file("given", file)
        return f"{INPUT}/given"

    def _send_file(self, name: str, file: IO[bytes]) -> None:
        self._stream.send(f"take {name} {archive.measure_size(file)}\n".encode())
        self._stream.send_file(file)
        if self._await(name, time.monotonic() + _PATIENCE, _ignore_output) != 0:
            raise SandboxFailed("files could not be copied into the sandbox: they are larger than its scratch space")

    def _send_word(self, word: str, script: str = "") -> str:
        """Send a word with a fresh name for its answer, which nobody inside can guess."""
        name, data = secrets.token_hex(8), script.encode("utf-8", "surrogateescape")
        self._stream.send(f"{word} {name} {len(data)}\n".encode() + data)
        return name

    def _ask_supervisor(self, word: str, patience: float) -> int | None:
        return self._await(self._send_word(word), time.monotonic() + patience, _ignore_output)

    def _end_all(self, sink: Sink) -> None:
        """Kill all that runs in the container, see that it is gone, and take what is left of its output."""
        name = self._send_word("end")
        last = _LastLine(f"{name}\n".encode(), sink)
        deadline = time.monotonic() + _PATIENCE
        code = self._await(name, deadline, last.append)
        while code == 0 and not last.is_seen and time.monotonic() < deadline:
            last.append(self._receive_output(deadline))
        if code != 0 or not last.is_seen:
            raise SandboxFailed(self._describe_end())

    def _await(self, name: str, deadline: float, sink: Sink) -> int | None:
        """Wait for the number that the supervisor answers under `name`; None where it does not by the deadline."""
        while (code := self._read_answer(name)) is None and time.monotonic() < deadline:
            if output := self._receive_output(deadline):
                sink(output)
        return code

    def _read_answer(self, name: str) -> int | None:
        *lines, rest = self._answers.split(b"\n")
        found = next((line for line in lines if line.startswith(name.encode())), None)
        self._answers = rest
        code = found.removeprefix(name.encode()).strip() if found else b"0"
        # The shell that answers may be the repository's, where its image is.
        if len(rest) > _MAX_ANSWER or not (code.isdigit() and len(code) < 4):
            raise SandboxFailed("what the sandbox's container answers is no answer: there is no `sh` to be relied on")
        return int(code) if found else None

    def _receive_output(self, deadline: float) -> bytes:
        """Receive output of commands; the supervisor's answers are put aside."""
        received = self._stream.receive(min(5.0, deadline - time.monotonic()))
        if received.ended:
            raise SandboxFailed(self._describe_end())
        self._answers += received.output
        return received.errors

    def _describe_end(self) -> str:
        from docker.errors import NotFound

        with translate_errors("looking at a container"):
            try:
                state = self._api.inspect_container(self._id)["State"]
            except NotFound:
                return "the sandbox's container was removed while it was in use"
        if state["Running"]:
            return "processes in the sandbox's container could not be ended"
        reason = ", out of memory" if state.get("OOMKilled") else ""
        return f"the sandbox's container ended by itself (exit code {state.get('ExitCode')}{reason})"


class _LastLine:
    """Passes on what it is fed but its last line, which is known."""

    def __init__(self, line: bytes, sink: Sink) -> None:
        self._line = line
        self._sink = sink
        self._held = b""

    @property
    def is_seen(self) -> bool:
        """Whether the last line came."""
        return self._held == self._line

    def append(self, data: bytes) -> None:
        """Take the next piece; keeps back as much as may be the last line."""
        self._held += data
        self._sink(self._held[: -len(self._line)])
        self._held = self._held[-len(self._line) :]


def _build_script(command: Sequence[str], environment: Mapping[str, str], source: str) -> str:
    """Build what the supervisor evaluates: all words are quoted, and the redirections are the command's alone."""
    variables = [f"{name}={value}" for name, value in environment.items()]
    words = [*_AS_USER, *variables, "/bin/sh", "-c", _LAUNCHER, "sh", *command]
    # In a shell of its own: the one that waits says "Killed" where its own errors go, not where the command's do.
    return f"(exec {shlex.join(words)} <{source} >&4 2>&4 4>&-)"


def _ignore_output(_output: bytes) -> None:
    """Drop output, of which there is none."""
