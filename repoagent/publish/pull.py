"""Publish a delivery: check it, push it to a branch of its own, and open or update a draft pull request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from repoagent.domain import Patch
from repoagent.errors import UserError
from repoagent.github.api import Api
from repoagent.github.failures import GitHubRefused
from repoagent.github.replies import GitHubIssue, Pull
from repoagent.policy import POLICY_PATH, Policy, judge_changes, parse_policy
from repoagent.publish import existing
from repoagent.publish.body import format_commit_message, format_title, render_body
from repoagent.publish.delivery import Delivery
from repoagent.publish.remote import BRANCH_PREFIX, NewCommit, Remote, open_remote


@dataclass(frozen=True)
class PublishResult:
    """The result of publishing a delivery."""

    kind: Literal["opened", "updated", "pushed", "refused", "exists"]
    """`pushed`: the branch is there, and GitHub did not let a pull request be opened. `refused`: by the policy.
    `exists`: somebody else's pull request is there already."""
    url: str = ""
    """Of the pull request; for `pushed` of the page that opens one."""
    number: int = 0
    branch: str = ""
    reasons: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class _PublishTarget:
    """Where the delivery goes."""

    api: Api
    token: str
    base: str
    """The branch that the pull request is against."""
    policy: Policy


def publish(delivery: Delivery, api: Api, token: str, *, anyway: bool = False) -> PublishResult:
    """Publish a delivery; with `anyway` also where somebody else's pull request for the issue is open.

    Raises UserError, GitHubRefused and EnvironmentFailed where GitHub or git refuse.
    """
    facts = api.get_repository()
    policy = parse_policy(api.read_file(POLICY_PATH, facts.default_branch))
    place = _PublishTarget(api, token, delivery.branch or facts.default_branch, policy)
    if reasons := _list_objections(delivery, policy, archived=facts.archived):
        return PublishResult("refused", reasons=reasons)
    own = _find_own_pull(place, delivery.number)
    others = existing.find_pulls_about(api, delivery.number, own.number if own else 0)
    closing = [pull for pull in others if existing.is_closing(pull, delivery.number)]
    if closing and not own and not anyway:
        return PublishResult("exists", closing[0].html_url, closing[0].number)
    return _push_delivery(delivery, place, others)


def _list_objections(delivery: Delivery, policy: Policy, *, archived: bool) -> tuple[str, ...]:
    """List what keeps the delivery from being published, whatever its patch changes."""
    holds = {
        "verified": delivery.is_verified,
        "reproduced": delivery.oracle.strength in {"strong", "crash"},
        "tests": delivery.result.passed > 0 and not delivery.result.broken,
    }
    reasons = [
        f"The policy wants patches to be `{check}`, and this one is not." for check in policy.checks if not holds[check]
    ]
    if not delivery.result.patch.strip():
        reasons.append("There is no patch.")
    if not policy.pull_requests:
        reasons.append("The policy does not allow pull requests.")
    if archived:
        reasons.append("The repository is archived.")
    return tuple(reasons)


def _push_delivery(delivery: Delivery, place: _PublishTarget, others: Sequence[GitHubIssue]) -> PublishResult:
    with open_remote(place.api.repository, place.token) as there:
        there.fetch(delivery.base)
        made = there.commit(delivery.base, Patch(delivery.patch, ()), format_commit_message(delivery))
        judgement = judge_changes(made.changes, place.policy)
        if judgement.refusals:
            return PublishResult("refused", reasons=judgement.refusals, flags=judgement.flags)
        branch = _push_branch(there, made, place, delivery.number)
    return _open_pull(delivery, place, branch, judgement.flags, others)


# --- the branch -------------------------------------------------------------------------------------------------------

_MAX_BRANCHES = 20


def _push_branch(there: Remote, made: NewCommit, place: _PublishTarget, number: int) -> str:
    """Push the commit, and return the branch: our own of this issue if nobody else changed it, else a new one."""
    for branch in _list_branch_names(number):
        if branch == place.base or _is_protected(place.api, branch):
            continue
        tip = there.find_tip(branch)
        if not tip or there.is_ours(tip):
            there.push(made.commit, branch, tip)
            return branch
    raise UserError(
        f"there are {_MAX_BRANCHES} branches {BRANCH_PREFIX}issue-{number}… with commits of others: remove some"
    )


def _list_branch_names(number: int) -> list[str]:
    first = f"{BRANCH_PREFIX}issue-{number}"
    return [first, *(f"{first}-{more}" for more in range(2, _MAX_BRANCHES + 1))]


def _is_protected(api: Api, name: str) -> bool:
    found = api.find_branch(name)
    return found is not None and found.protected


# --- the pull request -------------------------------------------------------------------------------------------------


def _find_own_pull(place: _PublishTarget, number: int) -> Pull | None:
    """Find the open pull request from our branch of this issue."""
    return next(iter(place.api.list_pulls(f"{BRANCH_PREFIX}issue-{number}")), None)


def _open_pull(
    delivery: Delivery, place: _PublishTarget, branch: str, flags: Sequence[str], others: Sequence[GitHubIssue]
) -> PublishResult:
    api = place.api
    issue = GitHubIssue(title=delivery.issue.title, number=delivery.number)
    alike = existing.find_duplicates(api, issue)
    remote_url = api.repository.url
    body = render_body(delivery, branch=branch, remote=remote_url, flags=flags, others=others, duplicates=alike)
    title = format_title(delivery)
    if own := next(iter(api.list_pulls(branch)), None):
        pull = api.update_pull(own.number, title=title, body=body)
        return PublishResult("updated", pull.html_url, pull.number, branch, flags=tuple(flags))
    try:
        pull = api.create_pull(title=title, body=body, head=branch, base=place.base)
    except GitHubRefused as error:
        return PublishResult(
            "pushed",
            _format_compare_url(api, place.base, branch),
            0,
            branch,
            (str(error), _suggest_fix(error)),
            tuple(flags),
        )
    return PublishResult("opened", pull.html_url, pull.number, branch, flags=tuple(flags))


def _format_compare_url(api: Api, base: str, branch: str) -> str:
    return f"{api.repository.url}/compare/{quote(base, safe='')}...{quote(branch, safe='')}?expand=1"


def _suggest_fix(error: GitHubRefused) -> str:
    if error.status == 403:
        return (
            "Allow it under Settings, Actions, General, `Allow GitHub Actions to create and approve pull requests` "
            "(an organisation has the same switch), or use a GitHub App's token."
        )
    return "Open it by hand with the link above."
