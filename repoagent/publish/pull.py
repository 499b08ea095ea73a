"""Publish a delivery: check it, push it to a branch of its own, and open or update a draft pull request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from repoagent.domain import Patch
from repoagent.errors import UserError
from repoagent.github.api import Api
from repoagent.github.failures import Refused
from repoagent.github.replies import Issue, Pull
from repoagent.policy import PATH, Policy, judge, parse
from repoagent.publish import existing
from repoagent.publish.body import body_of, message_of, title_of
from repoagent.publish.delivery import Delivery
from repoagent.publish.remote import PREFIX, Made, Remote, remote


@dataclass(frozen=True)
class Published:
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
class _Place:
    """Where the delivery goes."""

    api: Api
    token: str
    base: str
    """The branch that the pull request is against."""
    policy: Policy


def publish(delivery: Delivery, api: Api, token: str, *, anyway: bool = False) -> Published:
    """Publish a delivery; with `anyway` also where somebody else's pull request for the issue is open.

    Raises UserError, Refused and EnvironmentFailed where GitHub or git refuse.
    """
    facts = api.facts()
    policy = parse(api.file(PATH, facts.default_branch))
    place = _Place(api, token, delivery.branch or facts.default_branch, policy)
    if reasons := _against(delivery, policy, archived=facts.archived):
        return Published("refused", reasons=reasons)
    own = _own_pull(place, delivery.number)
    others = existing.pulls_about(api, delivery.number, own.number if own else 0)
    closing = [pull for pull in others if existing.closes(pull, delivery.number)]
    if closing and not own and not anyway:
        return Published("exists", closing[0].html_url, closing[0].number)
    return _push(delivery, place, others)


def _against(delivery: Delivery, policy: Policy, *, archived: bool) -> tuple[str, ...]:
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


def _push(delivery: Delivery, place: _Place, others: Sequence[Issue]) -> Published:
    with remote(place.api.repository, place.token) as there:
        there.fetch(delivery.base)
        made = there.commit(delivery.base, Patch(delivery.patch, ()), message_of(delivery))
        judgement = judge(made.changes, place.policy)
        if judgement.refusals:
            return Published("refused", reasons=judgement.refusals, flags=judgement.flags)
        branch = _pushed(there, made, place, delivery.number)
    return _opened(delivery, place, branch, judgement.flags, others)


# --- the branch -------------------------------------------------------------------------------------------------------

_TRIES = 20


def _pushed(there: Remote, made: Made, place: _Place, number: int) -> str:
    """Push the commit, and return the branch: our own of this issue if nobody else changed it, else a new one."""
    for branch in _names(number):
        if branch == place.base or _is_protected(place.api, branch):
            continue
        tip = there.tip(branch)
        if not tip or there.is_ours(tip):
            there.push(made.commit, branch, tip)
            return branch
    raise UserError(f"there are {_TRIES} branches {PREFIX}issue-{number}… with commits of others: remove some")


def _names(number: int) -> list[str]:
    first = f"{PREFIX}issue-{number}"
    return [first, *(f"{first}-{more}" for more in range(2, _TRIES + 1))]


def _is_protected(api: Api, name: str) -> bool:
    found = api.branch(name)
    return found is not None and found.protected


# --- the pull request -------------------------------------------------------------------------------------------------


def _own_pull(place: _Place, number: int) -> Pull | None:
    """Find the open pull request from our branch of this issue."""
    return next(iter(place.api.pulls(f"{PREFIX}issue-{number}")), None)


def _opened(delivery: Delivery, place: _Place, branch: str, flags: Sequence[str], others: Sequence[Issue]) -> Published:
    api = place.api
    issue = Issue(title=delivery.issue.title, number=delivery.number)
    alike = existing.duplicates(api, issue)
    remote_url = api.repository.url
    body = body_of(delivery, branch=branch, remote=remote_url, flags=flags, others=others, duplicates=alike)
    title = title_of(delivery)
    if own := next(iter(api.pulls(branch)), None):
        pull = api.update_pull(own.number, title=title, body=body)
        return Published("updated", pull.html_url, pull.number, branch, flags=tuple(flags))
    try:
        pull = api.create_pull(title=title, body=body, head=branch, base=place.base)
    except Refused as error:
        return Published(
            "pushed", _compare(api, place.base, branch), 0, branch, (str(error), _hint(error)), tuple(flags)
        )
    return Published("opened", pull.html_url, pull.number, branch, flags=tuple(flags))


def _compare(api: Api, base: str, branch: str) -> str:
    return f"{api.repository.url}/compare/{quote(base, safe='')}...{quote(branch, safe='')}?expand=1"


def _hint(error: Refused) -> str:
    if error.status == 403:
        return (
            "Allow it under Settings, Actions, General, `Allow GitHub Actions to create and approve pull requests` "
            "(an organisation has the same switch), or use a GitHub App's token."
        )
    return "Open it by hand with the link above."
