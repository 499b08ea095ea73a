"""A project's test bed: the environment it was built in, and its tests run there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from repoagent.domain import Ending, Report
from repoagent.sandbox.base import DEFAULT_LIMITS, Engine, Environment, Limits, Sandbox
from repoagent.sandbox.fresh import in_fresh
from repoagent.testbed.detect import detect
from repoagent.testbed.project import Project
from repoagent.testbed.running.base import Runner
from repoagent.testbed.running.command import Command
from repoagent.testbed.running.django import Django
from repoagent.testbed.running.pytest import Pytest
from repoagent.testbed.services import Served
from repoagent.testbed.setups import Origin, setups
from repoagent.testbed.trying import find_or_build, forget
from repoagent.trace import Trace

_MOST_RERUN = 500


@dataclass(frozen=True)
class Baseline:
    """How the tests end on the untouched code."""

    report: Report
    passing: frozenset[str]
    failing: frozenset[str]
    """Failed twice."""
    flaky: frozenset[str]
    """Failed, and were not seen to fail again: what they say is ignored from here on."""


@dataclass(frozen=True)
class Testbed:
    """A project, the environment built for it, and how its tests are run."""

    __test__: ClassVar[bool] = False  # pytest would take it for a test by its name

    engine: Engine
    environment: Environment
    root: Path
    project: Project
    test_command: str = ""
    """Shell command that runs the tests instead of the project's runner; empty for that."""
    limits: Limits = DEFAULT_LIMITS
    """What each sandbox may use."""
    setup: str = ""
    """The way in which the environment was built, for a person."""

    @classmethod
    def prepare(
        cls,
        engine: Engine,
        root: Path,
        *,
        origin: Origin,
        test_command: str | None,
        trace: Trace,
        timeout: float,
        fresh: bool = False,
    ) -> Testbed:
        """Find the environment for the project in `root`, or build it within `timeout` seconds.

        Where there are several ways to build it, the first is taken whose tests can be run; that is remembered, unless
        `fresh` says to build anew. `test_command` comes from the user and goes before the one the repository names.
        Raises UserError for a bad `.repoagent.toml` and EnvironmentFailed, with the end of the log, when nothing can be
        built.
        """
        project = detect(root)
        ways = setups(project, root, origin, engine.pythons())
        trace.emit(
            "testbed.detected",
            packager=project.packager,
            groups=[group.name for group in project.groups],
            setups=[setup.name for setup in ways],
        )
        command = test_command or project.override.test

        def attached(environment: Environment) -> Testbed:
            return cls(engine, environment, root, project, command)

        if fresh:
            forget(engine, ways)
        found = find_or_build(engine, root, ways, lambda e: attached(e).sample(), trace, timeout)
        return replace(attached(found.environment), setup=found.setup.name)

    def open(self, root: Path | None = None) -> Sandbox:
        """A fresh sandbox with the repository, or another state of it in `root`."""
        return Served(self.engine.open(self.environment, root or self.root, self.limits), self.project.services)

    def run(self, sandbox: Sandbox, tests: Sequence[str] = (), timeout: float = 600.0) -> Report:
        """Run `tests` (files or ids; all when empty) in `sandbox`, for at most `timeout` seconds.

        A test command of the user's is run whole. Raises SandboxFailed when the sandbox broke.
        """
        served = sandbox if isinstance(sandbox, Served) else Served(sandbox, self.project.services)
        return self._runner().run(served, tests, timeout)

    def run_fresh(self, tests: Sequence[str] = (), timeout: float = 600.0) -> Report:
        """Run `tests` on the untouched code; a sandbox that dies is replaced once."""
        return in_fresh(self.open, lambda sandbox: self.run(sandbox, tests, timeout), lambda _error: None)

    def sample(self, timeout: float = 120.0) -> Report | None:
        """Run a few test files, to see whether tests run here at all; None without any, or with a command."""
        if self.test_command or not self.project.test_files:
            return None
        return self.run_fresh(_spread(self.project.test_files), timeout)

    def baseline(self, tests: Sequence[str] = (), timeout: float = 600.0) -> Baseline:
        """Run `tests` on the untouched code, and those that fail once more."""
        report = self.run_fresh(tests, timeout)
        if report.ending is not Ending.COMPLETED:
            return Baseline(report, frozenset(), frozenset(), frozenset())
        flaky = self._flaky(report, tests, timeout) if report.failed else frozenset()
        return Baseline(report, report.passed, report.failed - flaky, flaky)

    def _runner(self) -> Runner:
        if self.test_command:
            return Command(self.test_command)
        return Django() if self.project.runner == "django" else Pytest(self.project)

    def _flaky(self, report: Report, tests: Sequence[str], timeout: float) -> frozenset[str]:
        """The failures that no second run confirms."""
        unconfirmed = report.failed
        for chosen in self._reruns(report.failed, tests):
            again = self.run_fresh(chosen, timeout)
            unconfirmed = report.failed - again.failed
            if again.ending is Ending.COMPLETED or not unconfirmed:
                break
        return unconfirmed

    def _reruns(self, failed: frozenset[str], tests: Sequence[str]) -> tuple[Sequence[str], ...]:
        """What to run again: the failed tests, else their files, because one id that is not found stops all of them."""
        if self.test_command or len(failed) > _MOST_RERUN:
            return (tests,)
        return sorted(failed), sorted({identity.partition("::")[0] for identity in failed})


def _spread(files: Sequence[str], count: int = 3) -> tuple[str, ...]:
    """`count` of `files`, evenly spread: what lies together tends to fail together."""
    step = max(1, len(files) // count)
    return tuple(files[step // 2 :: step][:count])
