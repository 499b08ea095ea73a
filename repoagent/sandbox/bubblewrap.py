"""Sandboxes made of Linux namespaces by bubblewrap: no daemon, no image, the host's programs read-only."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from repoagent import process
from repoagent.errors import EnvironmentFailed, SandboxFailed
from repoagent.sandbox import cache
from repoagent.sandbox.base import (
    DEFAULT_LIMITS,
    ENVIRONMENT,
    UV,
    Base,
    CachedImage,
    Environment,
    ProgressListener,
    Recipe,
    SandboxLimits,
)
from repoagent.sandbox.bubblewrap_jail import Jail, Mount, Scratch
from repoagent.sandbox.confined import PROGRAMS, ConfinedSandbox, build_in, build_variables
from repoagent.sandbox.host_network import CERTIFICATES, HostNetwork, find_uv, read_host_network
from repoagent.sandbox.host_python import HostPython, find_host_python
from repoagent.sandbox.output import Output
from repoagent.sandbox.owner import Owner

_BUILD_LIMITS = SandboxLimits(memory_mib=8192, pids=1024, scratch_mib=8192)
_NEEDED = {"bwrap": "bubblewrap", "setpriv": "util-linux", "prlimit": "util-linux", "du": "coreutils"}


class BubblewrapEngine:
    """Runs each command in namespaces of its own, over a scratch copy of the repository; satisfies `Engine`.

    Inside are the host's /usr, a few harmless files of its /etc, the Python that environments are made with, the
    environment (read-only) and the scratch copy; no other file of the host, no network, and no process of the host. Run
    by root, a command gets a user number that nothing else has; run by anybody else, it stays that user, in a user
    namespace that shows it nothing but the above. When the command ends or its time is up, its process namespace is
    destroyed, and with it all that the command started.

    System calls that no tests need are refused, see `seccomp`; on processors other than x86-64 and ARM they are not.

    Weaker than Docker in four points: twice `memory_mib` is the address space that each process alone may have, no
    bound holds for all together; `cpus` does not hold; the size of the scratch copy is looked at every second, not
    enforced by the filesystem; and a build shares the host's network, its loopback included.
    """

    name = "bubblewrap"

    def __init__(self, python: HostPython | None = None) -> None:
        self._python = python or find_host_python()
        self._programs = f"{self._python.programs}:{PROGRAMS}"

    def list_pythons(self) -> Sequence[str]:
        """Name the host's Python, the only one."""
        return (self._python.short_version,)

    def check(self) -> None:
        """Raise EnvironmentFailed unless bwrap works here and the host's Python can make environments."""
        for program, package in _NEEDED.items():
            if not shutil.which(program):
                raise EnvironmentFailed(
                    f"`{program}` is not installed: run `apt-get install {package}`, or use `--sandbox docker`"
                )
        self._python.check()
        with self._make_scratch() as scratch:
            self._try_jail(scratch)

    def describe_missing(self) -> str:
        """Name nothing: nothing has to be prepared."""
        return ""

    def prepare(self, progress: ProgressListener) -> None:
        """Do nothing: environments stand on the host's own programs."""

    def find(self, key: str) -> Environment | None:
        """Find the folder of the environment that was built for `key` with the host's present Python."""
        folder = self._locate_environment(key)
        if not folder.is_dir():
            return None
        cache.mark_used(folder.name)
        return Environment(key, str(folder))

    def build(self, recipe: Recipe, repository: Path, progress: ProgressListener, timeout: float) -> Environment:
        """Run the recipe with network into a folder that takes its final name only when the script succeeded."""
        self._refuse(recipe.base)
        with cache.acquire_lock(f"bubblewrap-{self._locate_environment(recipe.key).name}"):
            if found := self.find(recipe.key):
                return found
            with self._make_scratch() as scratch:
                scratch.environment.mkdir()
                scratch.give_to_user(scratch.environment)
                self._build(recipe, repository, scratch, progress, timeout)
                scratch.environment.rename(self._locate_environment(recipe.key))
        cache.mark_used(self._locate_environment(recipe.key).name)
        return Environment(recipe.key, str(self._locate_environment(recipe.key)))

    def open(
        self, environment: Environment, repository: Path, limits: SandboxLimits = DEFAULT_LIMITS
    ) -> ConfinedSandbox:
        """Open a sandbox over a fresh scratch copy of `repository`."""
        folder = Path(environment.reference)
        if not folder.is_dir():
            raise SandboxFailed(f"the environment {folder} is gone: build it again")
        jail = Jail(Scratch.create(), limits, [*self._list_mounts(), Mount(folder, ENVIRONMENT)])
        return ConfinedSandbox.from_repository(jail, repository, limits, self._programs)

    def list_cached(self) -> Sequence[CachedImage]:
        """List the folders of environments, of this Python and of others."""
        folders = [path for path in cache.make_folder("environments").iterdir() if path.is_dir()]
        found = [CachedImage(path.name, _measure_bytes(path), cache.read_last_used(path.name)) for path in folders]
        return sorted(found, key=lambda kept: -kept.used)

    def discard(self, key: str) -> None:
        """Remove the folder of an environment by its key in the list of cached images."""
        folder = cache.make_folder("environments") / key
        if folder.parent == cache.make_folder("environments") and folder.is_dir():
            cache.remove(folder)

    def clean(self) -> Sequence[str]:
        """Remove the scratch copies of dead processes, half-built environments among them."""
        removed = []
        for path in sorted(cache.make_folder("scratch").iterdir()):
            owner = Owner.parse(path.name.rpartition("-")[0])
            if owner and owner.is_dead:
                cache.remove(path)
                removed.append(f"scratch {path}")
        return removed

    def _refuse(self, base: Base) -> None:
        """Raise EnvironmentFailed where the host lacks what is asked for; nothing is installed on a host."""
        if base.image:
            raise EnvironmentFailed(f"the image {base.image} needs an engine for images: use `--sandbox docker`")
        if base.dockerfile:
            raise EnvironmentFailed("the repository's Dockerfile needs an engine for images: use `--sandbox docker`")
        if base.python not in self.list_pythons():
            raise EnvironmentFailed(
                f"this project needs Python {base.python}, and bubblewrap has only this host's "
                f"{self._python.short_version}: use `--sandbox docker`, or run repoagent with Python {base.python}"
            )
        if missing := [name for name in base.packages if not _is_installed(name)]:
            raise EnvironmentFailed(
                f"this project needs packages that the host lacks: run `apt-get install {' '.join(missing)}`, or use "
                "`--sandbox docker`, which installs them into an image"
            )

    def _locate_environment(self, key: str) -> Path:
        return cache.make_folder("environments") / f"{key}-{self._python.identity}"

    def _list_mounts(self) -> list[Mount]:
        prefix = self._python.prefix
        return [] if prefix.is_relative_to("/usr") else [Mount(prefix, str(prefix))]

    @contextmanager
    def _make_scratch(self) -> Iterator[Scratch]:
        scratch = Scratch.create()
        try:
            yield scratch
        finally:
            cache.remove(scratch.root)

    def _build(
        self, recipe: Recipe, repository: Path, scratch: Scratch, progress: ProgressListener, timeout: float
    ) -> None:
        network = read_host_network()
        mounts = [
            *self._list_mounts(),
            *_list_network_mounts(network),
            Mount(find_uv(), UV),
            Mount(scratch.environment, ENVIRONMENT, writable=True),
        ]
        jail = Jail(scratch, _BUILD_LIMITS, mounts, network=True)
        environment = {**build_variables(self._programs), **network.environment}
        build_in(jail, recipe, repository, environment, progress, timeout)

    def _try_jail(self, scratch: Scratch) -> None:
        output = Output(4000)
        try:
            ended = Jail(scratch, DEFAULT_LIMITS, self._list_mounts()).execute(
                [str(self._python.programs / "python3"), "-I", "-c", ""],
                timeout=60,
                environment=build_variables(),
                sink=output.append,
            )
        except SandboxFailed as error:
            raise EnvironmentFailed(f"bubblewrap does not work here: {error}. {_suggest_remedy()}") from error
        if ended.exit_code:
            raise EnvironmentFailed(f"the Python at {self._python.prefix} does not run in a sandbox: {output.text}")


