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
from repoagent.action.files import Asked, Found
from repoagent.action.preflight import of_the_machine
from repoagent.action.runner import Runner
from repoagent.app.best import best_so_far
from repoagent.app.pull_request import delivery_of
from repoagent.app.request import Request
from repoagent.app.solve import Given, Pause, allow, begin, run
from repoagent.audit import FILE
from repoagent.config import Settings, configure
from repoagent.errors import EnvironmentFailed, RepoagentError, UserError
from repoagent.publish.markdown import fenced, shown
from repoagent.session import Session


def solve(runner: Runner) -> int:
    """Work on the request of the first job, and leave the result whatever ends the run; return the exit code."""
    asked = files.read(runner.folder, files.REQUEST, Asked)
    if asked is None:
        raise UserError(f"the request of the first job is not in {runner.folder}: download its artefact there")
    stopped, failed = "", 0
    session: Session | None = None
    try:
        with _told_to_stop():
            _check(runner)
            session = _session(runner, asked)
            run(session, (), _nobody_to_ask, ask=False)
    except KeyboardInterrupt:
        stopped, failed = "it was cancelled", 130
    except RepoagentError as error:
        stopped, failed = str(error), 1
    return _leave(runner, asked, session, stopped, failed)


def _check(runner: Runner) -> None:
    missing = [need for need in of_the_machine(*_model_and_sandbox(runner)) if need.problem]
    if missing:
        raise EnvironmentFailed("; ".join(f"{need.name}: {need.problem}" for need in missing))


def _model_and_sandbox(runner: Runner) -> tuple[str, str]:
    settings = configure({}, os.environ).settings
    return runner.given("model", settings.model), runner.given("sandbox", settings.sandbox)


def _session(runner: Runner, asked: Asked) -> Session:
    """Open a new session, or the one that an earlier run could not finish."""
    place = Path(runner.environment.get("RUNNER_TEMP") or runner.folder.parent) / "repoagent-session"
    if earlier := files.unpack(runner.folder, place / "earlier"):
        opened = Session.open(earlier)
        allow(opened, asked.minutes, asked.tokens)
        return opened
    request = Request(
        issue=asked.issue.url,
        settings=_settings(runner, asked),
        repo=str(Path(runner.given("repository", ".")).absolute()),
        base=asked.base,
        test_command=runner.given("test-command") or None,
        out=str(place / "new"),
    )
    return begin(request, None, given=Given(asked.issue, asked.notices))


def _settings(runner: Runner, asked: Asked) -> Settings:
    model, sandbox = _model_and_sandbox(runner)
    flags = {"model": model, "sandbox": sandbox, "max_minutes": asked.minutes, "max_tokens": asked.tokens}
    return configure(flags, os.environ).settings


def _nobody_to_ask(_pause: Pause) -> None:
    """Continue at every pause."""


@contextmanager
def _told_to_stop() -> Iterator[None]:
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


def _leave(runner: Runner, asked: Asked, session: Session | None, stopped: str, failed: int) -> int:
    found = Found(None, stopped)
    if session is not None:
        result = best_so_far(session)
        delivery = delivery_of(session, asked.number, result=result) if result else None
        found = Found(replace(delivery, issue=asked.issue) if delivery else None, stopped)
        files.pack(session.path, runner.folder / "session")
        files.leave_log(session.path / FILE, runner.folder / "result")
    files.write(runner.folder / "result", files.RESULT, found)
    runner.output(outcome=found.delivery.result.outcome if found.delivery and not stopped else "stopped")
    runner.summarise(_summary(found))
    return failed


def _summary(found: Found) -> str:
    """Format the job's summary: it is as public as the repository, and holds nothing that the comment will not hold."""
    lines = [f"The run stopped before its end: {shown(found.stopped, 600)}"] if found.stopped else []
    if found.delivery is None:
        return "\n".join([*lines, "There is no patch."])
    result = found.delivery.result
    lines += [f"**{result.outcome}**: {shown(result.summary)}", ""]
    lines += [f"- verified: {shown(line)}" for line in result.verified]
    lines += [f"- not verified: {shown(line)}" for line in result.unverified]
    return "\n".join([*lines, "", fenced(result.patch, "diff")] if result.patch else lines)
