"""Run tests by a shell command that a person, or the repository's `.repoagent.toml`, gives."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from repoagent.domain import Outcome, Report
from repoagent.sandbox.base import Sandbox
from repoagent.testbed.results.junit import MAX_BYTES, UnreadableReport, read_outcomes
from repoagent.testbed.results.sniff import sniff
from repoagent.testbed.running.base import IN_VENV, Entry, make_pytest_report, make_single_report
from repoagent.testbed.running.reports import list_junit_options, make_report_path, read_report


@dataclass(frozen=True)
class CommandRunner:
    """Runs a shell command as it is, whatever tests are asked for; satisfies `Runner`.

    Pytest is asked for a report; of other runners the output is read. Where it says nothing of single tests, the
    command is one test that its exit code ends.
    """

    command: str
    entry: Entry = field(default=IN_VENV)

    def run(self, sandbox: Sandbox, tests: Sequence[str], timeout: float) -> Report:  # noqa: ARG002 - see above
        """Run the command; see `Runner`."""
        path = make_report_path()
        asked = {"PYTEST_ADDOPTS": shlex.join(list_junit_options(path))} if "pytest" in self.command else {}
        variables = {**self.entry.variables, **asked}
        finished = sandbox.run(self.entry.wrap_command(self.command), timeout=timeout, environment=variables)
        content = read_report(sandbox, path, MAX_BYTES) if asked and not finished.timed_out else None
        outcomes = _read_outcomes(content) if content is not None else sniff(finished.output)
        if content is not None or outcomes or finished.timed_out or finished.exit_code >= 128:
            return make_pytest_report(finished, self.command, outcomes, reported=bool(outcomes) or content is not None)
        return make_single_report(finished, self.command)


def _read_outcomes(content: bytes) -> tuple[Outcome, ...]:
    try:
        return read_outcomes(content)
    except UnreadableReport:
        return ()
