"""A project's test bed: the environment that was built for it, and how its tests are run there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from repoagent.domain import Ending, Report
from repoagent.sandbox.base import DEFAULT_LIMITS, Engine, Environment, Sandbox, SandboxLimits, SandboxMaker
from repoagent.sandbox.fresh import run_in_fresh
from repoagent.testbed.build import discard_builds, find_or_build
from repoagent.testbed.build_plan import CommitInfo, UserOverrides, append_steps
from repoagent.testbed.checks import Reports, run_check
from repoagent.testbed.ecosystems.base import Codebase
from repoagent.testbed.ecosystems.finding import detect_codebases, find_codebase, list_build_plans
from repoagent.testbed.results.environment import failed_for_environment
from repoagent.testbed.running.base import SuiteRunner
from repoagent.testbed.running.command import CommandRunner
from repoagent.testbed.services import ServedSandbox
from repoagent.trace import Trace

_MAX_RERUN = 500


RunUntouched = Callable[[Sequence[str], float], Report]
"""Runs tests on the untouched code, for at most so many seconds."""


@dataclass(frozen=True)
class BaselineRun:
    """How the tests end on the untouched code."""

    report: Report
    passing: frozenset[str]
    failing: frozenset[str]
    """Failed twice."""
    flaky: frozenset[str]
    """Failed, and did not fail again: their results are ignored from here on."""
    outside: frozenset[str] = frozenset()
    """Fail because a network or a package is missing: their results are ignored, too."""


@dataclass(frozen=True)
class Testbed:
    """A project, the environment built for it, and how its tests are run."""

    __test__: ClassVar[bool] = False  # pytest would take it for a test by its name

    engine: SandboxMaker
    environment: Environment
    root: Path
    codebase: Codebase
    test_command: str = ""
    """Shell command that runs the tests instead of the project's runner; empty for that."""
    limits: SandboxLimits = DEFAULT_LIMITS
    """What each sandbox may use."""
    plan_name: str = ""
    """Name of the plan that the environment was built by, for a person."""

    @classmethod
    def prepare(
        cls,
        engine: Engine,
        root: Path,
        *,
        origin: CommitInfo,
        trace: Trace,
        timeout: float,
        named: UserOverrides = UserOverrides(),  # noqa: B008 - frozen
        fresh: bool = False,
        checks: bool = False,
    ) -> Testbed:
        """Find the environment for the project in `root`, or build it within `timeout` seconds.

        Where there are several plans to build it, the first is taken whose tests can be run; that is remembered, unless
        `fresh` says to build anew. With `checks` the tools that the project's checks need are there as well. Raises
        UserError for a bad `.repoagent.toml` and EnvironmentFailed, with the end of the log, when nothing can be built.
        """
        found = detect_codebases(root, named.image)
        plans = list_build_plans(found, origin, engine.list_pythons())
        if checks:
            plans = tuple(append_steps(plan, _list_tools(find_codebase(found, plan.recipe.key))) for plan in plans)
        trace.emit(
            "testbed.detected",
            languages=[codebase.language for codebase in found],
            packager=found[0].packager,
            groups=list(found[0].needs),
            setups=[plan.name for plan in plans],
        )

        def attach(environment: Environment) -> Testbed:
            return cls.attach(engine, environment, root, found, named.test_command)

        if fresh:
            discard_builds(engine, plans)
        chosen = find_or_build(engine, root, plans, lambda e: attach(e).run_sample(), trace, timeout)
        return replace(attach(chosen.environment), plan_name=chosen.completed_plan.name)

    @classmethod
    def attach(
        cls,
        engine: SandboxMaker,
        environment: Environment,
        root: Path,
        found: Sequence[Codebase],
        test_command: str = "",
        limits: SandboxLimits = DEFAULT_LIMITS,
    ) -> Testbed:
        """Make the testbed of an environment that exists already, for the codebases `found` in `root`."""
        codebase = find_codebase(found, environment.key)
        return cls(engine, environment, root, codebase, test_command or codebase.override.test, limits)

    def open(self, root: Path | None = None) -> Sandbox:
        """Open a fresh sandbox with the repository, or with another state of it in `root`."""
        return ServedSandbox(self.engine.open(self.environment, root or self.root, self.limits), self.codebase.services)

    def run(self, sandbox: Sandbox, tests: Sequence[str] = (), timeout: float = 600.0) -> Report:
        """Run `tests` (files or ids; all when empty) in `sandbox`, for at most `timeout` seconds.

        A test command of the user's is run whole. Raises SandboxFailed when the sandbox broke.
        """
        served = sandbox if isinstance(sandbox, ServedSandbox) else ServedSandbox(sandbox, self.codebase.services)
        return self._choose_runner().run(served, tests, timeout)

    def run_fresh(self, tests: Sequence[str] = (), timeout: float = 600.0) -> Report:
        """Run `tests` on the untouched code; a sandbox that dies is replaced once."""
        return run_in_fresh(self.open, lambda sandbox: self.run(sandbox, tests, timeout), lambda _error: None)

    def run_sample(self, timeout: float = 60.0) -> Report | None:
        """Run a few test files, to see whether tests run here at all; None without any, or with a command."""
        if self.test_command or not self.codebase.test_files:
            return None
        return self.run_fresh(_pick_spread(self.codebase.test_files), timeout)

    def run_checks(self, sandbox: Sandbox, timeout: float = 300.0) -> Reports:
        """Run the project's own checks on the code in `sandbox`, each for at most `timeout` seconds; reports by
        name."""
        entry = self.codebase.entry
        return {check.name: run_check(check, entry, sandbox, timeout) for check in self.codebase.checks}

    def measure_baseline(
        self, tests: Sequence[str] = (), timeout: float = 600.0, run: RunUntouched | None = None
    ) -> BaselineRun:
        """Run `tests` on the untouched code, by `run` where it is given, and run those that fail once more.

        `timeout` is in seconds, for each run.
        """
        report = (run or self.run_fresh)(tests, timeout)
        if report.ending is not Ending.COMPLETED:
            return BaselineRun(report, frozenset(), frozenset(), frozenset())
        outside = frozenset(
            o.id for o in report.outcomes if o.id in report.failed and failed_for_environment(o, self.root)
        )
        failed = report.failed - outside
        flaky = self._find_flaky(failed, tests, timeout) if failed else frozenset()
        return BaselineRun(report, report.passed, failed - flaky, flaky, outside)

    def _choose_runner(self) -> SuiteRunner:
        return CommandRunner(self.test_command, self.codebase.entry) if self.test_command else self.codebase.runner

    def _find_flaky(self, failed: frozenset[str], tests: Sequence[str], timeout: float) -> frozenset[str]:
        """Find the failures that a second run does not confirm."""
        unconfirmed = failed
        for chosen in self._choose_reruns(failed, tests):
            again = self.run_fresh(chosen, timeout)
            unconfirmed = failed - again.failed
            if again.ending is Ending.COMPLETED or not unconfirmed:
                break
        return unconfirmed

    def _choose_reruns(self, failed: frozenset[str], tests: Sequence[str]) -> tuple[Sequence[str], ...]:
        """List what to run again: the failed tests, else their files, because one unknown id stops the whole run."""
        if self.test_command or len(failed) > _MAX_RERUN:
            return (tests,)
        return sorted(failed), sorted({identity.partition("::")[0] for identity in failed})


def _list_tools(codebase: Codebase) -> tuple[str, ...]:
    return tuple(check.install for check in codebase.checks if check.install)


def _pick_spread(files: Sequence[str], count: int = 3) -> tuple[str, ...]:
    """Pick `count` of `files`, evenly spread: neighbours tend to fail together."""
    step = max(1, len(files) // count)
    return tuple(files[step // 2 :: step][:count])
