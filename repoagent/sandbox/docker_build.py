"""Build an image as a repository's own Dockerfile says, and give the build nothing but what the repository holds.

The engine's ordinary builder runs it, with the network that builds have, bounded in memory and time. What such a build
may do, and a build by our own script may not: its commands run as root of their container with Docker's default
capabilities, and what is in the image, its shell included, is the repository's afterwards. So

* no image of the host's is given away: a Dockerfile may stand on what its registry gives to everybody, asked without
  the user's credentials, and on our own base images; on anything else in the engine only the user may, by `--image`;
* the builder pulls nothing, so that no credentials are used for it; it gets no proxy's password, no mount, no secret;
  what it would fetch by itself is refused (see `dockerfile`), and it gets the repository without its `.git`;
* in a sandbox on such an image the programs that tidy up between two candidates are the repository's, too: what it says
  of its own tests it could say without. What keeps it in are the namespaces, the filter of system calls, the limits and
  the missing network, which the engine holds from outside, whatever the image says about its user, its entry point, its
  variables or its health. An image with volumes is refused: those could be written to without a bound.

Docker's builder bounds neither processes nor disk; memory bounds the first.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from repoagent.errors import EnvironmentFailed
from repoagent.sandbox import archive, base_image, cache
from repoagent.sandbox.base import Dockerfile, ProgressListener, SandboxLimits
from repoagent.sandbox.docker_errors import translate_errors
from repoagent.sandbox.dockerfile import rewrite_dockerfile
from repoagent.sandbox.host_network import CERTIFICATES, read_host_network
from repoagent.sandbox.owner import LABEL

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image

IMAGES = "repoagent-dockerfile"
"""Under this name, by their identifiers, are kept the images that were built here."""

_PUBLIC = "mcr.microsoft.com/"
"""A registry that gives everything to everybody; of Docker Hub, that holds of names without a slash."""

_REGISTRIES = frozenset(
    {
        "docker.io",
        "gcr.io",
        "ghcr.io",
        "mcr.microsoft.com",
        "public.ecr.aws",
        "quay.io",
        "registry.access.redhat.com",
        "registry.fedoraproject.org",
        "registry.gitlab.com",
        "registry.k8s.io",
    }
)
"""What these give without credentials, they give to everybody. Of another, which the engine would ask with the host's
network, it is not known: one of a company's own may ask for none."""


def build_image(
    client: DockerClient,
    wanted: Dockerfile,
    repository: Path,
    limits: SandboxLimits,
    progress: ProgressListener,
    timeout: float,
) -> str:
    """Build the image that `wanted` describes from the files in `repository`, and return its tag.

    The engine's cache makes a second build cheap. A command that says nothing can take up to twice `timeout` seconds.
    Raises EnvironmentFailed with the end of the log.
    """
    network = read_host_network()
    certificates = network.certificates.read_bytes() if network.certificates else b""
    # On every step's image: of a build that fails, those are found by it.
    label = f"LABEL {LABEL}=1"
    settings = [f"ARG {' '.join(network.environment)}"] if network.environment else []
    trusted = [f"COPY {_make_name(certificates)} {CERTIFICATES}"] if certificates else []
    text = rewrite_dockerfile(
        wanted.text,
        lambda image: _find_public_image(client, image, progress),
        dict(wanted.arguments),
        [label, *settings, *trusted],
    ).encode()
    with _pack_context(repository / wanted.context, [text, certificates]) as packed:
        options = {
            "fileobj": packed,
            "custom_context": True,
            "dockerfile": _make_name(text),
            "buildargs": {**dict(wanted.arguments), **network.environment},
            "target": wanted.target.lower() or None,
            "network_mode": "bridge",
            "container_limits": {"memory": limits.memory_mib << 20, "memswap": limits.memory_mib << 20},
            "use_config_proxy": False,
            "timeout": timeout,
        }
        identifier = _follow_build(client, options, progress, timeout)
    tag = identifier.removeprefix("sha256:")[:24]
    with translate_errors("naming an image"):
        client.api.tag(identifier, IMAGES, tag)
    cache.mark_used(f"{IMAGES}:{tag}")
    return f"{IMAGES}:{tag}"


