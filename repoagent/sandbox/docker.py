"""Sandboxes in containers of a Docker engine, or of podman's Docker-compatible socket."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repoagent.sandbox import base_image, cache, docker_build
from repoagent.sandbox import docker_images as docker_kept
from repoagent.sandbox.base import (
    DEFAULT_BASE,
    DEFAULT_LIMITS,
    Base,
    CachedImage,
    Environment,
    ProgressListener,
    Recipe,
    SandboxLimits,
)
from repoagent.sandbox.bootstrap import RELEASES
from repoagent.sandbox.confined import ConfinedSandbox, build_in, build_variables
from repoagent.sandbox.docker_container import INPUT, START, SUPERVISOR, WORK, Container
from repoagent.sandbox.docker_errors import check_socket, translate_errors
from repoagent.sandbox.host_network import HostNetwork, read_host_network
from repoagent.sandbox.owner import LABEL, OWNER_LABEL, Owner

if TYPE_CHECKING:
    from docker import DockerClient

IMAGE = docker_kept.ENVIRONMENTS

_BUILD_LIMITS = SandboxLimits(memory_mib=8192, pids=1024, scratch_mib=4096)


_GREETING = 10
"""Seconds in which an engine must say that it is there."""
_ANSWER = 300
"""Seconds that an engine gets for one request; keeping a large environment takes longest."""


class DockerEngine:
    """Makes each sandbox a container of its own; satisfies `Engine`.

    The root filesystem is read-only, there is no network but the container's own loopback, and what can be written lies
    in memory: half of `scratch_mib` for the repository, half for /tmp (the home directory is in it). A container may
    use `memory_mib` for its processes, `scratch_mib` for these files, and half of that for the copy of the repository
    that it is reset from. Commands run as user 1000, with no capability and no way to gain one. The container's first
    program is root's and holds three capabilities: to become user 1000, and to kill: it starts the commands, which
    takes a tenth of the time that the engine needs to do so, and ends what they left running, even when a fork bomb has
    used up every process number.

    A container ends by itself when the process that opened it dies.
    """

    name = "docker"

    def list_pythons(self) -> Sequence[str]:
        """List those that a registry or a distribution has; 3.11 first, because the base image has it."""
        return tuple(RELEASES)

    def check(self) -> None:
        """Raise EnvironmentFailed unless an engine answers."""
        with translate_errors("asking Docker"):
            self._client.ping()

    def describe_missing(self) -> str:
        """Name the base image, until it was made once."""
        with translate_errors("looking for the base image"):
            return (
                ""
                if base_image.has_image(self._client, base_image.name_image())
                else f"the base image {base_image.name_image()}"
            )

    def prepare(self, progress: ProgressListener) -> None:
        """Make the base image, unless it exists."""
        self._ensure_image(DEFAULT_BASE, progress)

    def find(self, key: str) -> Environment | None:
        """Find the image of the environment that was built for `key`."""
        from docker.errors import ImageNotFound

        reference = f"{IMAGE}:{key}"
        with translate_errors("looking for an environment"):
            try:
                self._client.images.get(reference)
            except ImageNotFound:
                return None
        cache.mark_used(key)
        return Environment(key, reference)

    def build(self, recipe: Recipe, repository: Path, progress: ProgressListener, timeout: float) -> Environment:
        """Run the recipe in a container with network, and keep the container as an image."""
        with cache.acquire_lock(f"docker-{recipe.key}"):
            if found := self.find(recipe.key):
                return found
            started = time.monotonic()
            base = self._build_dockerfile(recipe.base, repository, progress, timeout)
            timeout = max(1.0, timeout - (time.monotonic() - started))
            image = self._ensure_image(base, progress)
            network = read_host_network()
            container = self._start_container(image, _BUILD_LIMITS, network)
            try:
                environment = {**build_variables(), **network.environment}
                build_in(container, recipe, repository, environment, progress, timeout)
                container.commit_image(IMAGE, recipe.key, LABEL)
            finally:
                container.close()
        cache.mark_used(recipe.key)
        return Environment(recipe.key, f"{IMAGE}:{recipe.key}")

    def open(
        self, environment: Environment, repository: Path, limits: SandboxLimits = DEFAULT_LIMITS
    ) -> ConfinedSandbox:
        """Open a fresh container with a copy of `repository`."""
        return ConfinedSandbox.from_repository(self._start_container(environment.reference, limits), repository, limits)

    def list_cached(self) -> Sequence[CachedImage]:
        """List the images of environments and those below, with their bytes beyond the image they stand on."""
        with translate_errors("listing environments"):
            return docker_kept.list_cached(self._client)

    def discard(self, key: str) -> None:
        """Remove an image by its key in the list of cached images."""
        with translate_errors("removing an environment"):
            docker_kept.remove_image(self._client, key)

    def clean(self) -> Sequence[str]:
        """Remove the containers of dead processes of this machine."""
        from docker.errors import NotFound

        with translate_errors("cleaning up"):
            containers = self._client.containers.list(all=True, filters={"label": f"{LABEL}=1"}, ignore_removed=True)
            left = [c for c in containers if (owner := Owner.parse(c.labels.get(OWNER_LABEL, ""))) and owner.is_dead]
            for container in left:
                with suppress(NotFound):
                    container.remove(force=True, v=True)
        return [f"container {container.name}" for container in left]

    def _build_dockerfile(self, base: Base, repository: Path, progress: ProgressListener, timeout: float) -> Base:
        """Build the repository's Dockerfile, if the base names one, and put the image in its place."""
        if not base.dockerfile:
            return base
        with translate_errors("building a Dockerfile"):
            image = docker_build.build_image(
                self._client, base.dockerfile, repository, _BUILD_LIMITS, progress, timeout
            )
        return replace(base, image=image, dockerfile=None)

    def _ensure_image(self, base: Base, progress: ProgressListener) -> str:
        with translate_errors("making the base image"):
            return base_image.ensure_image(self._client, progress, base)

    @cached_property
    def _client(self) -> DockerClient:
        import docker

        with translate_errors("asking Docker"):
            check_socket()
            with closing(docker.from_env(timeout=_GREETING)) as impatient:
                impatient.ping()
            return docker.from_env(timeout=_ANSWER)

    @cached_property
    def _cpus(self) -> float:
        return float(self._client.info()["NCPU"])

    def _start_container(self, image: str, limits: SandboxLimits, network: HostNetwork | None = None) -> Container:
        """Start a container; one that is given a network is for building, and writable."""
        plan = _ContainerPlan(image, limits, network is not None, min(limits.cpus, self._cpus))
        with translate_errors(f"starting a container of {image}"):
            identifier = _create_container(self._client, plan)
            try:
                if network:
                    self._client.api.put_archive(identifier, "/", network.pack_files())
                return Container(self._client.api, identifier)
            except BaseException:
                self._client.api.remove_container(identifier, force=True, v=True)
                raise


