"""Make the images that environments stand on: a system with some Python and git, and the packages asked for on top."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repoagent.errors import EnvironmentFailed
from repoagent.sandbox import cache
from repoagent.sandbox.base import DEFAULT_BASE, SEARCH_PATH, Base, ProgressListener
from repoagent.sandbox.bootstrap import build_system
from repoagent.sandbox.confined import UID
from repoagent.sandbox.host_network import CERTIFICATES, find_uv, read_host_network
from repoagent.sandbox.owner import LABEL, OWNER_LABEL, Owner

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

REPOSITORY = "repoagent-base"
TOOLCHAIN = "repoagent-toolchain"

_FORM = 2
"""Raised when what is laid into a base image changes."""
_SILENCE = 60
"""Seconds without progress after which a registry is given up."""
_COMPLETING = 1800
_DRESSING = 300
"""Seconds for packages to be installed, and for somebody's image to be looked at and given a user."""
_MEMORY = "8g"
_PROCESSES = 1024
_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID")
"""What installing packages and adding a user takes: files of others, and to become others. None for the network, for
devices or for other file systems: the image, and with it the programs that complete it, may be the repository's."""
_RAW = ("repoagent-base", "raw")

# Adds what is missing: the unprivileged user, git, and the folders that environment and repository are laid into.
_DRESS = """
id sandbox >/dev/null 2>&1 || useradd --uid 1000 --user-group --no-create-home --home-dir /tmp/home sandbox
command -v git >/dev/null || { apt-get update && apt-get install -y --no-install-recommends git ca-certificates; }
install -d -o sandbox -g sandbox /opt/environment /work/repo
"""
# Any other image: its search path is noted, as every command in a sandbox gets a fresh environment.
_DRESS_NAMED = f"""
for program in setpriv find head ipcrm; do
    command -v $program >/dev/null ||
        {{ echo "it has no $program: install coreutils, findutils and util-linux in it"; exit 1; }}
done
for program in tar cp sort comm; do
    case $($program --version 2>&1) in
        *GNU*) ;;
        *) echo "it has no GNU $program: install tar and coreutils in it"; exit 1 ;;
    esac
done
printf '%s' "$PATH" >{SEARCH_PATH}
chmod 644 {SEARCH_PATH}
grep -q '^[^:]*:[^:]*:{UID}:' /etc/passwd || echo 'sandbox:x:{UID}:{UID}::/tmp/home:/bin/sh' >>/etc/passwd
grep -q '^[^:]*:[^:]*:{UID}:' /etc/group || echo 'sandbox:x:{UID}:' >>/etc/group
mkdir -p /opt/environment /work/repo
chown {UID}:{UID} /opt/environment /work/repo
"""
_INSTALL = """
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends "$@"
"""
_TIDY = f"rm -rf /var/lib/apt/lists/* {CERTIFICATES}\n"


def ensure_image(client: DockerClient, progress: ProgressListener, base: Base = DEFAULT_BASE) -> str:
    """Make an image for `base` unless it exists, and return its tag.

    The Python comes from a registry where one answers, else from a distribution's packages; the packages from that
    distribution. Raises EnvironmentFailed when they cannot be had.
    """
    with cache.acquire_lock("docker-base"):
        made = _make_image(client, progress, base)
    cache.mark_used(made)
    return made


def _make_image(client: DockerClient, progress: ProgressListener, base: Base) -> str:
    if base.image:
        return _install_packages(client, _prepare_named_image(client, base.image, progress), base, progress)
    source = name_image(Base(base.python))
    if not has_image(client, source):
        if not (
            pull_image(image := _choose_registry_image(base.python), progress)
            and _make_from_registry(client, image, base, progress)
        ):
            raw = _import_system(client, base.python, progress)
            _run_in(client, raw, _DRESS, (), source)
            client.images.remove(raw)
        progress(f"base image {source} is ready")
    return _install_packages(client, source, base, progress)


def _prepare_named_image(client: DockerClient, image: str, progress: ProgressListener) -> str:
    """Make `image`, the engine's own or one from a registry, fit for tests and return the tag of what was made of
    it."""
    if not has_image(client, image) and not pull_image(image, progress):
        raise EnvironmentFailed(f"there is no image {image}: build or load it, or name one that a registry gives")
    if volumes := sorted(client.images.get(image).attrs["Config"].get("Volumes") or {}):
        raise EnvironmentFailed(
            f"the image {image} has volumes ({', '.join(volumes)[:200]}), which tests could fill without a bound: "
            "name one that is made without VOLUME"
        )
    identity = f"{client.images.get(image).id}\0{_FORM}\0{_DRESS_NAMED}"
    wanted = f"{TOOLCHAIN}:{hashlib.sha256(identity.encode()).hexdigest()[:24]}"
    if not has_image(client, wanted):
        progress(f"making {image} a place where tests can run")
        _run_in(client, image, _DRESS_NAMED, (), wanted, _DRESSING)
    return wanted


