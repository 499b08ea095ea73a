"""Issues from GitHub: the issue and what people wrote under it, as it was written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from repoagent.domain import Comment, Issue
from repoagent.errors import UserError
from repoagent.github import replies
from repoagent.github.api import Api
from repoagent.intake.reference import Reference

COMMENTS = 100
"""How many comments are read, the oldest first."""

TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR"})
"""Associations of people whose work the repository has taken before."""


@dataclass(frozen=True)
class Frozen:
    """Which of the comments count, where the issue is read for somebody who asked at a certain moment."""

    moment: str
    """ISO 8601, in UTC as GitHub writes it. What was written or edited later is not read: it was not there to be
    seen by whoever asked."""
    members_only: bool = True
    """Whether comments count only of the issue's author and of people in `TRUSTED`."""


def fetch(
    reference: Reference, api: Api, notice: Callable[[str], None] = lambda _: None, frozen: Frozen | None = None
) -> Issue:
    """The issue with its comments, bots' left out; as it was written, nothing removed.

    Raises UserError where it is missing, private, deleted or a pull request; EnvironmentFailed where GitHub cannot
    answer.
    """
    issue = api.issue(reference.number)
    if issue.pull_request is not None:
        raise UserError(
            f"{reference.owner}/{reference.name}#{reference.number} is a pull request: give the issue it is about"
        )
    comments = tuple(comments_of(api, reference.number, issue.user, notice, frozen)) if issue.comments else ()
    return as_issue(issue, comments, _address(reference, issue.html_url))


def as_issue(issue: replies.Issue, comments: tuple[Comment, ...], url: str) -> Issue:
    """What GitHub says of an issue, as the rest of the program knows issues."""
    author = issue.user.login if issue.user else ""
    return Issue(issue.title, issue.body or "", comments, url, author, issue.author_association)


def comments_of(
    api: Api, number: int, reporter: replies.User | None, notice: Callable[[str], None], frozen: Frozen | None
) -> Iterator[Comment]:
    """What people wrote, as far as `COMMENTS`."""
    left_out = _LeftOut()
    people = left_out.sift(api.comments(number), reporter.login if reporter else "", frozen)
    for _, comment in zip(range(COMMENTS), people, strict=False):
        yield Comment(comment.user.login if comment.user else "ghost", comment.body or "", comment.author_association)
    for sentence in left_out.told():
        notice(sentence)


class _LeftOut:
    """Sifts comments, and counts what it leaves out."""

    def __init__(self) -> None:
        self._bots = self._later = self._strangers = 0

    def sift(
        self, comments: Iterable[replies.Comment], reporter: str, frozen: Frozen | None
    ) -> Iterator[replies.Comment]:
        for comment in comments:
            if comment.by_bot:
                self._bots += 1
            elif frozen and max(comment.created_at, comment.updated_at) > frozen.moment:
                self._later += 1
            elif frozen and frozen.members_only and not _is_trusted(comment, reporter):
                self._strangers += 1
            elif (comment.body or "").strip():
                yield comment

    def told(self) -> list[str]:
        """What was left out, one sentence each."""
        counted = (
            (self._bots, "of bots"),
            (self._later, "written or edited after the run was asked for"),
            (self._strangers, "of people who have not contributed before"),
        )
        return [f"{count} comments {kind} were not read" for count, kind in counted if count]


def _is_trusted(comment: replies.Comment, reporter: str) -> bool:
    author = comment.user.login if comment.user else ""
    return comment.author_association in TRUSTED or (author != "" and author == reporter)


def _address(reference: Reference, html_url: str) -> str:
    """Where a person finds the issue: after a transfer not where it was asked for."""
    return html_url if html_url.startswith(f"{reference.repository.server}/") else reference.url
