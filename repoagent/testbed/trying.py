"""Try the ways to build a project, take the first whose tests run, and remember which it was."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from repoagent.domain import Ending, Report
from repoagent.errors import EnvironmentFailed, SandboxFailed
from repoagent.places import cache_root
from repoagent.sandbox.base import Engine, Environment
from repoagent.testbed.setups import Setup
from repoagent.trace import Trace

LEAST = 60.0
"""Seconds that must be left to try another way."""

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
    """An environment, the way in which it was built, and how a few tests ended in it."""

    environment: Environment
    setup: Setup
    trial: Trial | None


def find_or_build(
    engine: Engine,
    root: Path,
    ways: Sequence[Setup],
    sample: Sample,
    trace: Trace,
    timeout: float,
) -> Choice:
    """The first of `ways` in which tests run; where that was found out before and the environment is there, that one.

    Where tests run in none of them, the one in which most do. Raises EnvironmentFailed where nothing can be built.
    """
    known = _remembered(engine, ways)
    if known:
        trace.emit("testbed.reused", key=known.environment.key, setup=known.setup.name)
        return known
    deadline = time.monotonic() + timeout
    tried: list[Choice] = []
    failures: list[EnvironmentFailed] = []
    for setup in ways:
        left = deadline - time.monotonic()
        if (tried or failures) and left < LEAST:
            break
        trace.emit("testbed.trying", setup=setup.name, why=list(setup.why))
        try:
            tried.append(_try(engine, root, setup, sample, trace, left))
        except SandboxFailed:
            raise
        except EnvironmentFailed as error:
            trace.emit("testbed.rejected", setup=setup.name, reason=str(error))
            failures.append(error)
            continue
        if tried[-1].trial is None or tried[-1].trial.works:
            break
        trace.emit("testbed.rejected", setup=setup.name, reason=_complaint(tried[-1].trial))
    if not tried:
        raise failures[0]
    best = max(tried, key=lambda choice: choice.trial.passed if choice.trial else 0)
    _remember(ways, best)
    return best


def forget(engine: Engine, ways: Sequence[Setup]) -> None:
    """Remove what was built in any of `ways`."""
    for way in ways:
        engine.discard(way.recipe.key)


def _try(engine: Engine, root: Path, setup: Setup, sample: Sample, trace: Trace, timeout: float) -> Choice:
    environment = engine.find(setup.recipe.key)
    if environment is None:
        trace.emit("testbed.building", key=setup.recipe.key, setup=setup.name)
        environment = engine.build(
            setup.recipe, root, lambda line: trace.emit("testbed.progress", line=line), max(timeout, 1.0)
        )
        trace.emit("testbed.built", key=setup.recipe.key)
    report = sample(environment)
    if report is None:
        return Choice(environment, setup, None)
    trial = Trial(len(report.passed), len(report.failed), report.ending)
    trace.emit("testbed.tried", setup=setup.name, passed=trial.passed, failed=trial.failed, ending=report.ending)
    return Choice(environment, setup, trial)


def _complaint(trial: Trial) -> str:
    if trial.ending != Ending.COMPLETED:
        return f"a few tests were tried, and {trial.ending}"
    return f"of a few tests {trial.failed} failed and {trial.passed} passed"


# --- memory -----------------------------------------------------------------------------------------------------------


def _remembered(engine: Engine, ways: Sequence[Setup]) -> Choice | None:
    try:
        known = json.loads(_memory(ways).read_text(encoding="utf-8"))
        setup = next(way for way in ways if way.recipe.key == known["key"])
        trial = Trial(**known["trial"]) if known["trial"] else None
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None
    environment = engine.find(setup.recipe.key)
    return Choice(environment, setup, trial) if environment else None


def _remember(ways: Sequence[Setup], choice: Choice) -> None:
    path = _memory(ways)
    text = json.dumps({"key": choice.setup.recipe.key, "trial": asdict(choice.trial) if choice.trial else None})
    with suppress(OSError):  # a full disk costs the memory, not the run
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _memory(ways: Sequence[Setup]) -> Path:
    digest = hashlib.sha256("\0".join(way.recipe.key for way in ways).encode()).hexdigest()
    return cache_root() / "testbeds" / f"{digest[:32]}.json"
