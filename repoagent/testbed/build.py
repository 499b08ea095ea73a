"""Build a project by one plan after the other, take the first whose tests run, and remember which it was."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from repoagent.domain import Ending, Report
from repoagent.errors import EnvironmentFailed, SandboxFailed
from repoagent.places import locate_cache_root
from repoagent.sandbox.base import Engine, Environment, SandboxMaker
from repoagent.testbed.build_plan import BuildPlan, add_packages
from repoagent.testbed.libraries import find_missing_packages
from repoagent.testbed.programs import find_missing_programs
from repoagent.trace import Trace

MIN_SECONDS = 60.0
"""Seconds that must be left to try another plan."""

_Again = Callable[[float, tuple[str, ...]], "ChosenBuild"]
"""Builds once more, within so many seconds, with these packages."""

Sample = Callable[[Environment], Report | None]
"""Runs a few tests in an environment; None where nothing can be said without running all of them."""


@dataclass(frozen=True)
class SmokeTest:
    """How a few tests ended in an environment that was built."""

    passed: int
    failed: int
    ending: str = ""

    @property
    def is_acceptable(self) -> bool:
        """Whether the environment is taken at once: tests pass, and few fail."""
        return self.passed > 0 and self.failed <= self.passed


@dataclass(frozen=True)
class ChosenBuild:
    """An environment, the plan by which it was built, and how a few tests ended in it."""

    environment: Environment
    plan: BuildPlan
    smoke_test: SmokeTest | None
    packages: tuple[str, ...] = ()
    """Packages of the distribution that the build asked for beyond those of the plan."""

    @property
    def completed_plan(self) -> BuildPlan:
        """The plan with these packages."""
        return add_packages(self.plan, self.packages)


def find_or_build(
    engine: SandboxMaker,
    root: Path,
    plans: Sequence[BuildPlan],
    sample: Sample,
    trace: Trace,
    timeout: float,
) -> ChosenBuild:
    """Find the environment that was chosen before for these plans, or build the first in which tests run.

    Where tests run in none, the one in which most pass is taken. `timeout` is in seconds, for all plans together.
    Raises EnvironmentFailed where nothing can be built.
    """
    known = _recall_choice(engine, plans)
    if known:
        trace.emit("testbed.reused", key=known.environment.key, setup=known.completed_plan.name)
        return known
    deadline = time.monotonic() + timeout
    tried: list[ChosenBuild] = []
    failures: list[EnvironmentFailed] = []
    for plan in plans:
        left = deadline - time.monotonic()
        if (tried or failures) and left < MIN_SECONDS:
            break
        trace.emit("testbed.trying", setup=plan.name, why=list(plan.why))
        try:
            tried.append(_try_plan(engine, root, plan, sample, trace, left))
        except EnvironmentFailed as error:
            # In a sandbox on an image of the repository's, the programs that it is kept in order by are the image's.
            if isinstance(error, SandboxFailed) and not plan.recipe.base.dockerfile:
                raise
            trace.emit("testbed.rejected", setup=plan.name, reason=str(error))
            failures.append(error)
            continue
        if tried[-1].smoke_test is None or tried[-1].smoke_test.is_acceptable:
            break
        trace.emit("testbed.rejected", setup=plan.name, reason=_describe_failure(tried[-1].smoke_test))
    if not tried:
        raise failures[0]
    best = max(tried, key=lambda choice: choice.smoke_test.passed if choice.smoke_test else 0)
    _remember_choice(plans, best)
    return best


def discard_builds(engine: Engine, plans: Sequence[BuildPlan]) -> None:
    """Remove what was built by any of the plans."""
    known = _recall_choice(engine, plans)
    for plan in (*plans, *([known.completed_plan] if known else [])):
        engine.discard(plan.recipe.key)


def _try_plan(
    engine: SandboxMaker,
    root: Path,
    plan: BuildPlan,
    sample: Sample,
    trace: Trace,
    timeout: float,
    packages: tuple[str, ...] = (),
) -> ChosenBuild:
    """Build by this plan, once more with the packages that the build's log says are missing, and run a few tests."""
    deadline = time.monotonic() + timeout
    build = _EnvironmentBuild(engine, root, trace, add_packages(plan, packages))
    again = partial(_try_plan, engine, root, plan, sample, trace)
    try:
        environment = build.find_or_build(timeout)
    except EnvironmentFailed as error:
        if isinstance(error, SandboxFailed) or not build.missing_packages:
            raise
        return again(deadline - time.monotonic(), (*packages, *build.missing_packages))
    if build.missing_packages:
        with suppress(EnvironmentFailed):
            return again(deadline - time.monotonic(), (*packages, *build.missing_packages))
    report = sample(environment)
    choice = ChosenBuild(environment, plan, None, packages)
    return (
        _install_programs(_record_smoke_test(choice, report, trace), report, trace, again, deadline)
        if report
        else choice
    )


