"""Detect by which languages' tools a repository may be built and tested, the most promising one first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from repoagent.errors import UserError
from repoagent.testbed.build_plan import BuildPlan, CommitInfo, get_language
from repoagent.testbed.ecosystems import go, java, native, node, other, rust
from repoagent.testbed.ecosystems.base import Codebase, Ecosystem
from repoagent.testbed.ecosystems.python import codebase as python
from repoagent.testbed.override import OVERRIDE_FILE, Override, load_override
from repoagent.testbed.own_image import find_own_images
from repoagent.testbed.services import find_services
from repoagent.testbed.tree import Tree, read_tree

ECOSYSTEMS: tuple[Ecosystem, ...] = (go.find, rust.find, node.find, java.find, native.find, other.find, python.find)
"""In this order where nothing else tells them apart: every repository can be taken for a Python project."""

_MAX_PLANS = 6


def detect_codebases(root: Path, image: str = "") -> tuple[Codebase, ...]:
    """Detect what the repository in `root` is by its files; at least one codebase, in the `image` that the user names.

    Where some languages have a manifest or a test, the others are left out. Raises UserError for a bad
    `.repoagent.toml`, and where it names a language that nothing here is built by.
    """
    tree, override = read_tree(root), load_override(root)
    override = replace(override, image=image)
    services = find_services(root, override.services)
    found = [
        replace(codebase, services=services)
        for find in ECOSYSTEMS
        if (codebase := _detect_codebase(find, tree, override))
    ]
    if override.language:
        return (_select_language(found, override.language),)
    ordered = sorted(found, key=lambda codebase: codebase.strength, reverse=True)
    likely = [codebase for codebase in ordered if codebase.declared]
    return tuple(likely or ordered[:1])


def list_build_plans(found: Sequence[Codebase], origin: CommitInfo, available: Sequence[str]) -> tuple[BuildPlan, ...]:
    """List the plans to build, those of the first codebase first, those on the repository's own images last."""
    plans = tuple(plan for codebase in found for plan in codebase.plan_builds(origin, available))[:_MAX_PLANS]
    return (*plans, *found[0].plan_last_resorts(origin, available))


def find_codebase(found: Sequence[Codebase], key: str) -> Codebase:
    """Find the codebase that an environment was built for, by its key; the first where that does not tell."""
    return next((codebase for codebase in found if codebase.language == get_language(key)), found[0])


def _detect_codebase(find: Ecosystem, tree: Tree, override: Override) -> Codebase | None:
    """Detect a codebase by `find`, with plans on images of its own unless the user named an image."""

    def plan_on_own_images(origin: CommitInfo, available: Sequence[str]) -> tuple[BuildPlan, ...]:
        inside = [find(tree, replace(override, own=image)) for image in find_own_images(tree)]
        return tuple(plan for each in inside if each for plan in each.plan_builds(origin, available)[:1])

    codebase = find(tree, override)
    return replace(codebase, plan_last_resorts=plan_on_own_images) if codebase and not override.image else codebase


def _select_language(found: Sequence[Codebase], language: str) -> Codebase:
    chosen = next((codebase for codebase in found if codebase.language == language), None)
    if chosen is None:
        raise UserError(
            f'{OVERRIDE_FILE} of the repository: `language = "{language}"`, but nothing here is built by it'
        )
    return chosen
