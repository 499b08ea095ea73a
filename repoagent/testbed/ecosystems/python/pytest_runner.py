"""Run tests by pytest, with the options of the project without which its tests are not found."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from repoagent.domain import Ending, Outcome, Report, Status
from repoagent.sandbox.base import CommandResult, Sandbox
from repoagent.testbed.ecosystems.python.plans import PYTHON, REPORTER
from repoagent.testbed.ecosystems.python.project import PythonProject
from repoagent.testbed.ecosystems.python.pytest_options import select_options
from repoagent.testbed.results.lines import MAX_BYTES, ReportedRun, read_lines
from repoagent.testbed.running.base import VARIABLES, make_pytest_report
from repoagent.testbed.running.reports import PYTEST_OPTIONS, make_report_path, read_report

_MAX_TEST_SECONDS = 120.0


@dataclass(frozen=True)
class PytestRunner:
    """Runs `python -m pytest`; satisfies `Runner`."""

    project: PythonProject

    def run(
        self, sandbox: Sandbox, tests: Sequence[str], timeout: float, started: Sequence[str] = ("-m", "pytest")
    ) -> Report:
        """Run `tests`, files or node ids; see `Runner`. `started` is what Python is given to start pytest."""
        if not tests and self.project.unconventional:
            tests = self.project.test_files
        kept = ("-o", "addopts=", *select_options(self.project.pytest.addopts))
        found = _run_pytest(sandbox, started, (*kept, "--", *tests), timeout)
        if found.ending is Ending.NOT_COLLECTED and not found.outcomes and self.project.pytest.addopts:
            # The project's options may name a plug-in nothing works without.
            again = _run_pytest(sandbox, started, tests, timeout)
            return again if again.outcomes else found
        return found


def _run_pytest(sandbox: Sandbox, started: Sequence[str], arguments: Sequence[str], timeout: float) -> Report:
    path = make_report_path("jsonl")
    command = (
        *(PYTHON, *started, "-q", "--tb=short", "--continue-on-collection-errors"),
        "-p",
        REPORTER,
        f"--repoagent-report={path}",
        f"--repoagent-seconds={_limit_test_seconds(timeout):.0f}",
        *PYTEST_OPTIONS,
        *arguments,
    )
    finished = sandbox.run(command, timeout=timeout, environment=VARIABLES)
    told = read_lines(read_report(sandbox, path, MAX_BYTES) or b"")
    return make_pytest_report(
        finished, _format_command(command), _add_running_test(told, finished), reported=told.ended
    )


def _format_command(command: Sequence[str]) -> str:
    """Format the command for a person, without a program's text."""
    return shlex.join(word if len(word) < _MAX_WORD else "…" for word in command)


_MAX_WORD = 1_000


def _limit_test_seconds(timeout: float) -> float:
    """Limit the seconds that one test may take, so that one that hangs does not cost the others."""
    return min(_MAX_TEST_SECONDS, max(1.0, timeout / 3))


def _add_running_test(told: ReportedRun, finished: CommandResult) -> tuple[Outcome, ...]:
    """Add the test that was running when the time was up or the process died to the outcomes."""
    if not told.running:
        return told.outcomes
    how = "did not end in time" if finished.timed_out else f"ended the whole run, with exit code {finished.exit_code}"
    return (*told.outcomes, Outcome(told.running, Status.ERROR, message=f"The test {how}."))
