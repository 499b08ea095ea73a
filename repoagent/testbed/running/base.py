"""What a runner of tests is, and what all of them share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from repoagent.domain import Ending, Outcome, Report, Status
from repoagent.sandbox.base import ENVIRONMENT, Finished, Sandbox

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


class Runner(Protocol):
    """Runs tests in a sandbox and reads what comes of it."""

    def run(self, sandbox: Sandbox, tests: Sequence[str], timeout: float) -> Report:
        """Run `tests` (files, or ids of outcomes; all when empty) for at most `timeout` seconds.

        Raises SandboxFailed when the sandbox broke.
        """


def report(finished: Finished, command: str, outcomes: Sequence[Outcome], *, reported: bool) -> Report:
    """The report on a run that ended with one of pytest's exit codes, or with 0 and 1 as all runners do.

    `reported` says whether the runner lived to write its result.
    """
    ending = _ending(finished, outcomes, reported)
    return Report(ending, tuple(outcomes), finished.seconds, command, finished.output[-KEPT_LOG:])


def single(finished: Finished, command: str) -> Report:
    """The report on a command of which nothing is known but its exit code: it is one test."""
    status = Status.PASSED if finished.exit_code == 0 else Status.FAILED
    log = finished.output[-KEPT_LOG:]
    outcome = Outcome(command, status, finished.seconds, "" if status is Status.PASSED else log)
    return Report(Ending.COMPLETED, (outcome,), finished.seconds, command, log)


def _ending(finished: Finished, outcomes: Sequence[Outcome], reported: bool) -> Ending:
    """Pytest's exit codes: 0 passed, 1 failed, 2 interrupted, 3 internal error, 4 usage error, 5 nothing collected."""
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
    """Whether a file is reported, which could not be imported, and no test."""
    return "::" not in outcome.id and outcome.id.endswith(".py")
