"""The image all environments stand on: Debian with Python 3.11 and git, from a registry or put together here."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from repoagent import process
from repoagent.errors import EnvironmentFailed
from repoagent.sandbox import cache
from repoagent.sandbox.base import Progress
from repoagent.sandbox.host_network import CERTIFICATES, host_network
from repoagent.sandbox.owner import LABEL, OWNER_LABEL, Owner

if TYPE_CHECKING:
    from docker import DockerClient

TAG = "repoagent-base:bookworm-1"
REGISTRY_IMAGE = "python:3.11-slim-bookworm"

_SILENCE = 60
"""Seconds without progress after which a registry is given up."""
_PACKAGES = "python3,python3-venv,python3-pip,git,ca-certificates"
_RAW = ("repoagent-base", "raw")

# Adds what is missing: the unprivileged user, git, and the folders that environment and repository are laid into.
_DRESS = f"""
id sandbox >/dev/null 2>&1 || useradd --uid 1000 --user-group --no-create-home --home-dir /tmp/home sandbox
command -v git >/dev/null || {{ apt-get update && apt-get install -y --no-install-recommends git ca-certificates; }}
rm -rf /var/lib/apt/lists/* {CERTIFICATES}
install -d -o sandbox -g sandbox /opt/environment /work/repo
"""


def ensure(client: DockerClient, progress: Progress, image: str = REGISTRY_IMAGE) -> None:
    """Make TAG, unless it exists: from `image` where a registry answers, else from Debian's packages.

    Raises EnvironmentFailed when neither can be had.
    """
    with cache.locked("docker-base"):
        if exists(client):
            return
        if not (pull(image, progress) and _is_dressed(client, image, progress)):
            source = _bootstrap(client, progress)
            _dress(client, source)
            client.images.remove(source)
        progress(f"base image {TAG} is ready")


def exists(client: DockerClient) -> bool:
    """Whether the engine has it."""
    from docker.errors import ImageNotFound

    try:
        client.images.get(TAG)
    except ImageNotFound:
        return False
    return True


def pull(image: str, progress: Progress) -> bool:
    """Whether `image` could be had from its registry; one that is silent for a minute is given up."""
    import docker
    from docker.errors import APIError
    from requests.exceptions import RequestException

    progress(f"pulling {image}")
    try:
        with closing(docker.from_env(timeout=_SILENCE)) as impatient:
            for line in impatient.api.pull(image, stream=True, decode=True):
                if "error" in line:
                    progress(f"no registry gives {image}: {line['error']}")
                    return False
    except (APIError, RequestException) as error:
        progress(f"no registry gives {image}: {getattr(error, 'explanation', error)}")
        return False
    return True


def _is_dressed(client: DockerClient, image: str, progress: Progress) -> bool:
    """Make TAG of `image`; False where what it lacks cannot be had."""
    try:
        _dress(client, image)
    except EnvironmentFailed as error:
        progress(f"{image} cannot be used: {error}")
        return False
    return True


def _bootstrap(client: DockerClient, progress: Progress) -> str:
    """Import a Debian put together by mmdebstrap; about a minute."""
    _require_mmdebstrap(progress)
    progress("putting a base image together from Debian packages (about a minute)")
    with tempfile.TemporaryDirectory() as folder:
        # mmdebstrap works as another user where this is not root.
        Path(folder).chmod(0o755)
        packed = Path(folder, "base.tar")
        command = ["mmdebstrap", "--variant=apt", f"--include={_PACKAGES}", "bookworm", str(packed)]
        process.run(command, timeout=1800)
        client.api.import_image_from_file(str(packed), repository=_RAW[0], tag=_RAW[1])
    return ":".join(_RAW)


def _require_mmdebstrap(progress: Progress) -> None:
    if shutil.which("mmdebstrap"):
        return
    packages = ["mmdebstrap", "debian-archive-keyring"]
    if os.geteuid() or not shutil.which("apt-get"):
        raise EnvironmentFailed(
            f"there is no base image: `docker pull {REGISTRY_IMAGE}`, or install mmdebstrap "
            f"(`apt-get install {' '.join(packages)}`), or use `--sandbox bubblewrap`"
        )
    progress("installing mmdebstrap")
    process.run(["apt-get", "update"], timeout=600, check=False)
    process.run(["apt-get", "install", "-y", "--no-install-recommends", *packages], timeout=600)


def _dress(client: DockerClient, source: str) -> None:
    network = host_network()
    labels = {LABEL: "1", OWNER_LABEL: str(Owner.current())}
    # Variables and certificates are for this command alone: what the container were given, the image would keep.
    command = ["env", *(f"{name}={value}" for name, value in network.environment.items()), "/bin/sh", "-euc", _DRESS]
    container = client.containers.create(source, command, entrypoint=[], labels=labels)
    try:
        container.put_archive("/", network.packed())
        container.start()
        if container.wait(timeout=900)["StatusCode"]:
            end = container.logs(tail=20).decode("utf-8", "replace")
            raise EnvironmentFailed(f"the base image could not be completed:\n{end}")
        repository, tag = TAG.split(":")
        container.commit(repository, tag, changes=[f"LABEL {LABEL}=1", 'CMD ["/bin/sh"]'])
    finally:
        container.remove(force=True, v=True)
