"""Fetch issues from GitHub: the issue and what people wrote under it, as it was written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from repoagent.domain import Comment, Issue
from repoagent.errors import UserError
from repoagent.github import replies
from repoagent.github.api import Api
from repoagent.issue.sources.reference import IssueReference

MAX_COMMENTS = 100
"""That are read, the oldest first."""

TRUSTED_ASSOCIATIONS = frozenset({"OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR"})
"""Associations of people whose work the repository has taken before."""


@dataclass(frozen=True)
class AskedAt:
    """Which of the comments count, where the issue is read for somebody who asked at a certain moment."""

    moment: str
    """ISO 8601, in UTC as GitHub writes it. What was written or edited later is not read: it was not there to be
    seen by whoever asked."""
    members_only: bool = True
    """Whether comments count only of the issue's author and of people in `TRUSTED_ASSOCIATIONS`."""


def fetch_issue(
    reference: IssueReference, api: Api, notice: Callable[[str], None] = lambda _: None, asked: AskedAt | None = None
) -> Issue:
    """Return the issue with its comments, bots' left out; as it was written, nothing removed.

    Raises UserError where it is missing, private, deleted or a pull request; EnvironmentFailed where GitHub cannot
    answer.
    """
    issue = api.get_issue(reference.number)
    if issue.pull_request is not None:
        raise UserError(
            f"{reference.owner}/{reference.name}#{reference.number} is a pull request: give the issue it is about"
        )
    comments = tuple(fetch_comments(api, reference.number, issue.user, notice, asked)) if issue.comments else ()
    return convert_issue(issue, comments, _choose_url(reference, issue.html_url))


def convert_issue(issue: replies.GitHubIssue, comments: tuple[Comment, ...], url: str) -> Issue:
    """Turn what GitHub says of an issue into what the rest of the program knows as one."""
    author = issue.user.login if issue.user else ""
    return Issue(issue.title, issue.body or "", comments, url, author, issue.author_association)


def fetch_comments(
    api: Api, number: int, reporter: replies.User | None, notice: Callable[[str], None], asked: AskedAt | None
) -> Iterator[Comment]:
    """Yield what people wrote, as far as `MAX_COMMENTS`."""
    sieve = _CommentSieve()
    people = sieve.sift(api.list_comments(number), reporter.login if reporter else "", asked)
    for _, comment in zip(range(MAX_COMMENTS), people, strict=False):
        yield Comment(comment.user.login if comment.user else "ghost", comment.body or "", comment.author_association)
    for sentence in sieve.describe():
        notice(sentence)


class _CommentSieve:
    """Sifts comments and counts what it leaves out."""

    def __init__(self) -> None:
        self._bots = self._later = self._strangers = 0

    def sift(
        self, comments: Iterable[replies.GitHubComment], reporter: str, asked: AskedAt | None
    ) -> Iterator[replies.GitHubComment]:
        for comment in comments:
            if comment.is_by_bot:
                self._bots += 1
            elif asked and max(comment.created_at, comment.updated_at) > asked.moment:
                self._later += 1
            elif asked and asked.members_only and not _is_trusted(comment, reporter):
                self._strangers += 1
            elif (comment.body or "").strip():
                yield comment

    def describe(self) -> list[str]:
        """Say what was left out, one sentence each."""
        counted = (
            (self._bots, "of bots"),
            (self._later, "written or edited after the run was asked for"),
            (self._strangers, "of people who have not contributed before"),
        )
        return [f"{count} comments {kind} were not read" for count, kind in counted if count]


def _is_trusted(comment: replies.GitHubComment, reporter: str) -> bool:
    author = comment.user.login if comment.user else ""
    return comment.author_association in TRUSTED_ASSOCIATIONS or (author != "" and author == reporter)


def _choose_url(reference: IssueReference, html_url: str) -> str:
    """Return where a person finds the issue: after a transfer not where it was asked for."""
    return html_url if html_url.startswith(f"{reference.repository.server}/") else reference.url
