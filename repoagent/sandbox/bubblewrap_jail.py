"""Run one command at a time in namespaces made by bwrap, over folders of the host that are its scratch space."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import random
import resource
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import IO

from repoagent import process
from repoagent.errors import SandboxFailed
from repoagent.places import locate_cache_root
from repoagent.sandbox import seccomp
from repoagent.sandbox.base import REPOSITORY, SandboxLimits
from repoagent.sandbox.cache import make_folder, remove
from repoagent.sandbox.confined import HOME, UID, ExitStatus
from repoagent.sandbox.output import Output, Sink
from repoagent.sandbox.owner import Owner
from repoagent.sandbox.terminal import join_terminals

_PATIENCE = 30
"""Seconds that the kernel gets to end a process namespace, before it counts as broken, and `du` to count files."""

_FIRST_USER = 2_000_000_000
"""Users from here on are assigned to nobody, not even to containers, so each sandbox of root gets one of its own."""

_FILES_IN_A_MEBIBYTE = 256
"""One for each block of a usual file system."""

# Of the host's /etc, what the dynamic linker, the programs and TLS need. Nothing that names users or secrets.
_ETC = (
    "alternatives",
    "ca-certificates",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "nsswitch.conf",
    "pki/ca-trust/extracted",
    "pki/tls/certs",
    "ssl/certs",
    "ssl/openssl.cnf",
)


@dataclass(frozen=True)
class Mount:
    """A file or folder of the host, and where it lies inside."""

    source: Path
    target: str
    writable: bool = False

    @property
    def arguments(self) -> list[str]:
        # Made here first: bwrap itself would make the folders above a target for root alone.
        folders = [part for folder in reversed(Path(self.target).parents[:-1]) for part in ("--dir", str(folder))]
        return [*folders, "--bind" if self.writable else "--ro-bind", str(self.source), self.target]


@dataclass(frozen=True)
class Scratch:
    """A folder of the host that holds what a sandbox may write."""

    root: Path
    user: int
    """Who owns it inside."""

    @classmethod
    def create(cls) -> Scratch:
        """Create a scratch folder in the cache that names this process; under root each has a user of its own.

        Raises SandboxFailed, saying what to free, when the disk is full.
        """
        user = _FIRST_USER + random.randrange(100_000_000) if os.geteuid() == 0 else UID  # noqa: S311 - no secret
        try:
            folder = tempfile.mkdtemp(prefix=f"{Owner.from_this_process()}-", dir=make_folder("scratch"))
            scratch = cls(Path(folder), user)
            scratch._create_files()
        except OSError as error:
            raise SandboxFailed(
                f"no sandbox can be made in {locate_cache_root()}: {error.strerror}; free some space there "
                "(`repoagent testbed prune`), or set REPOAGENT_CACHE to another disk"
            ) from error
        return scratch

    def _create_files(self) -> None:
        for name in ("repository", "tmp", "shm"):
            (self.root / name).mkdir(mode=0o755)
            self.give_to_user(self.root / name)
        user = self.user
        (self.root / "passwd").write_text(f"root:x:0:0::/:/bin/false\nsandbox:x:{user}:{user}::{HOME}:/bin/sh\n")
        (self.root / "group").write_text(f"root:x:0:\nsandbox:x:{user}:\n")
        (self.root / "hosts").write_text("127.0.0.1 localhost sandbox\n::1 localhost\n")

    @property
    def environment(self) -> Path:
        """Where an environment is built."""
        return self.root / "environment"

    def give_to_user(self, path: Path) -> None:
        """Let the sandbox's user own `path`; nothing to do where that is who runs this program."""
        if os.geteuid() == 0:
            os.chown(path, self.user, self.user)

    @property
    def mounts(self) -> list[Mount]:
        """Where its parts lie inside."""
        return [
            Mount(self.root / "passwd", "/etc/passwd"),
            Mount(self.root / "group", "/etc/group"),
            Mount(self.root / "hosts", "/etc/hosts"),
            Mount(self.root / "tmp", "/tmp", writable=True),  # noqa: S108 - inside
            Mount(self.root / "shm", "/dev/shm", writable=True),  # noqa: S108 - inside
            Mount(self.root / "repository", REPOSITORY, writable=True),
        ]

    def is_full(self, mebibytes: int) -> bool:
        """Whether it takes more than so many MiB of the disk, or more files than fit there: empty ones take inodes."""
        try:
            return (
                self._measure_usage("-k") > mebibytes * 1024
                or self._measure_usage("--inodes") > mebibytes * _FILES_IN_A_MEBIBYTE
            )
        except process.CommandFailed:
            return True  # what cannot be counted in time is too much

    def _measure_usage(self, unit: str) -> int:
        listed = process.run(["du", "-s", unit, "--", str(self.root)], timeout=_PATIENCE, check=False).text
        return int(listed.split()[0]) if listed else 0


