"""What a runner of tests is, and what all of them share."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from repoagent.domain import Ending, Outcome, Report, Status
from repoagent.sandbox.base import ENVIRONMENT, CommandResult, Sandbox

KEPT_LOG = 20_000
"""Characters of a run's output that are kept, its end."""

VARIABLES = {
    "PATH": f"{ENVIRONMENT}/venv/bin:/usr/local/bin:/usr/bin:/bin",
    "VIRTUAL_ENV": f"{ENVIRONMENT}/venv",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "HOME": "/tmp",  # noqa: S108 - inside the sandbox, where it is the only place that may be written
}
"""What every test run finds in its environment."""


@dataclass(frozen=True)
class Entry:
    """How a command comes to see what an environment's build made."""

    variables: Mapping[str, str] = field(default_factory=dict)
    prelude: str = ""
    """Shell that runs before the command, and sets variables for it."""

    def wrap_command(self, script: str) -> tuple[str, ...]:
        """Wrap `script`, in shell, so that it runs inside the environment."""
        return ("sh", "-c", f"{self.prelude} && {script}" if self.prelude else script)


IN_VENV = Entry(VARIABLES)
"""For environments with a Python of their own."""
BY_SCRIPT = Entry(prelude=f". {ENVIRONMENT}/enter.sh")
"""For all other environments: their build leaves a script behind."""


class SuiteRunner(Protocol):
    """Runs tests in a sandbox and reads what comes of it."""

    def run(self, sandbox: Sandbox, tests: Sequence[str], timeout: float) -> Report:
        """Run `tests` (files, or ids of outcomes; all when empty) for at most `timeout` seconds.

        Raises SandboxFailed when the sandbox broke.
        """


def make_pytest_report(finished: CommandResult, command: str, outcomes: Sequence[Outcome], *, reported: bool) -> Report:
    """Report a run that ended with one of pytest's exit codes, or with 0 and 1 as all runners do.

    `reported` says whether the runner lived to write its result.
    """
    ending = _classify_pytest_run(finished, outcomes, reported)
    return Report(ending, tuple(outcomes), finished.seconds, command, finished.output[-KEPT_LOG:])


def make_single_report(finished: CommandResult, command: str) -> Report:
    """Report a command of which nothing is known but its exit code as one test."""
    status = Status.PASSED if finished.exit_code == 0 else Status.FAILED
    log = finished.output[-KEPT_LOG:]
    outcome = Outcome(command, status, finished.seconds, "" if status is Status.PASSED else log)
    return Report(Ending.COMPLETED, (outcome,), finished.seconds, command, log)


def make_suite_report(
    finished: CommandResult,
    command: str,
    outcomes: Sequence[Outcome],
    tests: Collection[str] = (),
    *,
    files: bool = True,
) -> Report:
    """Report a run of any runner but pytest: its exit code is 0 exactly where no test failed.

    Of the outcomes those of `tests` are taken; `files` says whether ids begin with the file that a test is in.
    """
    ending = _classify_suite_run(finished, outcomes)
    chosen = _select_outcomes(outcomes, tests, files=files)
    if ending is Ending.COMPLETED and not chosen:
        ending = Ending.NOT_COLLECTED
    return Report(ending, chosen, finished.seconds, command, finished.output[-KEPT_LOG:])


def make_build_failure(finished: CommandResult, command: str) -> Report:
    """Report a build that failed before any test could run."""
    ending = Ending.TIMED_OUT if finished.timed_out else Ending.NOT_BUILT
    return Report(ending, (), finished.seconds, command, finished.output[-KEPT_LOG:])


def _select_outcomes(outcomes: Sequence[Outcome], tests: Collection[str], *, files: bool) -> tuple[Outcome, ...]:
    """Select the outcomes of `tests`, ids or files. The outcome of a whole file is never left out."""
    ids = {o.id for o in outcomes} & set(tests)
    if not tests or (not files and not ids):
        return tuple(outcomes)
    sources = {test.partition("::")[0] for test in tests} if files else set()
    whole = {test for test in tests if "::" not in test}
    return tuple(o for o in outcomes if o.id in ids or o.id in sources or o.id.partition("::")[0] in whole)


_COMPILER = re.compile(
    r"^(\S+:\d+(:\d+)?: (fatal )?error: |error(\[E\d+\])?: |\[ERROR\] COMPILATION ERROR)", re.MULTILINE
)


def _classify_suite_run(finished: CommandResult, outcomes: Sequence[Outcome]) -> Ending:
    failed = any(o.status in {Status.FAILED, Status.ERROR} for o in outcomes)
    if finished.timed_out:
        return Ending.TIMED_OUT
    if not outcomes and finished.exit_code == 0:
        return Ending.NOT_COLLECTED
    if not outcomes:
        return Ending.NOT_BUILT if _COMPILER.search(finished.output) else Ending.CRASHED
    return Ending.COMPLETED if failed == (finished.exit_code != 0) else Ending.CRASHED


def _classify_pytest_run(finished: CommandResult, outcomes: Sequence[Outcome], reported: bool) -> Ending:
    """Classify pytest's exit codes: 0 passed, 1 failed, 2 interrupted, 3 internal error, 4 usage error, 5 nothing
    collected."""
    if finished.timed_out:
        return Ending.TIMED_OUT
    if finished.exit_code in {2, 4, 5} and all(_is_file(o) for o in outcomes):
        return Ending.NOT_COLLECTED
    if finished.exit_code not in {0, 1, 2} or not reported or not outcomes:
        return Ending.CRASHED
    if all(o.status is Status.ERROR and _is_file(o) for o in outcomes):
        return Ending.NOT_COLLECTED
    contradiction = finished.exit_code == 0 and any(o.status in {Status.FAILED, Status.ERROR} for o in outcomes)
    return Ending.CRASHED if contradiction else Ending.COMPLETED


def _is_file(outcome: Outcome) -> bool:
    """Whether an outcome is of a file that could not be imported, not of a test."""
    return "::" not in outcome.id and outcome.id.endswith(".py")