def _is_installed(package: str) -> bool:
    found = process.run(["dpkg-query", "-W", "-f=${db:Status-Status}", package], timeout=60, check=False)
    return found.text.strip() == "installed"


def _measure_bytes(folder: Path) -> int:
    counted = process.run(["du", "-sk", str(folder)], timeout=600, check=False).text.split()
    return int(counted[0]) * 1024 if counted and counted[0].isdigit() else 0


def _list_network_mounts(network: HostNetwork) -> list[Mount]:
    # Both are links into /run on some systems, which is not there inside: what they point to is mounted.
    mounts = [Mount(Path(path).resolve(), path) for path in ("/etc/resolv.conf", "/etc/hosts") if Path(path).exists()]
    return [*mounts, Mount(network.certificates, CERTIFICATES)] if network.certificates else mounts


def _suggest_remedy() -> str:
    restriction = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
    if os.geteuid() and restriction.exists() and restriction.read_text(encoding="ascii").strip() == "1":
        return (
            "AppArmor forbids user namespaces (the default since Ubuntu 24.04): allow them with "
            "`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or use `--sandbox docker`"
        )
    if os.geteuid():
        return (
            "An ordinary user needs user namespaces (`sysctl kernel.unprivileged_userns_clone=1`, "
            "`user.max_user_namespaces` above 0); or use `--sandbox docker`"
        )
    return "Root needs the right to mount (a container must be started with `--privileged`); or use `--sandbox docker`"