def _follow_build(client: DockerClient, options: Mapping[str, Any], progress: ProgressListener, timeout: float) -> str:
    """Run the build to its end, and return the identifier of its image."""
    from docker.errors import APIError
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    deadline = time.monotonic() + timeout
    log: list[str] = []
    identifier = ""
    try:
        with closing(client.api.build(rm=True, forcerm=True, decode=True, **options)) as answers:
            for answer in answers:
                identifier = answer.get("aux", {}).get("ID", identifier)
                for line in _split_lines(answer):
                    log.append(line[:1000])
                    progress(line)
                if "error" in answer:
                    raise EnvironmentFailed(_describe_failure(str(answer["error"]), log))
                if time.monotonic() > deadline:
                    raise EnvironmentFailed(_describe_failure(f"it was not done after {timeout:.0f} s", log))
                del log[:-30]
    except APIError as error:
        raise EnvironmentFailed(_describe_failure(str(error.explanation or error), log)) from error
    except (RequestException, HTTPError) as error:  # the latter where it says nothing for too long
        raise EnvironmentFailed(_describe_failure(f"it was not done after {timeout:.0f} s", log)) from error
    if not identifier:
        raise EnvironmentFailed(_describe_failure("the engine named no image", log))
    return identifier


def _split_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    return (line for line in str(answer.get("stream", "")).splitlines() if line.strip())


def _describe_failure(reason: str, log: list[str]) -> str:
    return "\n".join([f"the repository's Dockerfile could not be built: {reason}", *log[-15:]])


def _make_name(data: bytes) -> str:
    """Name a file of ours among the repository's files, which it goes before.

    Equal contents get equal names: the engine's cache goes by names, too.
    """
    return f".repoagent-{hashlib.sha256(data).hexdigest()[:32]}"


def _pack_context(folder: Path, ours: Sequence[bytes]) -> IO[bytes]:
    """Pack the files in `folder`, then ours; of two with one name the engine takes the later."""
    packed = archive.pack_repository(folder)
    with tarfile.open(fileobj=packed, mode="a", format=tarfile.PAX_FORMAT) as opened:
        for data in ours:
            entry = tarfile.TarInfo(_make_name(data))
            entry.size, entry.mode = len(data), 0o644
            opened.addfile(entry, io.BytesIO(data))
    packed.seek(0)
    return packed


# --- whose images ----------------------------------------------------------------------------------------------------


def _find_public_image(client: DockerClient, name: str, progress: ProgressListener) -> str:
    """Find or pull an image that is public, and return its identifier; raises EnvironmentFailed for any other."""
    if not (image := _find_image(client, name)):
        if (registry := _get_registry(name)) not in _REGISTRIES:
            raise EnvironmentFailed(
                f"the Dockerfile starts from {name}, and {registry} is not known to give to everybody what it gives: "
                "if you trust the repository with it, build the image yourself and give `--image NAME`"
            )
        complaints: list[str] = []
        if not base_image.pull_image(name, complaints.append, anonymous=True):
            progress(complaints[-1])
            raise EnvironmentFailed(
                f"the Dockerfile starts from {name}, which is neither in the engine nor can be pulled: {complaints[-1]}"
            )
        image = client.images.get(name)
        note_public(str(image.id))
    if not _is_public(image, name):
        raise EnvironmentFailed(
            f"the Dockerfile starts from {name}, which is in the engine, but which repoagent did not see given to "
            "everybody: what is in it could be sent away. If you trust the repository with it, build the image "
            "yourself and give `--image NAME`"
        )
    if image.attrs["Config"].get("OnBuild"):
        raise EnvironmentFailed(f"the Dockerfile starts from {name}, which has instructions of its own for builds")
    return str(image.id)


def _get_registry(name: str) -> str:
    """Get the registry that an image is pulled from, as Docker does: the name's first part, if it looks like a host."""
    first, slash, _ = name.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def _find_image(client: DockerClient, name: str) -> Image | None:
    from docker.errors import ImageNotFound

    try:
        return client.images.get(name)
    except ImageNotFound:
        return None


def _is_public(image: Image, name: str) -> bool:
    """Whether it is a base image of ours, was pulled here without credentials, or comes from where all are public."""
    if name.startswith(f"{base_image.REPOSITORY}:") or _locate_note(str(image.id)).exists():
        return True
    sources = [digest.partition("@")[0] for digest in image.attrs.get("RepoDigests") or []]
    return any("/" not in source or source.startswith(_PUBLIC) for source in sources)


def note_public(identifier: str) -> None:
    """Remember that an image was pulled without credentials, for when it is in the engine already."""
    with suppress(OSError):  # a full disk costs that it is pulled again
        _locate_note(identifier).touch()


def _locate_note(identifier: str) -> Path:
    return cache.make_folder("public-images") / identifier.removeprefix("sha256:")
