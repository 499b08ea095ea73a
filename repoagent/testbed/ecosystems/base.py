"""What a repository is to the tools of one language, and how plans to build it are made from shell steps."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from repoagent.testbed.build_plan import BuildPlan, BuildPlanner, CommitInfo, make_recipe, read_resource
from repoagent.testbed.checks import ProjectCheck
from repoagent.testbed.override import BuildLanguage, Override
from repoagent.testbed.own_image import choose_base, explain_image, list_image_steps
from repoagent.testbed.running.base import BY_SCRIPT, Entry, SuiteRunner
from repoagent.testbed.services import ServiceRequest, find_services, list_packages
from repoagent.testbed.tree import Tree

NEWEST_PYTHON = "3.13"
"""The Python whose base image stands on the newest release of the distribution, for compilers of today."""


@dataclass(frozen=True)
class Codebase:
    """How a repository is built and tested by the tools of one language."""

    language: BuildLanguage
    plan_builds: BuildPlanner
    runner: SuiteRunner
    tool: str
    """What runs the tests, for a person: `pytest`, `jest`, `ctest`."""
    command: str
    """How a person would run all tests."""
    test_files: tuple[str, ...] = ()
    """Files that hold tests, sorted."""
    declared: bool = False
    """Whether a manifest in the root says that this language is what the repository is about."""
    override: Override = field(default_factory=Override)
    checks: tuple[ProjectCheck, ...] = ()
    entry: Entry = BY_SCRIPT
    services: tuple[ServiceRequest, ...] = ()
    """Servers that are started beside the tests."""
    packager: str = ""
    """What builds it, for a person."""
    needs: tuple[str, ...] = ()
    """What the tests need beside the project itself, for a person."""
    plan_last_resorts: BuildPlanner = lambda _origin, _available: ()
    """Plans on images of the repository's own, for when no other works."""

    @property
    def strength(self) -> tuple[bool, bool, int]:
        """How much speaks for it: compared with that of other languages, the greatest goes first."""
        return self.declared and bool(self.test_files), self.declared, len(self.test_files)


Ecosystem = Callable[[Tree, Override], Codebase | None]
"""Looks at a repository's files; None where it does not know them."""


@dataclass(frozen=True)
class PlanContext:
    """What the build plans of an ecosystem other than Python's have in common, for one commit and engine."""

    tree: Tree
    language: BuildLanguage
    manifests: Sequence[str]
    """Files on whose contents a build depends, sorted."""
    override: Override
    available: Sequence[str]
    """Versions of Python whose base images the engine has."""

    def make_plan(
        self,
        name: str,
        steps: Sequence[str],
        packages: Sequence[str] = (),
        why: Sequence[str] = (),
        *,
        newest: bool = False,
        tools: Sequence[str] = (),
    ) -> BuildPlan:
        """Make the plan whose script gets its toolchain by `tools` and then runs `steps`, unless the owner says others.

        Both are shell, run after the functions in `steps.sh`; `enter` there adds lines to what every later command runs
        first. `packages` are the distribution's; `newest` asks for its newest release.
        """
        if self.override.build:
            steps = (*map(_quote_command, self.override.build), "true")
            why = (*why, ".repoagent.toml says how to build it")
        if self.override.inherited_image:
            name, tools, packages = f"the tools of {self.override.inherited_image}", (), ()
            why = (*why, explain_image(self.override))
            steps = (*list_image_steps(self.override), *steps)
        served = list_packages(find_services(self.tree.root, self.override.services))
        base = choose_base(self.override, self._choose_python(newest), (*packages, *self.override.packages, *served))
        parts = [read_resource("steps.sh"), read_resource("ecosystems/enter.sh"), *tools, *steps, "finish"]
        made = make_recipe(self.language, self.tree.root, self.manifests, base, "\n".join(parts) + "\n")
        return BuildPlan(name, made, tuple(why), newest=newest)

    def _choose_python(self, newest: bool) -> str:
        """Choose the base image by its Python; the newest release of the distribution is where it can be had."""
        return self.override.python or (
            NEWEST_PYTHON if newest and NEWEST_PYTHON in self.available else self.available[0]
        )


def make_planner(
    tree: Tree,
    language: BuildLanguage,
    manifests: Iterable[str],
    override: Override,
    make_plans: Callable[[PlanContext, CommitInfo], Iterable[BuildPlan]],
) -> BuildPlanner:
    """Make a planner of `make_plans`: the plans that the engine has the base for; on a given image only the first."""
    files = tuple(sorted(name for name in manifests if tree.has_file(name)))

    def plan_builds(origin: CommitInfo, available: Sequence[str]) -> tuple[BuildPlan, ...]:
        found = list(make_plans(PlanContext(tree, language, files, override, available), origin))
        found = found[: 1 if override.inherited_image else None]
        possible = [plan for plan in found if not plan.newest or NEWEST_PYTHON in available or override.python]
        return tuple({plan.recipe.key: plan for plan in possible or found}.values())

    return plan_builds


def _quote_command(command: str) -> str:
    return f"needed 'command of the repository' sh -c {shlex.quote(command)}"
