"""A repository as the tools of one language see it, and what is the same for all of them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from repoagent.testbed.checks import Check
from repoagent.testbed.own_image import base_of, steps_of, why_inherited
from repoagent.testbed.project import Language, Override
from repoagent.testbed.running.base import BY_SCRIPT, Entry, Runner
from repoagent.testbed.services import Wished, packages, wished
from repoagent.testbed.tree import Tree
from repoagent.testbed.ways import Origin, Setup, Ways, recipe, resource

CURRENT = "3.13"
"""The Python whose base image stands on the newest release of the distribution, for compilers of today."""


@dataclass(frozen=True)
class Codebase:
    """How a repository is built and tested by the tools of one language."""

    language: Language
    ways: Ways
    runner: Runner
    tool: str
    """What runs the tests, for a person: `pytest`, `jest`, `ctest`."""
    command: str
    """How a person would run all tests."""
    test_files: tuple[str, ...] = ()
    """Files that hold tests, sorted."""
    declared: bool = False
    """Whether a manifest in the root says that this language is what the repository is about."""
    override: Override = field(default_factory=Override)
    checks: tuple[Check, ...] = ()
    entry: Entry = BY_SCRIPT
    services: tuple[Wished, ...] = ()
    """Servers that are started beside the tests."""
    packager: str = ""
    """What builds it, for a person."""
    needs: tuple[str, ...] = ()
    """What the tests need beside the project itself, for a person."""
    last: Ways = lambda _origin, _available: ()
    """The ways on images of the repository's own, for when no other works."""

    @property
    def strength(self) -> tuple[bool, bool, int]:
        """How much speaks for it: compared with that of other languages, the greatest goes first."""
        return self.declared and bool(self.test_files), self.declared, len(self.test_files)


Ecosystem = Callable[[Tree, Override], Codebase | None]
"""Looks at a repository's files; None where it does not know them."""


@dataclass(frozen=True)
class Way:
    """One way to build by tools that are no Python's."""

    name: str
    steps: tuple[str, ...]
    """Shell, run after the functions in `steps.sh`; `enter` adds lines to what every later command runs first."""
    packages: tuple[str, ...] = ()
    """The distribution's."""
    why: tuple[str, ...] = ()
    current: bool = False
    """Whether the newest release of the distribution is needed."""
    tools: tuple[str, ...] = ()
    """Steps that get the toolchain; they stay where the repository's owner gives commands of his own."""


def ways_of(
    tree: Tree,
    language: Language,
    manifests: Iterable[str],
    override: Override,
    ways: Callable[[Origin], Sequence[Way]],
) -> Ways:
    """The setups of `ways`, as far as the engine has what they stand on."""
    files = tuple(sorted(name for name in manifests if tree.has(name)))

    def setups(origin: Origin, available: Sequence[str]) -> tuple[Setup, ...]:
        found = ways(origin)[: 1 if override.inherits else None]
        possible = [way for way in found if not way.current or CURRENT in available or override.python]
        chosen = [_overridden(way, override) for way in possible or found]
        made = [_setup(tree, language, files, override, way, available) for way in chosen]
        return tuple({setup.recipe.key: setup for setup in made}.values())

    return setups


def _overridden(way: Way, override: Override) -> Way:
    if not override.build:
        return way
    commands = tuple(f"needed 'command of the repository' sh -c {shlex.quote(command)}" for command in override.build)
    return replace(way, steps=(*commands, "true"), why=(*way.why, ".repoagent.toml says how to build it"))


def _setup(
    tree: Tree, language: Language, manifests: Sequence[str], override: Override, way: Way, available: Sequence[str]
) -> Setup:
    python = override.python or (CURRENT if way.current and CURRENT in available else available[0])
    served = packages(wished(tree.root, override.services))
    if override.inherits:
        why = (*way.why, why_inherited(override))
        own = steps_of(override)
        way = replace(
            way, name=f"the tools of {override.inherits}", tools=(), packages=(), why=why, steps=(*own, *way.steps)
        )
    base = base_of(override, python, (*way.packages, *override.packages, *served))
    script = "\n".join([resource("steps.sh"), resource("ecosystems/enter.sh"), *way.tools, *way.steps, "finish"]) + "\n"
    return Setup(way.name, recipe(language, tree.root, manifests, base, script), way.why)
