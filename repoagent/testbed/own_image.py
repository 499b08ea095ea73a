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
from repoagent.testbed.reading import table
from repoagent.testbed.tree import Tree

_DEVCONTAINERS = (".devcontainer/devcontainer.json", ".devcontainer.json")
_AFTER = ("onCreateCommand", "updateContentCommand", "postCreateCommand")
"""Commands that a devcontainer is completed by, in their order."""


def own_images(tree: Tree) -> tuple[OwnImage, ...]:
    """Find the images that the repository says how to build, that of its devcontainer first."""
    found = [*_devcontainer(tree, tree.first(*_DEVCONTAINERS)), *_of_file(tree, "Dockerfile", "Dockerfile", "")]
    return tuple({(own.dockerfile, own.steps): own for own in reversed(found)}.values())[::-1]


def base_of(override: Override, python: str, packages: Iterable[str]) -> Base:
    """Choose what an environment stands on: a given image, else a base image with this Python and these packages."""
    dockerfile = override.own.dockerfile if override.own else None
    return Base(python, tuple(dict.fromkeys(packages)), override.image, dockerfile)


def why_inherited(override: Override) -> str:
    """Say for a person why an environment is built on an image."""
    if override.own:
        return f"{override.own.source} says how to make an image for it, for when nothing else works"
    return "this image was named, so nothing else is tried"


def steps_of(override: Override) -> list[str]:
    """List the extra build steps, in shell, of a build on the repository's own image; each of them may fail."""
    if not override.own:
        return []
    label = shlex.quote(f"command of {override.own.source}")
    return [f"optional {label} sh -c {shlex.quote(step)}" for step in override.own.steps]


def _devcontainer(tree: Tree, source: str) -> Iterator[OwnImage]:
    said = tree.json(source) if source else {}
    steps = tuple(step for name in _AFTER for step in _commands(said.get(name)))
    build, image = table(said, "build"), said.get("image")
    file, context = build.get("dockerfile") or said.get("dockerFile"), build.get("context") or said.get("context")
    folder = posixpath.dirname(source)
    if isinstance(file, str):
        arguments = tuple((k, v) for k, v in table(build, "args").items() if isinstance(v, str) and "${" not in v)
        target = build.get("target")
        yield from _of_file(
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


def _of_file(
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
    if inside and (text := tree.text(file)):
        yield OwnImage(source, Dockerfile(text, context, arguments, target), steps)


def _commands(value: object) -> Iterator[str]:
    """Read the commands of a devcontainer's setting: a command line, a list of words, or a table of either."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        yield shlex.join(value)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _commands(one) if not isinstance(one, Mapping) else ()