def _install_packages(client: DockerClient, source: str, base: Base, progress: ProgressListener) -> str:
    """Install the packages of `base` on top of the image `source`, and return the tag."""
    wanted = _name_toolchain(source, base.packages)
    if not has_image(client, wanted):
        progress(f"installing {', '.join(base.packages)}")
        _run_in(client, source, _INSTALL, base.packages, wanted)
    return wanted


def name_image(base: Base = DEFAULT_BASE) -> str:
    """Name the image for `base`, which names no image itself, whether it exists or not."""
    return _name_toolchain(f"{REPOSITORY}:py{base.python}-{_FORM}", base.packages)


def _name_toolchain(source: str, packages: Sequence[str]) -> str:
    if not packages:
        return source
    digest = hashlib.sha256("\0".join((source, *sorted(packages))).encode()).hexdigest()
    return f"{TOOLCHAIN}:{digest[:24]}"


def has_image(client: DockerClient, name: str) -> bool:
    """Whether the engine has an image of that name."""
    from docker.errors import ImageNotFound

    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def pull_image(image: str, progress: ProgressListener, *, anonymous: bool = False) -> bool:
    """Pull `image` from its registry; False where that fails, or the registry is silent for a minute.

    With `anonymous` the user's credentials are not sent, so that only public images can be pulled.
    """
    import docker
    from docker.errors import APIError
    from requests.exceptions import RequestException

    progress(f"pulling {image}")
    try:
        with closing(docker.from_env(timeout=_SILENCE)) as impatient:
            credentials: dict[str, str] | None = {} if anonymous else None
            for line in impatient.api.pull(image, stream=True, decode=True, auth_config=credentials):
                if "error" in line:
                    progress(f"no registry gives {image}: {line['error']}")
                    return False
    except (APIError, RequestException) as error:
        progress(f"no registry gives {image}: {getattr(error, 'explanation', error)}")
        return False
    return True


def _choose_registry_image(python: str) -> str:
    return "python:3.11-slim-bookworm" if python == "3.11" else f"python:{python}-slim"


def _make_from_registry(client: DockerClient, image: str, base: Base, progress: ProgressListener) -> bool:
    """Make the base image of `image`; False where what it lacks cannot be had."""
    try:
        _run_in(client, image, _DRESS, (), name_image(Base(base.python)))
    except EnvironmentFailed as error:
        progress(f"{image} cannot be used: {error}")
        return False
    return True


def _import_system(client: DockerClient, python: str, progress: ProgressListener) -> str:
    """Import a system that is put together from packages, and return its tag."""
    with tempfile.TemporaryDirectory() as folder:
        # mmdebstrap works as another user where this is not root.
        Path(folder).chmod(0o755)
        packed = Path(folder, "base.tar")
        build_system(python, packed, progress)
        client.api.import_image_from_file(str(packed), repository=_RAW[0], tag=_RAW[1])
    return ":".join(_RAW)


_AS_ROOT: Mapping[str, Any] = {
    "entrypoint": [],
    "user": "0:0",
    "working_dir": "/",
    "healthcheck": {"test": ["NONE"]},
    "use_config_proxy": False,
    "cap_drop": ["ALL"],
    "cap_add": list(_CAPABILITIES),
    "security_opt": ["no-new-privileges"],
    "mem_limit": _MEMORY,
    "memswap_limit": _MEMORY,
    "pids_limit": _PROCESSES,
}
"""How a container runs that is completed: nothing of what its image says about its start holds."""


def _run_in(
    client: DockerClient,
    source: str,
    script: str,
    arguments: tuple[str, ...],
    wanted: str,
    seconds: float = _COMPLETING,
) -> None:
    """Run `script` as root, with network, in a container of `source`, and keep it as the image `wanted`.

    Of what `source` says about how it is started, nothing holds in the image that is made, nor while it is made.
    """
    from docker.errors import APIError

    network = read_host_network()
    labels = {LABEL: "1", OWNER_LABEL: str(Owner.from_this_process())}
    # Variables and certificates are for this command alone: what the container were given, the image would keep.
    command = ["env", *_list_settings(network.environment), "/bin/sh", "-euc", script + _TIDY, "sh", *arguments]
    container = client.containers.create(source, command, labels=labels, **_AS_ROOT)
    try:
        container.put_archive("/", network.pack_files(find_uv()))
        try:
            container.start()
        except APIError as error:
            raise EnvironmentFailed(f"in {source} nothing can be run, it needs /bin/sh: {error.explanation}") from error
        if status := _wait_for_end(container, seconds):
            end = container.logs(tail=20).decode("utf-8", "replace")
            raise EnvironmentFailed(f"the image {source} could not be completed ({status}):\n{end}")
        repository, name = wanted.split(":")
        container.commit(repository, name, changes=[f"LABEL {LABEL}=1", 'CMD ["/bin/sh"]'])
    finally:
        container.remove(force=True, v=True)


def _wait_for_end(container: Container, seconds: float) -> str:
    """Wait for a container and say how it ended, for a person; empty where it ended well."""
    from requests.exceptions import RequestException

    try:
        code = container.wait(timeout=seconds)["StatusCode"]
    except RequestException:  # it says nothing until it is done
        return f"it was not done after {seconds} s"
    return f"exit code {code}" if code else ""


def _list_settings(environment: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in environment.items()]
