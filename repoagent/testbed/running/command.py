"""Run tests by a shell command that a person, or the repository's `.repoagent.toml`, gives."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from repoagent.domain import Outcome, Report
from repoagent.sandbox.base import Sandbox
from repoagent.testbed.results.junit import LARGEST, UnreadableReport, read_outcomes
from repoagent.testbed.results.sniff import sniff
from repoagent.testbed.running.base import IN_VENV, Entry, report, single
from repoagent.testbed.running.reports import read_report, report_path, reporting


@dataclass(frozen=True)
class Command:
    """Runs a shell command as it is, whatever tests are asked for; satisfies `Runner`.

    Pytest is asked for a report; of other runners the output is read. Where it says nothing of single tests, the
    command is one test that its exit code ends.
    """

    command: str
    entry: Entry = field(default=IN_VENV)

    def run(self, sandbox: Sandbox, tests: Sequence[str], timeout: float) -> Report:  # noqa: ARG002 - see above
        """Run the command; see `Runner`."""
        path = report_path()
        asked = {"PYTEST_ADDOPTS": shlex.join(reporting(path))} if "pytest" in self.command else {}
        variables = {**self.entry.variables, **asked}
        finished = sandbox.run(self.entry.command(self.command), timeout=timeout, environment=variables)
        content = read_report(sandbox, path, LARGEST) if asked and not finished.timed_out else None
        outcomes = _outcomes_in(content) if content is not None else sniff(finished.output)
        if content is not None or outcomes or finished.timed_out or finished.exit_code >= 128:
            return report(finished, self.command, outcomes, reported=bool(outcomes) or content is not None)
        return single(finished, self.command)


def _outcomes_in(content: bytes) -> tuple[Outcome, ...]:
    try:
        return read_outcomes(content)
    except UnreadableReport:
        return ()
