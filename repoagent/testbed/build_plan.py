"""How a project may be built: a script for a sandbox, what it stands on, and the reasons for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path, PurePosixPath

from repoagent.sandbox.base import Base, Recipe
from repoagent.sandbox.dockerfile import list_copied_paths
from repoagent.testbed.programs import FOR_TESTS

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class BuildPlan:
    """One way to build a project's test environment."""

    name: str
    """For a person: `Python 3.9, packages as of 2021-05-02`."""
    recipe: Recipe
    why: tuple[str, ...] = ()
    """The reasons for it, a sentence each."""
    compilers: tuple[str, ...] = ("build-essential", "pkg-config")
    """The distribution's packages without which a library's headers are of no use to it."""
    newest: bool = False
    """Whether it needs the newest release of the distribution."""


@dataclass(frozen=True)
class CommitInfo:
    """What a build depends on of the commit that is built."""

    version: str = ""
    """The last release, for builds that ask git for it; empty when unknown."""
    committed: datetime = _NEVER
    """When the code was committed; the far future where nobody knows."""


@dataclass(frozen=True)
class UserOverrides:
    """What the user asks for; it goes before what the repository asks for and what is detected."""

    test_command: str = ""
    """Shell command that runs the tests."""
    image: str = ""
    """A container image that has what the tests need."""


BuildPlanner = Callable[[CommitInfo, Sequence[str]], tuple[BuildPlan, ...]]
"""Plans builds, the most promising first, of a commit and of the Pythons that an engine has."""


def make_recipe(language: str, root: Path, manifests: Iterable[str], base: Base, script: str) -> Recipe:
    """Make a recipe whose key depends on the contents of `manifests`, on the script and on what it stands on.

    Of a Dockerfile, on the files as well that it copies by their names; not on folders, whose sources change all day.

    The key begins with the language, so that it is known of an environment how its tests are run.
    """
    digest = hashlib.sha256(f"{base}\n{script}".encode())
    if base.dockerfile:
        digest.update(repr(base.dockerfile).encode())
        folder = PurePosixPath(base.dockerfile.context)
        manifests = (
            *manifests,
            *(str(folder / name) for name in list_copied_paths(base.dockerfile.text) if _is_plain_path(name)),
        )
    for name in manifests:
        path = root / name
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return Recipe(f"{language}-{digest.hexdigest()[:32]}", script, base)


def _is_plain_path(name: str) -> bool:
    return not name.startswith("/") and ".." not in PurePosixPath(name).parts


def get_language(key: str) -> str:
    """Get the language of the environment with this key; empty for a key that was not made here."""
    language, dash, _ = key.partition("-")
    return language if dash else ""


def add_packages(plan: BuildPlan, packages: Collection[str]) -> BuildPlan:
    """Add packages of the distribution to a plan, if any, and the compilers that libraries are for."""
    if not packages:
        return plan
    base = plan.recipe.base
    compilers = plan.compilers if set(packages) - FOR_TESTS else ()
    wanted = replace(base, packages=tuple(dict.fromkeys((*base.packages, *compilers, *sorted(packages)))))
    why = (*plan.why, f"its build or its tests asked for {', '.join(sorted(packages))}")
    made = replace(plan.recipe, key=_derive_key(plan.recipe.key, str(wanted)), base=wanted)
    return replace(plan, recipe=made, why=why)


def append_steps(plan: BuildPlan, steps: Sequence[str]) -> BuildPlan:
    """Append steps, in shell, to a plan's script; the plan itself where there are none."""
    if not steps:
        return plan
    script = "\n".join([plan.recipe.script, 'code=$?; [ "$code" = 0 ] || exit "$code"', *steps, "true\n"])
    made = replace(plan.recipe, key=_derive_key(plan.recipe.key, script), script=script)
    return replace(plan, recipe=made)


def _derive_key(key: str, change: str) -> str:
    digest = hashlib.sha256(f"{key}\0{change}".encode()).hexdigest()[:32]
    return f"{get_language(key)}-{digest}"


def read_resource(name: str) -> str:
    """Read a file that belongs to this package; `name` is relative to `repoagent/testbed`."""
    return files("repoagent.testbed").joinpath(name).read_text(encoding="utf-8")
