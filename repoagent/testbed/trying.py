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
from repoagent.places import cache_root
from repoagent.sandbox.base import Engine, Environment, SandboxMaker
from repoagent.testbed.libraries import packages_missing
from repoagent.testbed.programs import programs_missing
from repoagent.testbed.ways import Setup, widened
from repoagent.trace import Trace

LEAST = 60.0
"""Seconds that must be left to try another plan."""

_Again = Callable[[float, tuple[str, ...]], "Choice"]
"""Builds once more, within so many seconds, with these packages."""

Sample = Callable[[Environment], Report | None]
"""Runs a few tests in an environment; None where nothing can be said without running all of them."""


@dataclass(frozen=True)
class Trial:
    """How a few tests ended in an environment that was built."""

    passed: int
    failed: int
    ending: str = ""

    @property
    def works(self) -> bool:
        """Whether the environment is taken at once: tests pass, and few fail."""
        return self.passed > 0 and self.failed <= self.passed


@dataclass(frozen=True)
class Choice:
    """An environment, the plan by which it was built, and how a few tests ended in it."""

    environment: Environment
    way: Setup
    trial: Trial | None
    packages: tuple[str, ...] = ()
    """Packages of the distribution that the build asked for beyond those of the plan."""

    @property
    def setup(self) -> Setup:
        """The plan with these packages."""
        return widened(self.way, self.packages)


def find_or_build(
    engine: SandboxMaker,
    root: Path,
    plans: Sequence[Setup],
    sample: Sample,
    trace: Trace,
    timeout: float,
) -> Choice:
    """Find the environment that was chosen before for these plans, or build the first in which tests run.

    Where tests run in none, the one in which most pass is taken. `timeout` is in seconds, for all plans together.
    Raises EnvironmentFailed where nothing can be built.
    """
    known = _remembered(engine, plans)
    if known:
        trace.emit("testbed.reused", key=known.environment.key, setup=known.setup.name)
        return known
    deadline = time.monotonic() + timeout
    tried: list[Choice] = []
    failures: list[EnvironmentFailed] = []
    for plan in plans:
        left = deadline - time.monotonic()
        if (tried or failures) and left < LEAST:
            break
        trace.emit("testbed.trying", setup=plan.name, why=list(plan.why))
        try:
            tried.append(_try(engine, root, plan, sample, trace, left))
        except EnvironmentFailed as error:
            # In a sandbox on an image of the repository's, the programs that it is kept in order by are the image's.
            if isinstance(error, SandboxFailed) and not plan.recipe.base.dockerfile:
                raise
            trace.emit("testbed.rejected", setup=plan.name, reason=str(error))
            failures.append(error)
            continue
        if tried[-1].trial is None or tried[-1].trial.works:
            break
        trace.emit("testbed.rejected", setup=plan.name, reason=_complaint(tried[-1].trial))
    if not tried:
        raise failures[0]
    best = max(tried, key=lambda choice: choice.trial.passed if choice.trial else 0)
    _remember(plans, best)
    return best


def forget(engine: Engine, plans: Sequence[Setup]) -> None:
    """Remove what was built by any of the plans."""
    known = _remembered(engine, plans)
    for plan in (*plans, *([known.setup] if known else [])):
        engine.discard(plan.recipe.key)


def _try(
    engine: SandboxMaker,
    root: Path,
    plan: Setup,
    sample: Sample,
    trace: Trace,
    timeout: float,
    packages: tuple[str, ...] = (),
) -> Choice:
    """Build by this plan, once more with the packages that the build's log says are missing, and run a few tests."""
    deadline = time.monotonic() + timeout
    build = _Build(engine, root, trace, widened(plan, packages))
    again = partial(_try, engine, root, plan, sample, trace)
    try:
        environment = build.made(timeout)
    except EnvironmentFailed as error:
        if isinstance(error, SandboxFailed) or not build.lacking:
            raise
        return again(deadline - time.monotonic(), (*packages, *build.lacking))
    if build.lacking:
        with suppress(EnvironmentFailed):
            return again(deadline - time.monotonic(), (*packages, *build.lacking))
    report = sample(environment)
    choice = Choice(environment, plan, None, packages)
    return _with_programs(_tried(choice, report, trace), report, trace, again, deadline) if report else choice