class Jail:
    """Executes commands over a scratch folder; satisfies `Executor`."""

    def __init__(
        self, scratch: Scratch, limits: SandboxLimits, mounts: Sequence[Mount], *, network: bool = False
    ) -> None:
        self._scratch = scratch
        self._limits = limits
        self._mounts = mounts
        self._network = network
        self._lock = Lock()

    def execute(
        self,
        command: Sequence[str],
        *,
        timeout: float,
        environment: Mapping[str, str],
        sink: Sink,
        stdin: IO[bytes] | None = None,
    ) -> ExitStatus:
        """Run `command` in new namespaces; see `Executor`."""
        with self._lock:
            running = _RunningCommand(self._list_options(environment), self._build_inner_command(command), stdin)
            try:
                in_time = self._follow_command(running, time.monotonic() + timeout, sink)
            finally:
                running.end_processes()
        return ExitStatus(running.exit_code if in_time else 128 + signal.SIGKILL, timed_out=not in_time)

    def reuse_input(self, file: IO[bytes]) -> None:
        """Do nothing: commands read it where it is."""

    def wipe(self) -> None:
        """Go on in a new scratch folder, as another user where root runs this; namespaces are new for each command."""
        with self._lock:
            old, self._scratch = self._scratch, Scratch.create()
            remove(old.root)

    def interact(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Run `command` at this process's terminal, by way of a terminal of its own."""
        options = [option for option in self._list_options(environment) if option != "--new-session"]
        ours, theirs = pty.openpty()
        try:
            with _open_arguments(options) as (arguments, handles), _enable_interrupts():
                process = subprocess.Popen(
                    [
                        _find_program("setsid"),
                        "--ctty",
                        _find_program("bwrap"),
                        *arguments,
                        "--",
                        *self._build_inner_command(command),
                    ],
                    stdin=theirs,
                    stdout=theirs,
                    stderr=theirs,
                    pass_fds=handles,
                    env={},
                )
        finally:
            os.close(theirs)
        with os.fdopen(ours, "rb", buffering=0) as terminal:
            join_terminals(terminal, lambda rows, columns: _resize(ours, rows, columns))
        return process.wait(_PATIENCE)

    def close(self) -> None:
        """Delete the scratch folder."""
        if self._scratch.root.exists():
            remove(self._scratch.root)

    def _follow_command(self, running: _RunningCommand, deadline: float, sink: Sink) -> bool:
        """Take output until the command ends; kill it when its time is up (False) or it fills the disk."""
        looked = time.monotonic()
        in_time = True
        while not running.is_over:
            now = time.monotonic()
            if in_time and now > deadline:
                in_time = False
                running.kill()
            if now - looked > 1:
                looked = now
                if self._scratch.is_full(self._limits.scratch_mib):
                    running.kill()
                    sink(f"\n[killed: more than {self._limits.scratch_mib} MiB or too many files written]\n".encode())
            running.take_output(min(1.0, max(0.01, deadline - now)), sink)
        return in_time

    def _list_options(self, environment: Mapping[str, str]) -> list[str]:
        """List the options of bwrap."""
        return [
            *_list_namespace_options(self._network),
            *_list_system_options(),
            *(argument for mount in (*self._scratch.mounts, *self._mounts) for argument in mount.arguments),
            # Both hold no more than where things are mounted; an ordinary user would own them.
            *("--remount-ro", "/", "--remount-ro", "/dev"),
            *("--chdir", REPOSITORY, "--clearenv"),
            *(argument for name, value in environment.items() for argument in ("--setenv", name, value)),
        ]

    def _build_inner_command(self, command: Sequence[str]) -> list[str]:
        """Build the command that bwrap starts inside."""
        return [
            *(_switch_user(self._scratch.user) if os.geteuid() == 0 else []),
            *_set_limits(self._limits),
            # The shell gives 127 for a command that does not exist, as every engine shall.
            *("/bin/sh", "-c", 'exec "$@"', "sh"),
            *command,
        ]


def _resize(terminal: int, rows: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _list_namespace_options(network: bool) -> Iterator[str]:
    yield from ("--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try")
    yield from ("--hostname", "sandbox", "--die-with-parent", "--new-session", "--cap-drop", "ALL")
    if not network:
        yield "--unshare-net"
    if os.geteuid() == 0:
        # What `setpriv` needs to become another user, and gives up by doing so.
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
            yield from ("--cap-add", capability)
    else:
        yield from ("--unshare-user", "--uid", str(UID), "--gid", str(UID))
        # In a user namespace of its own a command would hold every capability, and reach kernel code that needs one.
        yield from ["--disable-userns"] if _has_option("--disable-userns") else []


@cache
def _has_option(option: str) -> bool:
    """Whether this bwrap has an option; Debian 11 and Ubuntu 22.04 come with older ones."""
    return option in process.run([_find_program("bwrap"), "--help"], timeout=30).text


def _list_system_options() -> Iterator[str]:
    """List the options for the host's programs and libraries, and for a private /proc and /dev."""
    yield from ("--ro-bind", "/usr", "/usr")
    for path in [*sorted(Path("/").glob("lib*")), Path("/bin"), Path("/sbin")]:
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    for name in _ETC:
        path = Path("/etc", name)
        yield from Mount(path, str(path)).arguments if path.exists() else []
    yield from ("--proc", "/proc", "--dev", "/dev")


def _switch_user(user: int) -> list[str]:
    return [
        _find_program("setpriv"),
        *("--reuid", str(user), "--regid", str(user), "--clear-groups"),
        *("--no-new-privs", "--bounding-set", "-all", "--inh-caps", "-all"),
    ]


def _set_limits(limits: SandboxLimits) -> list[str]:
    # Set inside: for an ordinary user the kernel then counts the processes of this namespace only. Threads reserve far
    # more address space than they use, hence twice the memory.
    files = min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    return [
        _find_program("prlimit"),
        f"--as={2 * limits.memory_mib << 20}",
        f"--nproc={limits.pids}",
        f"--fsize={limits.scratch_mib << 20}",
        f"--nofile={files}",
        "--core=0",
        "--",
    ]


def _find_program(name: str) -> str:
    path = shutil.which(name)
    if not path:
        raise SandboxFailed(f"`{name}` is not installed")
    return path


@contextmanager
def _enable_interrupts() -> Iterator[None]:
    """Listen to interrupts while a process is started: a job in the background of a script ignores them, would hand
    that down, and then nothing in the terminal could be interrupted. A handler of Python's is not handed down."""
    deaf = [s for s in (signal.SIGINT, signal.SIGQUIT) if signal.getsignal(s) is signal.SIG_IGN]
    if threading.current_thread() is not threading.main_thread():
        deaf = []
    for each in deaf:
        signal.signal(each, lambda *_: None)
    try:
        yield
    finally:
        for each in deaf:
            signal.signal(each, signal.SIG_IGN)


class _RunningCommand:
    """A started bwrap, and a handle on the first process of its namespace: when that is dead, all of them are."""

    def __init__(self, options: list[str], command: list[str], stdin: IO[bytes] | None) -> None:
        status, written = os.pipe()
        self._status = os.fdopen(status, "rb", buffering=0)
        self._told: list[bytes] = []
        self._said = Output(4000)
        try:
            with _open_arguments(options) as (arguments, handles):
                self._process = subprocess.Popen(
                    [_find_program("bwrap"), "--json-status-fd", str(written), *arguments, "--", *command],
                    stdin=stdin if stdin is not None else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=[written, *handles],
                    start_new_session=True,
                    env={},
                )
        except BaseException:
            self._status.close()
            raise
        finally:
            os.close(written)
        self._open = True
        self._first = self._open_handle()

    @property
    def is_over(self) -> bool:
        """Whether bwrap ended and all output was taken."""
        return not self._open and self._process.poll() is not None

    def take_output(self, timeout: float, sink: Sink) -> None:
        """Wait for output, or for the end where output was closed early."""
        if not self._open:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
            return
        assert self._process.stdout  # noqa: S101 - a pipe was asked for
        if select.select([self._process.stdout], [], [], timeout)[0]:
            data = os.read(self._process.stdout.fileno(), 262144)
            self._open = bool(data)
            self._said.append(data)
            sink(data)

    def kill(self) -> None:
        """Kill all that runs in the namespace."""
        with suppress(ProcessLookupError):
            if self._first is None:
                self._process.kill()
            else:
                signal.pidfd_send_signal(self._first, signal.SIGKILL)

    def end_processes(self) -> None:
        """Kill all of it and wait for its end; raises SandboxFailed where something still runs."""
        self.kill()
        assert self._process.stdout  # noqa: S101 - a pipe was asked for
        self._process.stdout.close()
        try:
            self._process.wait(_PATIENCE)
            if self._first is not None:
                poll = select.poll()
                poll.register(self._first, select.POLLIN)
                if not poll.poll(_PATIENCE * 1000):
                    raise SandboxFailed("processes in a sandbox could not be ended")
        except subprocess.TimeoutExpired as error:
            raise SandboxFailed("bwrap could not be ended") from error
        finally:
            self._told = self._status.readlines()
            self._status.close()
            if self._first is not None:
                os.close(self._first)

    @property
    def exit_code(self) -> int:
        """The command's; raises SandboxFailed where bwrap never started it, or was killed itself."""
        codes = [row["exit-code"] for row in map(json.loads, self._told) if "exit-code" in row]
        if not codes:
            said = self._said.text.strip()[-500:]
            raise SandboxFailed(said or f"bwrap was killed (exit code {self._process.returncode})")
        return int(codes[0])

    def _open_handle(self) -> int | None:
        """Wait for bwrap to name the namespace's first process."""
        line = self._status.readline()
        with suppress(ProcessLookupError):
            return os.pidfd_open(json.loads(line)["child-pid"]) if line else None
        return None


@contextmanager
def _open_arguments(options: Sequence[str]) -> Iterator[tuple[list[str], list[int]]]:
    """Open the files that hand bwrap its options; yields its arguments and the open files that they name."""
    handles = [_write_memory_file(options)]
    arguments = ["--args", str(handles[0])]
    try:
        if (filtering := seccomp.open_filter_file()) is not None:
            handles.append(filtering)
            arguments += ["--seccomp", str(filtering)]
        yield arguments, handles
    finally:
        for handle in handles:
            os.close(handle)


def _write_memory_file(arguments: Sequence[str]) -> int:
    """Write arguments into a file in memory for `--args`: on a command line the sandbox could read the host's paths."""
    handle = os.memfd_create("bwrap")
    os.write(handle, b"".join(os.fsencode(argument) + b"\0" for argument in arguments))
    os.lseek(handle, 0, os.SEEK_SET)
    return handle
