"""The third job: check the result, and bring it to GitHub. It has the right to write, so it runs no model and no code
of the repository, and believes nothing that the second job says about issue, base or place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

from repoagent.action import files
from repoagent.action.files import Found
from repoagent.action.runner import Runner
from repoagent.audit import chain, is_reported
from repoagent.domain import Issue
from repoagent.errors import RepoagentError, UserError
from repoagent.github.api import Api
from repoagent.policy import PATH, parse
from repoagent.publish import Delivery, Published, publish
from repoagent.publish.comment import Progress, State, say, text_of

_ENDED = {
    "cancelled": "The job was cancelled, or ran into its time limit.",
    "failure": "The job failed; its log says where.",
    "skipped": "The job was not started.",
}


def publish_found(runner: Runner) -> int:
    """Publish what the second job left, and write the comment; return the exit code."""
    api = runner.api
    found = _found(runner)
    published, stopped = _published(runner, api, found)
    progress = _progress(runner, found, published, stopped)
    runner.output(
        outcome=progress.state,
        pull_request_url=published.url if published else "",
        pull_request_number=published.number or "" if published else "",
        branch=published.branch if published else "",
    )
    runner.summarise(text_of(progress))
    if parse(api.file(PATH, api.facts().default_branch)).comments:
        say(api, progress, runner.number("comment"))
    return 0


def _found(runner: Runner) -> Found:
    """Read what the second job left; without a result it says why there is none."""
    try:
        found = files.read(runner.folder, files.RESULT, Found)
    except UserError as error:
        return Found(None, str(error))
    if found is None:
        return Found(None, _ENDED.get(runner.given("agent-result"), "The job left no result; its log says why."))
    return found


def _published(runner: Runner, api: Api, found: Found) -> tuple[Published | None, str]:
    """Publish a verified patch; return the result, or None and why the run counts as stopped."""
    if found.delivery is None or not found.delivery.is_verified:
        return None, found.stopped
    if doubt := _doubt(runner, found.delivery):
        return None, f"A patch was called verified, and is not published, as {doubt}."
    try:
        return publish(_trusted(runner, api, found.delivery), api, runner.token), ""
    except RepoagentError as error:
        return None, f"A verified patch was found, and could not be published: {error}"


def _doubt(runner: Runner, delivery: Delivery) -> str:
    """Explain what contradicts the job that ran the tests; empty where report, patch and log agree.

    Nothing is run again here, so a job that lies in all three is believed: the pull request says whose word it is.
    """
    try:
        log = chain(files.log_text(runner.folder), "its log")
    except UserError as error:
        return str(error)
    result = delivery.result
    if log.head != delivery.audit:
        return "its log does not end with the hash that its report names"
    if not is_reported(log, result.outcome, result.patch):
        return "its log tells of another result than its report does"
    if not log.kinds.get("command.run"):
        return "its log tells of no command that was run"
    if result.broken or not result.verified:
        return "its report names nothing that was verified, or tests that it breaks"
    return ""


def _trusted(runner: Runner, api: Api, delivery: Delivery) -> Delivery:
    """Replace number, issue, base and branch of the delivery by what the first job and GitHub say."""
    number = runner.number("number")
    issue = api.issue(number)
    given = Issue(issue.title, issue.body or "", url=issue.html_url)
    return replace(delivery, number=number, issue=given, base=runner.given("base"), branch="", witness="job")


@dataclass(frozen=True)
class _End:
    state: State
    shows_patch: bool


def _progress(runner: Runner, found: Found, published: Published | None, stopped: str) -> Progress:
    result = found.delivery.result if found.delivery else None
    end = _end(found, published, stopped)
    minutes = runner.number("minutes", 30)
    return Progress(
        state=end.state,
        number=runner.number("number"),
        run=runner.run,
        run_url=runner.run_url,
        result=result,
        published=published or Published("refused"),
        stopped=stopped,
        patch=result.patch if result and end.shows_patch else "",
        resumable=end.state == "stopped",
        budget=found.delivery.budget if found.delivery else "",
        more=2 * minutes,
    )


def _end(found: Found, published: Published | None, stopped: str) -> _End:
    if published is not None:
        return _End(published.kind, published.kind in {"refused", "exists"})
    if stopped or found.delivery is None:
        return _End("stopped", shows_patch=True)
    outcome = found.delivery.result.outcome
    return _End(outcome if outcome in get_args(State) else "stopped", shows_patch=True)  # type: ignore[arg-type]