def _with_programs(choice: Choice, report: Report, trace: Trace, again: _Again, deadline: float) -> Choice:
    """Build again with the programs that the tests did not find; the first choice stays if fewer tests pass then."""
    missing = programs_missing(report)
    for advice in missing.advice:
        trace.emit("testbed.progress", line=advice)
    wanted = [name for name in missing.packages if name not in choice.setup.recipe.base.packages]
    left = deadline - time.monotonic()
    if not wanted or left < LEAST:
        return choice
    trace.emit("testbed.rejected", setup=choice.setup.name, reason=f"its tests call programs of {', '.join(wanted)}")
    try:
        more = again(left, (*choice.packages, *wanted))
    except SandboxFailed:
        raise
    except EnvironmentFailed as error:
        trace.emit("testbed.progress", line=f"repoagent: it cannot be built with them: {error}")
        return choice
    better = choice.trial and more.trial and more.trial.passed >= choice.trial.passed
    return more if better else choice


def _tried(choice: Choice, report: Report, trace: Trace) -> Choice:
    trial = Trial(len(report.passed), len(report.failed), report.ending)
    trace.emit("testbed.tried", setup=choice.way.name, passed=trial.passed, failed=trial.failed, ending=report.ending)
    return replace(choice, trial=trial)


@dataclass
class _Build:
    """Builds one environment, and collects the packages that its log says are missing."""

    engine: SandboxMaker
    root: Path
    trace: Trace
    setup: Setup
    missing: set[str] = field(default_factory=set)

    def made(self, timeout: float) -> Environment:
        """Find the environment in the cache, or build it."""
        recipe = self.setup.recipe
        if found := self.engine.find(recipe.key):
            return found
        self.trace.emit("testbed.building", key=recipe.key, setup=self.setup.name)
        environment = self.engine.build(recipe, self.root, self._follow, max(timeout, 1.0))
        self.trace.emit("testbed.built", key=recipe.key)
        return environment

    @property
    def lacking(self) -> list[str]:
        """The distribution's packages that were missing and are not among the plan's."""
        return sorted(self.missing - {*self.setup.recipe.base.packages})

    def _follow(self, line: str) -> None:
        self.missing.update(packages_missing(line))
        self.trace.emit("testbed.progress", line=line)


def _complaint(trial: Trial) -> str:
    if trial.ending != Ending.COMPLETED:
        return f"a few tests were tried, and {trial.ending}"
    return f"of a few tests {trial.failed} failed and {trial.passed} passed"


# --- memory -----------------------------------------------------------------------------------------------------------


def _remembered(engine: SandboxMaker, plans: Sequence[Setup]) -> Choice | None:
    try:
        known = json.loads(_memory(plans).read_text(encoding="utf-8"))
        plan = next(plan for plan in plans if plan.recipe.key == known["way"])
        packages = tuple(map(str, known["packages"]))
        trial = Trial(**known["trial"]) if known["trial"] else None
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None
    environment = engine.find(widened(plan, packages).recipe.key)
    return Choice(environment, plan, trial, packages) if environment else None


def _remember(plans: Sequence[Setup], choice: Choice) -> None:
    path = _memory(plans)
    trial = asdict(choice.trial) if choice.trial else None
    text = json.dumps({"way": choice.way.recipe.key, "packages": choice.packages, "trial": trial})
    with suppress(OSError):  # a full disk costs the memory, not the run
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _memory(plans: Sequence[Setup]) -> Path:
    digest = hashlib.sha256("\0".join(plan.recipe.key for plan in plans).encode()).hexdigest()
    return cache_root() / "testbeds" / f"{digest[:32]}.json"