def _install_programs(choice: ChosenBuild, report: Report, trace: Trace, again: _Again, deadline: float) -> ChosenBuild:
    """Build again with the programs that the tests did not find; the first choice stays if fewer tests pass then."""
    missing = find_missing_programs(report)
    for advice in missing.advice:
        trace.emit("testbed.progress", line=advice)
    wanted = [name for name in missing.packages if name not in choice.completed_plan.recipe.base.packages]
    left = deadline - time.monotonic()
    if not wanted or left < MIN_SECONDS:
        return choice
    trace.emit(
        "testbed.rejected", setup=choice.completed_plan.name, reason=f"its tests call programs of {', '.join(wanted)}"
    )
    try:
        more = again(left, (*choice.packages, *wanted))
    except SandboxFailed:
        raise
    except EnvironmentFailed as error:
        trace.emit("testbed.progress", line=f"repoagent: it cannot be built with them: {error}")
        return choice
    better = choice.smoke_test and more.smoke_test and more.smoke_test.passed >= choice.smoke_test.passed
    return more if better else choice


def _record_smoke_test(choice: ChosenBuild, report: Report, trace: Trace) -> ChosenBuild:
    trial = SmokeTest(len(report.passed), len(report.failed), report.ending)
    trace.emit("testbed.tried", setup=choice.plan.name, passed=trial.passed, failed=trial.failed, ending=report.ending)
    return replace(choice, smoke_test=trial)


@dataclass
class _EnvironmentBuild:
    """Builds one environment, and collects the packages that its log says are missing."""

    engine: SandboxMaker
    root: Path
    trace: Trace
    plan: BuildPlan
    missing: set[str] = field(default_factory=set)

    def find_or_build(self, timeout: float) -> Environment:
        """Find the environment in the cache, or build it."""
        recipe = self.plan.recipe
        if found := self.engine.find(recipe.key):
            return found
        self.trace.emit("testbed.building", key=recipe.key, setup=self.plan.name)
        environment = self.engine.build(recipe, self.root, self._follow_log, max(timeout, 1.0))
        self.trace.emit("testbed.built", key=recipe.key)
        return environment

    @property
    def missing_packages(self) -> list[str]:
        """The distribution's packages that were missing and are not among the plan's."""
        return sorted(self.missing - {*self.plan.recipe.base.packages})

    def _follow_log(self, line: str) -> None:
        self.missing.update(find_missing_packages(line))
        self.trace.emit("testbed.progress", line=line)


def _describe_failure(trial: SmokeTest) -> str:
    if trial.ending != Ending.COMPLETED:
        return f"a few tests were tried, and {trial.ending}"
    return f"of a few tests {trial.failed} failed and {trial.passed} passed"


# --- memory -----------------------------------------------------------------------------------------------------------


def _recall_choice(engine: SandboxMaker, plans: Sequence[BuildPlan]) -> ChosenBuild | None:
    try:
        known = json.loads(_locate_memory(plans).read_text(encoding="utf-8"))
        plan = next(plan for plan in plans if plan.recipe.key == known["way"])
        packages = tuple(map(str, known["packages"]))
        trial = SmokeTest(**known["trial"]) if known["trial"] else None
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None
    environment = engine.find(add_packages(plan, packages).recipe.key)
    return ChosenBuild(environment, plan, trial, packages) if environment else None


def _remember_choice(plans: Sequence[BuildPlan], choice: ChosenBuild) -> None:
    path = _locate_memory(plans)
    trial = asdict(choice.smoke_test) if choice.smoke_test else None
    text = json.dumps({"way": choice.plan.recipe.key, "packages": choice.packages, "trial": trial})
    with suppress(OSError):  # a full disk costs the memory, not the run
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _locate_memory(plans: Sequence[BuildPlan]) -> Path:
    digest = hashlib.sha256("\0".join(plan.recipe.key for plan in plans).encode()).hexdigest()
    return locate_cache_root() / "testbeds" / f"{digest[:32]}.json"
