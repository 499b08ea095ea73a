"""Run tests by pytest, with the options of the project without which its tests are not found."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from repoagent.domain import Ending, Outcome, Report, Status
from repoagent.sandbox.base import Finished, Sandbox
from repoagent.testbed.options import kept_options
from repoagent.testbed.project import Project
from repoagent.testbed.results.lines import LARGEST, Told, read_lines
from repoagent.testbed.running.base import VARIABLES, report
from repoagent.testbed.running.reports import SETTLED, read_report, report_path
from repoagent.testbed.setups import PYTHON, REPORTER

_LONGEST_TEST = 120.0


@dataclass(frozen=True)
class Pytest:
    """Runs `python -m pytest`; satisfies `Runner`."""

    project: Project

    def run(
        self, sandbox: Sandbox, tests: Sequence[str], timeout: float, started: Sequence[str] = ("-m", "pytest")
    ) -> Report:
        """Run `tests`, files or node ids; see `Runner`. `started` is what Python is given to start pytest."""
        if not tests and self.project.unconventional:
            tests = self.project.test_files
        kept = ("-o", "addopts=", *kept_options(self.project.pytest.addopts))
        found = _run(sandbox, started, (*kept, "--", *tests), timeout)
        if found.ending is Ending.NOT_COLLECTED and not found.outcomes and self.project.pytest.addopts:
            # The project's options may name a plug-in nothing works without.
            again = _run(sandbox, started, tests, timeout)
            return again if again.outcomes else found
        return found


def _run(sandbox: Sandbox, started: Sequence[str], arguments: Sequence[str], timeout: float) -> Report:
    path = report_path("jsonl")
    command = (
        *(PYTHON, *started, "-q", "--tb=short", "--continue-on-collection-errors"),
        "-p",
        REPORTER,
        f"--repoagent-report={path}",
        f"--repoagent-seconds={_each(timeout):.0f}",
        *SETTLED,
        *arguments,
    )
    finished = sandbox.run(command, timeout=timeout, environment=VARIABLES)
    told = read_lines(read_report(sandbox, path, LARGEST) or b"")
    return report(finished, _shown(command), _with_running(told, finished), reported=told.ended)


def _shown(command: Sequence[str]) -> str:
    """Format the command for a person, without a program's text."""
    return shlex.join(word if len(word) < _LONGEST_WORD else "…" for word in command)


_LONGEST_WORD = 1_000


def _each(timeout: float) -> float:
    """Limit the seconds that one test may take, so that one that hangs does not cost the others."""
    return min(_LONGEST_TEST, max(1.0, timeout / 3))


def _with_running(told: Told, finished: Finished) -> tuple[Outcome, ...]:
    """Add the test that was running when the time was up or the process died to the outcomes."""
    if not told.running:
        return told.outcomes
    how = "did not end in time" if finished.timed_out else f"ended the whole run, with exit code {finished.exit_code}"
    return (*told.outcomes, Outcome(told.running, Status.ERROR, message=f"The test {how}."))
