"""The second job: look for a patch. It reads the code and holds no right beyond that and, unless the user gives it the
key of a model's server, no secret."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from repoagent.action import files
from repoagent.action.files import SolveRequest, SolveResult
from repoagent.action.preflight import check_machine
from repoagent.action.runner import ActionRunner
from repoagent.app.best_result import find_best_result
from repoagent.app.pull_request import make_delivery
from repoagent.app.request import RunRequest
from repoagent.app.solve import PreparedIssue, ReviewPause, begin_session, raise_limits, run_session
from repoagent.audit import AUDIT_FILE
from repoagent.config import Settings, load_configuration
from repoagent.errors import EnvironmentFailed, RepoagentError, UserError
from repoagent.publish.markdown import escape_line, format_code_block
from repoagent.session import Session


def solve(runner: ActionRunner) -> int:
    """Work on the request of the first job, and leave the result whatever ends the run; return the exit code."""
    asked = files.read_value(runner.folder, files.REQUEST, SolveRequest)
    if asked is None:
        raise UserError(f"the request of the first job is not in {runner.folder}: download its artefact there")
    stopped, failed = "", 0
    session: Session | None = None
    try:
        with _interrupt_on_signals():
            _check_machine(runner)
            session = _open_session(runner, asked)
            run_session(session, (), _continue, ask=False)
    except KeyboardInterrupt:
        stopped, failed = "it was cancelled", 130
    except RepoagentError as error:
        stopped, failed = str(error), 1
    return _leave_result(runner, asked, session, stopped, failed)


def _check_machine(runner: ActionRunner) -> None:
    missing = [need for need in check_machine(*_choose_model_and_sandbox(runner)) if need.problem]
    if missing:
        raise EnvironmentFailed("; ".join(f"{need.name}: {need.problem}" for need in missing))


def _choose_model_and_sandbox(runner: ActionRunner) -> tuple[str, str]:
    settings = load_configuration({}, os.environ).settings
    return runner.read_input("model", settings.model), runner.read_input("sandbox", settings.sandbox)


def _open_session(runner: ActionRunner, asked: SolveRequest) -> Session:
    """Open a new session, or the one that an earlier run could not finish."""
    place = Path(runner.environment.get("RUNNER_TEMP") or runner.folder.parent) / "repoagent-session"
    if earlier := files.unpack_session(runner.folder, place / "earlier"):
        opened = Session.open(earlier)
        raise_limits(opened, asked.minutes, asked.tokens)
        return opened
    request = RunRequest(
        issue=asked.issue.url,
        settings=_make_settings(runner, asked),
        repo=str(Path(runner.read_input("repository", ".")).absolute()),
        base=asked.base,
        test_command=runner.read_input("test-command") or None,
        out=str(place / "new"),
    )
    return begin_session(request, None, given=PreparedIssue(asked.issue, asked.notices))


def _make_settings(runner: ActionRunner, asked: SolveRequest) -> Settings:
    model, sandbox = _choose_model_and_sandbox(runner)
    flags = {"model": model, "sandbox": sandbox, "max_minutes": asked.minutes, "max_tokens": asked.tokens}
    return load_configuration(flags, os.environ).settings


def _continue(_pause: ReviewPause) -> None:
    """Continue at every pause."""


@contextmanager
def _interrupt_on_signals() -> Iterator[None]:
    """End the run on SIGINT and SIGTERM, which a cancelled job gets some seconds apart, so that it can still report."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# --- results ----------------------------------------------------------------------------------------------------------


def _leave_result(runner: ActionRunner, asked: SolveRequest, session: Session | None, stopped: str, failed: int) -> int:
    found = SolveResult(None, stopped)
    if session is not None:
        result = find_best_result(session)
        delivery = make_delivery(session, asked.number, result=result) if result else None
        found = SolveResult(replace(delivery, issue=asked.issue) if delivery else None, stopped)
        files.pack_session(session.path, runner.folder / "session")
        files.copy_log(session.path / AUDIT_FILE, runner.folder / "result")
    files.write_value(runner.folder / "result", files.RESULT, found)
    runner.write_outputs(outcome=found.delivery.result.outcome if found.delivery and not stopped else "stopped")
    runner.add_summary(_format_summary(found))
    return failed


def _format_summary(found: SolveResult) -> str:
    """Format the job's summary: it is as public as the repository, and holds nothing that the comment will not hold."""
    lines = [f"The run stopped before its end: {escape_line(found.stopped, 600)}"] if found.stopped else []
    if found.delivery is None:
        return "\n".join([*lines, "There is no patch."])
    result = found.delivery.result
    lines += [f"**{result.outcome}**: {escape_line(result.summary)}", ""]
    lines += [f"- verified: {escape_line(line)}" for line in result.verified]
    lines += [f"- not verified: {escape_line(line)}" for line in result.unverified]
    return "\n".join([*lines, "", format_code_block(result.patch, "diff")] if result.patch else lines)
