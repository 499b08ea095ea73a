"""Sandboxes in containers of a Docker engine, or of podman's Docker-compatible socket."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Any

from repoagent.errors import EnvironmentFailed, SandboxFailed
from repoagent.sandbox import base_image, cache
from repoagent.sandbox.base import (
    DEFAULT_BASE,
    DEFAULT_LIMITS,
    REPOSITORY,
    Base,
    Environment,
    Kept,
    Limits,
    Progress,
    Recipe,
)
from repoagent.sandbox.bootstrap import RELEASES
from repoagent.sandbox.confined import UID, ConfinedSandbox, Ended, build_in, copy_in, variables
from repoagent.sandbox.docker_stream import Stream
from repoagent.sandbox.host_network import HostNetwork, host_network
from repoagent.sandbox.output import Sink
from repoagent.sandbox.owner import LABEL, OWNER_LABEL, Owner

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image

IMAGE = "repoagent-env"

_BUILD_LIMITS = Limits(memory_mib=8192, pids=1024, scratch_mib=4096)
_PATIENCE = 30.0
"""Seconds that a container gets to end what runs in it, before it counts as broken."""


class DockerEngine:
    """Makes each sandbox a container of its own; satisfies `Engine`.

    The root filesystem is read-only, there is no network but the container's own loopback, and what can be written lies
    in memory: half of `scratch_mib` for the repository, half for /tmp (the home directory is in it). A container may
    use `memory_mib` for its processes and `scratch_mib` for these files. Commands run as user 1000, with no capability
    and no way to gain one. The container's first process is another user's and holds one capability, to kill: it ends
    what a command left running, and can do so even when a fork bomb has used up every process number.

    A container ends by itself when the process that opened it dies.
    """

    name = "docker"

    def pythons(self) -> Sequence[str]:
        """Those that a registry or a distribution has; 3.11 first, because it is there as soon as anything is."""
        return tuple(RELEASES)

    def check(self) -> None:
        """Raise EnvironmentFailed unless an engine answers."""
        with _translated("asking Docker"):
            self._client.ping()

    def missing(self) -> str:
        """The base image, until it was made once."""
        with _translated("looking for the base image"):
            return "" if base_image.exists(self._client, base_image.tag()) else f"the base image {base_image.tag()}"

    def prepare(self, progress: Progress) -> None:
        """Make the base image, unless it exists."""
        self._ensure(DEFAULT_BASE, progress)

    def find(self, key: str) -> Environment | None:
        """The environment built for `key`, if its image is still there."""
        from docker.errors import ImageNotFound

        reference = f"{IMAGE}:{key}"
        with _translated("looking for an environment"):
            try:
                self._client.images.get(reference)
            except ImageNotFound:
                return None
        cache.mark_used(key)
        return Environment(key, reference)

    def build(self, recipe: Recipe, repository: Path, progress: Progress, timeout: float) -> Environment:
        """Run the recipe in a container with network, and keep the container as an image."""
        with cache.locked(f"docker-{recipe.key}"):
            if found := self.find(recipe.key):
                return found
            image = self._ensure(recipe.base, progress)
            network = host_network()
            container = self._start(image, _BUILD_LIMITS, network)
            try:
                environment = {**variables(), **network.environment}
                build_in(container, recipe, repository, environment, progress, timeout)
                container.commit(IMAGE, recipe.key)
            finally:
                container.close()
        cache.mark_used(recipe.key)
        return Environment(recipe.key, f"{IMAGE}:{recipe.key}")

    def open(self, environment: Environment, repository: Path, limits: Limits = DEFAULT_LIMITS) -> ConfinedSandbox:
        """A fresh container with a copy of `repository`."""
        container = self._start(environment.reference, limits)
        try:
            copy_in(container, repository)
        except BaseException:
            container.close()
            raise
        return ConfinedSandbox(container, limits)

    def kept(self) -> Sequence[Kept]:
        """The images of environments; what they weigh beyond the image they stand on."""
        with _translated("listing environments"):
            images = self._client.images.list(IMAGE)
            found = [
                Kept(name.partition(":")[2], self._own_size(image), cache.last_used(name.partition(":")[2]))
                for image in images
                for name in image.tags
            ]
        return sorted(found, key=lambda kept: -kept.used)

    def discard(self, key: str) -> None:
        """Remove the image of an environment."""
        from docker.errors import ImageNotFound

        with _translated("removing an environment"), suppress(ImageNotFound):
            self._client.images.remove(f"{IMAGE}:{key}")

    def clean(self) -> Sequence[str]:
        """Remove the containers of dead processes of this machine."""
        from docker.errors import NotFound

        with _translated("cleaning up"):
            containers = self._client.containers.list(all=True, filters={"label": f"{LABEL}=1"}, ignore_removed=True)
            left = [c for c in containers if (owner := Owner.parse(c.labels.get(OWNER_LABEL, ""))) and owner.dead]
            for container in left:
                with suppress(NotFound):
                    container.remove(force=True, v=True)
        return [f"container {container.name}" for container in left]

    def _ensure(self, base: Base, progress: Progress) -> str:
        with _translated("making the base image"):
            return base_image.ensure(self._client, progress, base)

    def _own_size(self, image: Image) -> int:
        """Bytes of the topmost layer: an environment is committed as one."""
        return int(self._client.api.history(image.id)[0]["Size"])  # type: ignore[no-untyped-call] # types-docker lacks it

    @cached_property
    def _client(self) -> DockerClient:
        import docker

        with _translated("asking Docker"):
            _knock(_address())
            return docker.from_env(timeout=600)

    @cached_property
    def _cpus(self) -> float:
        return float(self._client.info()["NCPU"])

    def _start(self, image: str, limits: Limits, network: HostNetwork | None = None) -> _Container:
        """Start a container; one that is given a network is for building, and writable."""
        plan = _Plan(image, limits, network is not None, min(limits.cpus, self._cpus))
        with _translated(f"starting a container of {image}"):
            identifier = _create(self._client, plan)
            try:
                if network:
                    self._client.api.put_archive(identifier, "/", network.packed())
                return _Container(self._client, identifier)
            except BaseException:
                self._client.api.remove_container(identifier, force=True, v=True)
                raise


@dataclass(frozen=True)
class _Plan:
    image: str
    limits: Limits
    building: bool
    cpus: float


# Reads words, and answers each when nothing but the container's init and itself runs any more. It needs no new process
# to do so, and so works where none can be made.
_SUPERVISOR = """
while read -r word; do
  round=0
  while kill -9 -1 2>/dev/null; set -- /proc/[0-9]*; [ $# -gt 2 ] && [ $round -lt 50000 ]; do round=$((round + 1)); done
  echo "$word $#"
done
"""

# Waits for a line before it starts: what a command prints before the client has read the reply's headers is lost. Then
# makes itself the first to be killed when memory runs out, so that the supervisor survives. Docker reads standard
# output and error from two pipes, and would mix them up: they are made one.
_LAUNCHER = """
read -r _; { echo 1000 > /proc/self/oom_score_adj; ulimit -c 0; } 2>/dev/null; exec "$@" 2>&1
"""
_LAUNCHER_WITHOUT_INPUT = _LAUNCHER.rstrip() + " </dev/null\n"


def _create(client: DockerClient, plan: _Plan) -> str:
    """Create the container; its input is held open by this process, and it ends with it."""
    created = client.api.create_container(
        plan.image,
        ["/bin/sh", "-c", _SUPERVISOR],
        name=f"repoagent-{secrets.token_hex(6)}",
        entrypoint=[],
        user="0:0",
        hostname="sandbox",
        working_dir="/",
        detach=False,
        stdin_open=True,
        labels={LABEL: "1", OWNER_LABEL: str(Owner.current())},
        host_config=client.api.create_host_config(**_confinement(plan)),
    )
    return str(created["Id"])


def _confinement(plan: _Plan) -> dict[str, Any]:
    """What the engine is told to keep the container from."""
    from docker.types import LogConfig

    limits = plan.limits
    scratch = f"rw,exec,nosuid,nodev,size={max(1, limits.scratch_mib // 2)}m"
    return {
        "network_mode": "bridge" if plan.building else "none",
        "read_only": not plan.building,
        "init": True,
        "cap_drop": ["ALL"],
        "cap_add": ["KILL"],
        "security_opt": ["no-new-privileges"],
        "tmpfs": {REPOSITORY: f"{scratch},mode=755,uid={UID},gid={UID}", "/tmp": f"{scratch},mode=1777"},  # noqa: S108 - inside
        "mem_limit": f"{limits.memory_mib + limits.scratch_mib}m",
        "memswap_limit": f"{limits.memory_mib + limits.scratch_mib}m",
        "nano_cpus": int(plan.cpus * 1e9),
        # The supervisor, the init and what starts a command need some of their own.
        "pids_limit": limits.pids + 16,
        "log_config": LogConfig(type="none"),
    }


class _Container:
    """A started container; satisfies `Executor`."""

    def __init__(self, client: DockerClient, identifier: str) -> None:
        self._api = client.api
        self._id = identifier
        self._lock = Lock()
        self._control = Stream(self._api.attach_socket(identifier, {"stdin": 1, "stdout": 1, "stream": 1}))
        self._api.start(identifier)

    def execute(
        self,
        command: Sequence[str],
        *,
        timeout: float,
        environment: Mapping[str, str],
        sink: Sink,
        stdin: IO[bytes] | None = None,
    ) -> Ended:
        """Run `command` as an unprivileged user; see `Executor`."""
        deadline = time.monotonic() + timeout
        with self._lock, _translated("running a command in a container"):
            run, stream = self._begin(command, environment, with_input=stdin is not None)
            try:
                if stdin is not None:
                    stream.feed(stdin, sink)
                in_time = self._follow(run, stream, deadline, sink)
                self._end_all()
                self._drain(stream, sink)
            finally:
                stream.close()
            return Ended(self._exit_code(run), timed_out=not in_time)

    def commit(self, repository: str, tag: str) -> None:
        """Keep the container's filesystem as an image."""
        with _translated("keeping an environment"):
            self._api.commit(self._id, repository=repository, tag=tag, changes=[f"LABEL {LABEL}=1"])

    def close(self) -> None:
        """Remove the container."""
        from docker.errors import NotFound

        self._control.close()
        with _translated("removing a container"):
            try:
                self._api.remove_container(self._id, force=True, v=True)
            except NotFound:
                return

    def _begin(self, command: Sequence[str], environment: Mapping[str, str], *, with_input: bool) -> tuple[str, Stream]:
        launcher = _LAUNCHER if with_input else _LAUNCHER_WITHOUT_INPUT
        created = self._api.exec_create(
            self._id,
            ["/bin/sh", "-c", launcher, "sh", *command],
            stdin=True,
            user=f"{UID}:{UID}",
            environment=dict(environment),
            workdir=REPOSITORY,
        )
        stream = Stream(self._api.exec_start(created["Id"], socket=True))
        stream.send(b"\n")
        return str(created["Id"]), stream

    def _follow(self, run: str, stream: Stream, deadline: float, sink: Sink) -> bool:
        """Take output until the command itself has ended, whoever still holds its output; False at the deadline."""
        asked = time.monotonic()
        while (now := time.monotonic()) < deadline:
            data = stream.receive(min(0.2, deadline - now))
            if data:
                sink(data)
            if not data or now - asked > 1:
                asked = now
                if not self._api.exec_inspect(run)["Running"]:
                    return True
            if data == b"":
                time.sleep(0.005)
        return False

    def _end_all(self) -> None:
        """Kill all that runs in the container, and see that it is gone."""
        word = secrets.token_hex(4)
        answer = b""
        deadline = time.monotonic() + _PATIENCE
        alive = self._control.send(f"{word}\n".encode())
        while alive and time.monotonic() < deadline and not answer.endswith(b"\n"):
            data = self._control.receive(1)
            alive = data != b""
            answer += data or b""
        if answer.split() != [word.encode(), b"2"]:
            raise SandboxFailed(self._post_mortem())

    def _drain(self, stream: Stream, sink: Sink) -> None:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            data = stream.receive(1)
            if data == b"":
                return
            sink(data or b"")
        raise SandboxFailed("a container's output does not end although nothing runs in it: restart the Docker engine")

    def _exit_code(self, run: str) -> int:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            found = self._api.exec_inspect(run)
            if not found["Running"] and found["ExitCode"] is not None:
                return int(found["ExitCode"])
            time.sleep(0.01)
        raise SandboxFailed("Docker does not say how a command ended: restart the engine")

    def _post_mortem(self) -> str:
        from docker.errors import NotFound

        try:
            state = self._api.inspect_container(self._id)["State"]
        except NotFound:
            return "the sandbox's container was removed while it was in use"
        if state["Running"]:
            return "processes in the sandbox's container could not be ended"
        reason = ", out of memory" if state.get("OOMKilled") else ""
        return f"the sandbox's container ended by itself (exit code {state.get('ExitCode')}{reason})"


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    """Turn the SDK's exceptions into SandboxFailed, or EnvironmentFailed where no engine answers."""
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except APIError as error:
        raise SandboxFailed(f"{doing} failed: {error.explanation or error}") from error
    except (DockerException, RequestException) as error:
        raise EnvironmentFailed(
            f"Docker does not answer at {_address()}: start it (`make engine`) or use `--sandbox bubblewrap`"
        ) from error


def _knock(address: str) -> None:
    """Raise the SDK's exception where nobody listens at a local socket: the SDK itself would leave its end open."""
    from docker.errors import DockerException

    if not address.startswith("unix://"):
        return
    with socket.socket(socket.AF_UNIX) as door:
        try:
            door.connect(address.removeprefix("unix://"))
        except OSError as error:
            raise DockerException(f"{address}: {error}") from error


def _address() -> str:
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
