"""Run a project's tests in a sandbox and say how each ended."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from repoagent.domain import Ending, Outcome, Report, Status
from repoagent.sandbox.base import (
    DEFAULT_LIMITS,
    ENVIRONMENT,
    REPOSITORY,
    Engine,
    Environment,
    Finished,
    Limits,
    Sandbox,
)
from repoagent.testbed.detect import detect
from repoagent.testbed.junit import LARGEST, UnreadableReport, read_outcomes
from repoagent.testbed.options import kept_options
from repoagent.testbed.project import Project
from repoagent.testbed.recipe import PYTHON, recipe
from repoagent.trace import Trace

_LOG = 20_000
_MOST_RERUN = 500
_PYTEST = ("-q", "--tb=short", "--continue-on-collection-errors")
_VARIABLES = {
    "PATH": f"{ENVIRONMENT}/venv/bin:/usr/local/bin:/usr/bin:/bin",
    "VIRTUAL_ENV": f"{ENVIRONMENT}/venv",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "HOME": "/tmp",  # noqa: S108 - inside the sandbox, where it is the only place that may be written
}


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
    """Shell command that runs the tests instead of pytest; empty for pytest."""
    limits: Limits = DEFAULT_LIMITS
    """What each sandbox may use."""

    @classmethod
    def prepare(
        cls, engine: Engine, root: Path, *, version: str, test_command: str | None, trace: Trace, timeout: float
    ) -> Testbed:
        """Find the environment for the project in `root`, or build it within `timeout` seconds.

        `version` is the last release, for builds that ask git for it; empty when unknown. `test_command` comes from the
        user and goes before the one the repository names. Raises UserError for a bad `.repoagent.toml` and
        EnvironmentFailed, with the end of the log, when the build fails.
        """
        project = detect(root)
        trace.emit("testbed.detected", packager=project.packager, groups=[g.name for g in project.groups])
        environment = _environment(engine, root, project, version, trace, timeout)
        return cls(engine, environment, root, project, test_command or project.override.test)

    def open(self, root: Path | None = None) -> Sandbox:
        """A fresh sandbox with the repository, or another state of it in `root`."""
        return self.engine.open(self.environment, root or self.root, self.limits)

    def run(self, sandbox: Sandbox, tests: Sequence[str] = (), timeout: float = 600.0) -> Report:
        """Run `tests` (files or ids; all when empty) in `sandbox`, for at most `timeout` seconds.

        A test command of the user's is run whole. Raises SandboxFailed when the sandbox broke.
        """
        if self.test_command:
            return self._run_command(sandbox, timeout)
        if not tests and self.project.unconventional:
            tests = self.project.test_files
        kept = ("-o", "addopts=", *kept_options(self.project.pytest.addopts))
        report = _run_pytest(sandbox, (*kept, "--", *tests), timeout)
        if report.ending is Ending.NOT_COLLECTED and not report.outcomes and self.project.pytest.addopts:
            again = _run_pytest(
                sandbox, tests, timeout
            )  # the project's options may name a plug-in nothing works without
            return again if again.outcomes else report
        return report

    def baseline(self, tests: Sequence[str] = (), timeout: float = 600.0) -> Baseline:
        """Run `tests` on the untouched code, and those that fail once more."""
        with self.open() as sandbox:
            report = self.run(sandbox, tests, timeout)
        if report.ending is not Ending.COMPLETED:
            return Baseline(report, frozenset(), frozenset(), frozenset())
        flaky = self._flaky(report, tests, timeout) if report.failed else frozenset()
        return Baseline(report, report.passed, report.failed - flaky, flaky)

    def _flaky(self, report: Report, tests: Sequence[str], timeout: float) -> frozenset[str]:
        """The failures that no second run confirms."""
        unconfirmed = report.failed
        for chosen in self._reruns(report.failed, tests):
            with self.open() as sandbox:
                again = self.run(sandbox, chosen, timeout)
            unconfirmed = report.failed - again.failed
            if again.ending is Ending.COMPLETED or not unconfirmed:
                break
        return unconfirmed

    def _reruns(self, failed: frozenset[str], tests: Sequence[str]) -> tuple[Sequence[str], ...]:
        """What to run again: the failed tests, else their files, because one id that is not found stops all of them."""
        if self.test_command or len(failed) > _MOST_RERUN:
            return (tests,)
        return sorted(failed), sorted({identity.partition("::")[0] for identity in failed})

    def _run_command(self, sandbox: Sandbox, timeout: float) -> Report:
        """Through a shell; pytest is asked for a report, any other command is one test that its exit code ends."""
        path = _report_path()
        asked = {"PYTEST_ADDOPTS": shlex.join(_reporting(path))} if "pytest" in self.test_command else {}
        command = ("sh", "-c", self.test_command)
        finished = sandbox.run(command, timeout=timeout, environment={**_VARIABLES, **asked})
        content = _read_report(sandbox, path) if asked else None
        if content is not None or finished.timed_out or finished.exit_code >= 128:
            return _report(finished, self.test_command, content)
        return _single(finished, self.test_command)


def _environment(
    engine: Engine, root: Path, project: Project, version: str, trace: Trace, timeout: float
) -> Environment:
    how = recipe(project, root, version)
    found = engine.find(how.key)
    if found is not None:
        trace.emit("testbed.reused", key=how.key)
        return found
    trace.emit("testbed.building", key=how.key)
    built = engine.build(how, root, lambda line: trace.emit("testbed.progress", line=line), timeout)
    trace.emit("testbed.built", key=how.key)
    return built


def _run_pytest(sandbox: Sandbox, arguments: Sequence[str], timeout: float) -> Report:
    path = _report_path()
    command = (
        PYTHON,
        "-m",
        "pytest",
        "-q",
        "--tb=short",
        "--continue-on-collection-errors",
        *_reporting(path),
        *arguments,
    )
    finished = sandbox.run(command, timeout=timeout, environment=_VARIABLES)
    return _report(finished, shlex.join(command), None if finished.timed_out else _read_report(sandbox, path))


def _reporting(path: str) -> tuple[str, ...]:
    return ("-p", "no:cacheprovider", f"--rootdir={REPOSITORY}", f"--junitxml={path}", "-o", "junit_family=xunit1")


def _report_path() -> str:
    """A new name for each run, so that no old report is taken for it. The code under test can find and write it."""
    return f"/tmp/repoagent-{secrets.token_hex(8)}.xml"  # noqa: S108 - inside the sandbox


def _read_report(sandbox: Sandbox, path: str) -> bytes | None:
    """None where there is no report to be read; the size is asked first, the file may be as large as the disk."""
    size = sandbox.run(("stat", "-c", "%s", path), timeout=30).output.strip()
    if not size.isdigit() or int(size) > LARGEST:
        return None
    try:
        return sandbox.read(path)
    except FileNotFoundError:
        return None


def _report(finished: Finished, command: str, content: bytes | None) -> Report:
    outcomes, log = _outcomes(content), finished.output[-_LOG:]
    return Report(_ending(finished, outcomes, content is not None), outcomes, finished.seconds, command, log)


def _outcomes(content: bytes | None) -> tuple[Outcome, ...]:
    try:
        return read_outcomes(content) if content else ()
    except UnreadableReport:
        return ()


def _ending(finished: Finished, outcomes: Sequence[Outcome], reported: bool) -> Ending:
    """Pytest's exit codes: 0 passed, 1 failed, 2 interrupted, 3 internal error, 4 usage error, 5 nothing collected."""
    if finished.timed_out:
        return Ending.TIMED_OUT
    if finished.exit_code in {2, 4, 5} and not any("::" in o.id for o in outcomes):
        return Ending.NOT_COLLECTED
    if finished.exit_code not in {0, 1, 2} or not reported or not outcomes:
        return Ending.CRASHED
    if all(o.status is Status.ERROR and "::" not in o.id for o in outcomes):
        return Ending.NOT_COLLECTED
    contradiction = finished.exit_code == 0 and any(o.status in {Status.FAILED, Status.ERROR} for o in outcomes)
    return Ending.CRASHED if contradiction else Ending.COMPLETED


def _single(finished: Finished, command: str) -> Report:
    status = Status.PASSED if finished.exit_code == 0 else Status.FAILED
    log = finished.output[-_LOG:]
    outcome = Outcome(command, status, finished.seconds, "" if status is Status.PASSED else log)
    return Report(Ending.COMPLETED, (outcome,), finished.seconds, command, log)
