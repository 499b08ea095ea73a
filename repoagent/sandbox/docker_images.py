"""List and remove the images that are cached: environments, and what they stand on, each with its own bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repoagent.sandbox import base_image, cache, docker_build
from repoagent.sandbox.base import CachedImage, ImageKind
from repoagent.sandbox.owner import LABEL

if TYPE_CHECKING:
    from docker import DockerClient

ENVIRONMENTS = "repoagent-env"
_KINDS: dict[str, ImageKind] = {
    ENVIRONMENTS: "environment",
    base_image.TOOLCHAIN: "toolchain",
    docker_build.IMAGES: "dockerfile",
    base_image.REPOSITORY: "base",
}


@dataclass(frozen=True)
class _FoundImage:
    """An image, by the name under which it is kept."""

    key: str
    kind: ImageKind
    layers: tuple[str, ...]
    """Digests, the lowest first."""
    bytes: int
    """With all that it stands on."""
    used: float


def list_cached(client: DockerClient) -> tuple[CachedImage, ...]:
    """List all of them, the one used last first; what a build left unfinished counts as used when it was made."""
    found = [*_find_named(client), *_find_unfinished(client)]
    listed = [_make_cached_image(each, _find_below(each, found)) for each in found]
    return tuple(sorted(listed, key=lambda each: -each.used))


def remove_image(client: DockerClient, key: str) -> None:
    """Remove what is cached under `key`; an image below environments stays where something else uses it."""
    from docker.errors import APIError, ImageNotFound

    environment = ":" not in key
    # The engine would only take the name away from what something stands on.
    if not environment and any(each.below == key for each in list_cached(client)):
        return
    try:
        # A container may still run on an environment.
        client.images.remove(f"{ENVIRONMENTS}:{key}" if environment else key, force=environment)
    except ImageNotFound:
        return
    except APIError as error:
        if environment or error.status_code != 409:
            raise


def _find_named(client: DockerClient) -> Iterator[_FoundImage]:
    for repository, kind in _KINDS.items():
        for attributes in _inspect_images(client, {"reference": repository}):
            for tag in attributes.get("RepoTags") or ():
                name, _, version = tag.rpartition(":")
                if name == repository:
                    key = version if kind == "environment" else tag
                    yield _describe_image(attributes, key, kind, cache.read_last_used(key))


def _find_unfinished(client: DockerClient) -> Iterator[_FoundImage]:
    """Find images without a name that nothing stands on: how far a Dockerfile came whose build failed."""
    for attributes in _inspect_images(client, {"label": f"{LABEL}=1", "dangling": True}):
        if not attributes.get("RepoTags"):
            yield _describe_image(attributes, attributes["Id"], "unfinished", _read_created(attributes))


def _inspect_images(client: DockerClient, filters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Inspect each image that the filters match; one that is removed meanwhile is left out."""
    from docker.errors import ImageNotFound

    for listed in client.api.images(filters=filters):
        with suppress(ImageNotFound):
            yield client.images.get(listed["Id"]).attrs


def _describe_image(attributes: dict[str, Any], key: str, kind: ImageKind, used: float) -> _FoundImage:
    layers = tuple((attributes.get("RootFS") or {}).get("Layers") or ())
    return _FoundImage(key, kind, layers, int(attributes["Size"]), used)


def _read_created(attributes: dict[str, Any]) -> float:
    from datetime import datetime

    return datetime.fromisoformat(attributes["Created"]).timestamp()


def _find_below(one: _FoundImage, found: Iterable[_FoundImage]) -> _FoundImage | None:
    """Find the largest image whose layers are the lowest of its own."""
    lower = [
        each for each in found if len(each.layers) < len(one.layers) and one.layers[: len(each.layers)] == each.layers
    ]
    return max(lower, key=lambda each: len(each.layers), default=None)


def _make_cached_image(one: _FoundImage, below: _FoundImage | None) -> CachedImage:
    return CachedImage(
        one.key, one.bytes - (below.bytes if below else 0), one.used, one.kind, below.key if below else ""
    )
