"""Run tests by pytest, with the options of the project without which its tests are not found."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from repoagent.domain import Ending, Outcome, Report
from repoagent.sandbox.base import REPOSITORY, Sandbox
from repoagent.testbed.options import kept_options
from repoagent.testbed.project import Project
from repoagent.testbed.results.junit import LARGEST, UnreadableReport, read_outcomes
from repoagent.testbed.running.base import VARIABLES, report
from repoagent.testbed.setups import PYTHON


@dataclass(frozen=True)
class Pytest:
    """Runs `python -m pytest`; satisfies `Runner`."""

    project: Project

    def run(self, sandbox: Sandbox, tests: Sequence[str], timeout: float) -> Report:
        """Run `tests`, files or node ids; see `Runner`."""
        if not tests and self.project.unconventional:
            tests = self.project.test_files
        kept = ("-o", "addopts=", *kept_options(self.project.pytest.addopts))
        found = _run(sandbox, (*kept, "--", *tests), timeout)
        if found.ending is Ending.NOT_COLLECTED and not found.outcomes and self.project.pytest.addopts:
            again = _run(sandbox, tests, timeout)  # the project's options may name a plug-in nothing works without
            return again if again.outcomes else found
        return found


def _run(sandbox: Sandbox, arguments: Sequence[str], timeout: float) -> Report:
    path = report_path()
    command = (
        PYTHON,
        "-m",
        "pytest",
        "-q",
        "--tb=short",
        "--continue-on-collection-errors",
        *reporting(path),
        *arguments,
    )
    finished = sandbox.run(command, timeout=timeout, environment=VARIABLES)
    content = None if finished.timed_out else read_report(sandbox, path)
    return report(finished, shlex.join(command), outcomes_in(content), reported=content is not None)


def reporting(path: str) -> tuple[str, ...]:
    """Options with which pytest writes its report to `path`."""
    return ("-p", "no:cacheprovider", f"--rootdir={REPOSITORY}", f"--junitxml={path}", "-o", "junit_family=xunit1")


def report_path() -> str:
    """A new name for each run, so that no old report is taken for it. The code under test can find and write it."""
    return f"/tmp/repoagent-{secrets.token_hex(8)}.xml"  # noqa: S108 - inside the sandbox


def read_report(sandbox: Sandbox, path: str) -> bytes | None:
    """None where there is no report to be read; the size is asked first, the file may be as large as the disk."""
    size = sandbox.run(("stat", "-c", "%s", path), timeout=30).output.strip()
    if not size.isdigit() or int(size) > LARGEST:
        return None
    try:
        return sandbox.read(path)
    except FileNotFoundError:
        return None


def outcomes_in(content: bytes | None) -> tuple[Outcome, ...]:
    """The outcomes in a report; none where there is none, or it cannot be read."""
    try:
        return read_outcomes(content) if content else ()
    except UnreadableReport:
        return ()
