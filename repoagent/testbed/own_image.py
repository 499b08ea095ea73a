"""Find the images that a repository itself says how to make: its devcontainer, its Dockerfile. They are tried last.

They are made for a person's work, or for what the project does in the end, more often than for its tests, take long,
and stand on images that a registry must give. What such a build may do is said in `sandbox.docker_build`.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Iterator, Mapping

from repoagent.sandbox.base import Base, Dockerfile
from repoagent.testbed.override import Override, OwnImage
from repoagent.testbed.reading import get_table
from repoagent.testbed.tree import Tree

_DEVCONTAINERS = (".devcontainer/devcontainer.json", ".devcontainer.json")
_AFTER = ("onCreateCommand", "updateContentCommand", "postCreateCommand")
"""Commands that a devcontainer is completed by, in their order."""


def find_own_images(tree: Tree) -> tuple[OwnImage, ...]:
    """Find the images that the repository says how to build, that of its devcontainer first."""
    found = [
        *_read_devcontainer(tree, tree.find_first(*_DEVCONTAINERS)),
        *_read_dockerfile(tree, "Dockerfile", "Dockerfile", ""),
    ]
    return tuple({(own.dockerfile, own.steps): own for own in reversed(found)}.values())[::-1]


def choose_base(override: Override, python: str, packages: Iterable[str]) -> Base:
    """Choose what an environment stands on: a given image, else a base image with this Python and these packages."""
    dockerfile = override.own.dockerfile if override.own else None
    return Base(python, tuple(dict.fromkeys(packages)), override.image, dockerfile)


def explain_image(override: Override) -> str:
    """Say for a person why an environment is built on an image."""
    if override.own:
        return f"{override.own.source} says how to make an image for it, for when nothing else works"
    return "this image was named, so nothing else is tried"


def list_image_steps(override: Override) -> list[str]:
    """List the extra build steps, in shell, of a build on the repository's own image; each of them may fail."""
    if not override.own:
        return []
    label = shlex.quote(f"command of {override.own.source}")
    return [f"optional {label} sh -c {shlex.quote(step)}" for step in override.own.steps]


def _read_devcontainer(tree: Tree, source: str) -> Iterator[OwnImage]:
    said = tree.read_json(source) if source else {}
    steps = tuple(step for name in _AFTER for step in _read_commands(said.get(name)))
    build, image = get_table(said, "build"), said.get("image")
    file, context = build.get("dockerfile") or said.get("dockerFile"), build.get("context") or said.get("context")
    folder = posixpath.dirname(source)
    if isinstance(file, str):
        arguments = tuple((k, v) for k, v in get_table(build, "args").items() if isinstance(v, str) and "${" not in v)
        target = build.get("target")
        yield from _read_dockerfile(
            tree,
            source,
            posixpath.normpath(posixpath.join(folder, file)),
            posixpath.normpath(posixpath.join(folder, context if isinstance(context, str) else ".")),
            arguments,
            target if isinstance(target, str) else "",
            steps,
        )
    elif isinstance(image, str):
        yield OwnImage(source, Dockerfile(f"FROM {image}\n", folder), steps)


def _read_dockerfile(
    tree: Tree,
    source: str,
    file: str,
    context: str,
    arguments: tuple[tuple[str, str], ...] = (),
    target: str = "",
    steps: tuple[str, ...] = (),
) -> Iterator[OwnImage]:
    """Make the image of a Dockerfile, if it and its context lie in the repository."""
    context = "" if context == "." else context
    inside = not context or any(name.startswith(f"{context}/") for name in tree.files)
    if inside and (text := tree.read_text(file)):
        yield OwnImage(source, Dockerfile(text, context, arguments, target), steps)


def _read_commands(value: object) -> Iterator[str]:
    """Read the commands of a devcontainer's setting: a command line, a list of words, or a table of either."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        yield shlex.join(value)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _read_commands(one) if not isinstance(one, Mapping) else ()
