"""The one comment under an issue that says how the work on it stands; it is found again and changed in place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from repoagent.domain import Result
from repoagent.github.api import Api
from repoagent.github.failures import GitHubRefused
from repoagent.github.replies import GitHubComment
from repoagent.publish.body import render_template
from repoagent.publish.pull import PublishResult

CommentState = Literal[
    "working", "opened", "updated", "pushed", "exists", "refused", "unverified", "budget", "none", "stopped"
]


@dataclass(frozen=True)
class IssueProgress:
    """How the work on an issue stands."""

    state: CommentState
    number: int
    run: int
    """The id of the workflow's run."""
    run_url: str
    actor: str = ""
    minutes: str = ""
    notices: tuple[str, ...] = ()
    result: Result | None = None
    published: PublishResult = field(default_factory=lambda: PublishResult("refused"))
    stopped: str = ""
    """Why the run ended before its end."""
    patch: str = ""
    """The patch to show; empty where a pull request shows it."""
    resumable: bool = False
    budget: str = ""
    more: int = 60
    """Minutes that are suggested for another try."""


def render_comment(progress: IssueProgress) -> str:
    """Render the comment as Markdown."""
    values = {name: getattr(progress, name) for name in IssueProgress.__dataclass_fields__}
    return render_template("comment.md.j2", marker=_format_marker(progress.number, progress.run), **values)


def write_comment(api: Api, progress: IssueProgress, known: int = 0) -> GitHubComment:
    """Change the comment with the id `known`, or the one that an earlier run left, or write a new one."""
    text = render_comment(progress)
    before = known or getattr(find_comment(api, progress.number), "id", 0)
    if before:
        try:
            return api.update_comment(before, text)
        except GitHubRefused as error:
            if error.status not in {403, 404}:  # deleted, or another bot's
                raise
    return api.create_comment(progress.number, text)


def find_comment(api: Api, number: int) -> GitHubComment | None:
    """Find the comment of an earlier run: by a bot, and beginning with our mark, which others can only quote."""
    ours = (each for each in api.list_comments(number) if each.is_by_bot and _MARK.match(each.body or ""))
    return next((each for each in ours if _MARK.match(each.body or "")["number"] == str(number)), None)  # type: ignore[index]


def read_run_id(comment: GitHubComment) -> int:
    """Read the id of the workflow's run that wrote a comment of ours last; 0 for other comments."""
    found = _MARK.match(comment.body or "")
    return int(found["run"]) if found else 0


_MARK = re.compile(r"<!-- repoagent issue=(?P<number>\d{1,12}) run=(?P<run>\d{1,18}) -->")


def _format_marker(number: int, run: int) -> str:
    return f"<!-- repoagent issue={number} run={run} -->"
