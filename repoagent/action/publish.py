"""The third job: check the result, and bring it to GitHub. It has the right to write, so it runs no model and no code
of the repository, and believes nothing that the second job says about issue, base or place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

from repoagent.action import files
from repoagent.action.files import SolveResult
from repoagent.action.runner import ActionRunner
from repoagent.audit import is_reported, parse_chain
from repoagent.domain import Issue
from repoagent.errors import RepoagentError, UserError
from repoagent.github.api import Api
from repoagent.policy import POLICY_PATH, parse_policy
from repoagent.publish import Delivery, PublishResult, publish
from repoagent.publish.comment import CommentState, IssueProgress, render_comment, write_comment

_JOB_ENDINGS = {
    "cancelled": "The job was cancelled, or ran into its time limit.",
    "failure": "The job failed; its log says where.",
    "skipped": "The job was not started.",
}


def publish_result(runner: ActionRunner) -> int:
    """Publish what the second job left, and write the comment; return the exit code."""
    api = runner.api
    found = _read_result(runner)
    published, stopped = _publish_verified(runner, api, found)
    progress = _make_progress(runner, found, published, stopped)
    runner.write_outputs(
        outcome=progress.state,
        pull_request_url=published.url if published else "",
        pull_request_number=published.number or "" if published else "",
        branch=published.branch if published else "",
    )
    runner.add_summary(render_comment(progress))
    if parse_policy(api.read_file(POLICY_PATH, api.get_repository().default_branch)).comments:
        write_comment(api, progress, runner.read_number("comment"))
    return 0


def _read_result(runner: ActionRunner) -> SolveResult:
    """Read what the second job left; without a result it says why there is none."""
    try:
        found = files.read_value(runner.folder, files.RESULT, SolveResult)
    except UserError as error:
        return SolveResult(None, str(error))
    if found is None:
        return SolveResult(
            None, _JOB_ENDINGS.get(runner.read_input("agent-result"), "The job left no result; its log says why.")
        )
    return found


def _publish_verified(runner: ActionRunner, api: Api, found: SolveResult) -> tuple[PublishResult | None, str]:
    """Publish a verified patch; return the result, or None and why the run counts as stopped."""
    if found.delivery is None or not found.delivery.is_verified:
        return None, found.stopped
    if doubt := _find_contradiction(runner, found.delivery):
        return None, f"A patch was called verified, and is not published, as {doubt}."
    try:
        return publish(_replace_untrusted(runner, api, found.delivery), api, runner.token), ""
    except RepoagentError as error:
        return None, f"A verified patch was found, and could not be published: {error}"


def _find_contradiction(runner: ActionRunner, delivery: Delivery) -> str:
    """Explain what contradicts the job that ran the tests; empty where report, patch and log agree.

    Nothing is run again here, so a job that lies in all three is believed: the pull request says whose word it is.
    """
    try:
        log = parse_chain(files.read_log(runner.folder), "its log")
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


def _replace_untrusted(runner: ActionRunner, api: Api, delivery: Delivery) -> Delivery:
    """Replace number, issue, base and branch of the delivery by what the first job and GitHub say."""
    number = runner.read_number("number")
    issue = api.get_issue(number)
    given = Issue(issue.title, issue.body or "", url=issue.html_url)
    return replace(delivery, number=number, issue=given, base=runner.read_input("base"), branch="", witness="job")


@dataclass(frozen=True)
class _RunEnd:
    state: CommentState
    shows_patch: bool


def _make_progress(
    runner: ActionRunner, found: SolveResult, published: PublishResult | None, stopped: str
) -> IssueProgress:
    result = found.delivery.result if found.delivery else None
    end = _decide_end(found, published, stopped)
    minutes = runner.read_number("minutes", 30)
    return IssueProgress(
        state=end.state,
        number=runner.read_number("number"),
        run=runner.run,
        run_url=runner.run_url,
        result=result,
        published=published or PublishResult("refused"),
        stopped=stopped,
        patch=result.patch if result and end.shows_patch else "",
        resumable=end.state == "stopped",
        budget=found.delivery.budget if found.delivery else "",
        more=2 * minutes,
    )


def _decide_end(found: SolveResult, published: PublishResult | None, stopped: str) -> _RunEnd:
    if published is not None:
        return _RunEnd(published.kind, published.kind in {"refused", "exists"})
    if stopped or found.delivery is None:
        return _RunEnd("stopped", shows_patch=True)
    outcome = found.delivery.result.outcome
    return _RunEnd(outcome if outcome in get_args(CommentState) else "stopped", shows_patch=True)  # type: ignore[arg-type]