@dataclass(frozen=True)
class _ContainerPlan:
    image: str
    limits: SandboxLimits
    building: bool
    cpus: float


def _create_container(client: DockerClient, plan: _ContainerPlan) -> str:
    """Create the container; its input is held open by this process, and it ends with it."""
    created = client.api.create_container(
        plan.image,
        [*START, SUPERVISOR],
        name=f"repoagent-{secrets.token_hex(6)}",
        entrypoint=[],
        user="0:0",
        hostname="sandbox",
        working_dir="/",
        detach=False,
        stdin_open=True,
        labels={LABEL: "1", OWNER_LABEL: str(Owner.from_this_process())},
        # Neither what an image says of its health is run beside the commands, nor is a proxy's password given to it.
        healthcheck={"test": ["NONE"]},
        use_config_proxy=False,
        host_config=client.api.create_host_config(**_build_host_config(plan)),
    )
    return str(created["Id"])


def _build_host_config(plan: _ContainerPlan) -> dict[str, Any]:
    """Build the engine's settings that confine a container."""
    from docker.types import LogConfig

    limits = plan.limits
    half = max(1, limits.scratch_mib // 2)
    scratch = f"rw,exec,nosuid,nodev,size={half}m"
    memory = f"{limits.memory_mib + 3 * half}m"
    return {
        "network_mode": "bridge" if plan.building else "none",
        "sysctls": {} if plan.building else _enable_loopbacks(),
        "read_only": not plan.building,
        "init": True,
        "cap_drop": ["ALL"],
        "cap_add": ["KILL", "SETUID", "SETGID"],
        "security_opt": ["no-new-privileges"],
        "tmpfs": {
            WORK: f"{scratch},mode=755,uid=0,gid=0",
            "/tmp": f"{scratch},mode=1777",  # noqa: S108 - inside
            INPUT: f"rw,noexec,nosuid,nodev,size={half}m,mode=700,uid=0,gid=0",
        },
        "mem_limit": memory,
        "memswap_limit": memory,
        "nano_cpus": int(plan.cpus * 1e9),
        # The supervisor, the init and what starts a command need some of their own.
        "pids_limit": limits.pids + 16,
        "log_config": LogConfig(type="none"),
    }


def _enable_loopbacks() -> dict[str, str]:
    """Enable ::1, on which servers that tests start on `localhost` listen, too; without a network it is off."""
    if not Path("/proc/sys/net/ipv6").exists():
        return {}
    return {f"net.ipv6.conf.{name}.disable_ipv6": "0" for name in ("all", "lo")}
