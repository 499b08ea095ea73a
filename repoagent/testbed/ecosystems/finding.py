"""Detect by which languages' tools a repository may be built and tested, the most promising one first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from repoagent.errors import UserError
from repoagent.testbed.ecosystems import go, java, native, node, other, rust
from repoagent.testbed.ecosystems.base import Codebase, Ecosystem
from repoagent.testbed.ecosystems.python import codebase as python
from repoagent.testbed.override import OVERRIDE_FILE, Override, override_of
from repoagent.testbed.own_image import own_images
from repoagent.testbed.services import wished
from repoagent.testbed.tree import Tree, read_tree
from repoagent.testbed.ways import Origin, Setup, language_of

ECOSYSTEMS: tuple[Ecosystem, ...] = (go.find, rust.find, node.find, java.find, native.find, other.find, python.find)
"""In this order where nothing else tells them apart: every repository can be taken for a Python project."""

_MOST_WAYS = 6


def codebases(root: Path, image: str = "") -> tuple[Codebase, ...]:
    """Detect what the repository in `root` is by its files; at least one codebase, in the `image` that the user names.

    Where some languages have a manifest or a test, the others are left out. Raises UserError for a bad
    `.repoagent.toml`, and where it names a language that nothing here is built by.
    """
    tree, override = read_tree(root), override_of(root)
    override = replace(override, image=image)
    services = wished(root, override.services)
    found = [replace(codebase, services=services) for find in ECOSYSTEMS if (codebase := _found(find, tree, override))]
    if override.language:
        return (_named(found, override.language),)
    ordered = sorted(found, key=lambda codebase: codebase.strength, reverse=True)
    likely = [codebase for codebase in ordered if codebase.declared]
    return tuple(likely or ordered[:1])


def setups_of(found: Sequence[Codebase], origin: Origin, available: Sequence[str]) -> tuple[Setup, ...]:
    """List the plans to build, those of the first codebase first, those on the repository's own images last."""
    plans = tuple(plan for codebase in found for plan in codebase.ways(origin, available))[:_MOST_WAYS]
    return (*plans, *found[0].last(origin, available))


def codebase_of(found: Sequence[Codebase], key: str) -> Codebase:
    """Find the codebase that an environment was built for, by its key; the first where that does not tell."""
    return next((codebase for codebase in found if codebase.language == language_of(key)), found[0])


def _found(find: Ecosystem, tree: Tree, override: Override) -> Codebase | None:
    """Detect a codebase by `find`, with plans on images of its own unless the user named an image."""

    def plan_on_own_images(origin: Origin, available: Sequence[str]) -> tuple[Setup, ...]:
        inside = [find(tree, replace(override, own=image)) for image in own_images(tree)]
        return tuple(plan for each in inside if each for plan in each.ways(origin, available)[:1])

    codebase = find(tree, override)
    return replace(codebase, last=plan_on_own_images) if codebase and not override.image else codebase


def _named(found: Sequence[Codebase], language: str) -> Codebase:
    chosen = next((codebase for codebase in found if codebase.language == language), None)
    if chosen is None:
        raise UserError(
            f'{OVERRIDE_FILE} of the repository: `language = "{language}"`, but nothing here is built by it'
        )
    return chosen
