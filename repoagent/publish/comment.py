"""The one comment under an issue that says how the work on it stands; it is found again and changed in place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from repoagent.domain import Result
from repoagent.github.api import Api
from repoagent.github.failures import Refused
from repoagent.github.replies import Comment
from repoagent.publish.body import rendered
from repoagent.publish.pull import Published

State = Literal[
    "working", "opened", "updated", "pushed", "exists", "refused", "unverified", "budget", "none", "stopped"
]


@dataclass(frozen=True)
class Progress:
    """How the work on an issue stands."""

    state: State
    number: int
    run: int
    """The id of the workflow's run."""
    run_url: str
    actor: str = ""
    minutes: str = ""
    notices: tuple[str, ...] = ()
    result: Result | None = None
    published: Published = field(default_factory=lambda: Published("refused"))
    stopped: str = ""
    """Why the run ended before its end."""
    patch: str = ""
    """The patch to show; empty where a pull request shows it."""
    resumable: bool = False
    budget: str = ""
    more: int = 60
    """Minutes that are suggested for another try."""


def text_of(progress: Progress) -> str:
    """Render the comment as Markdown."""
    values = {name: getattr(progress, name) for name in Progress.__dataclass_fields__}
    return rendered("comment.md.j2", marker=_marker(progress.number, progress.run), **values)


def say(api: Api, progress: Progress, known: int = 0) -> Comment:
    """Change the comment with the id `known`, or the one that an earlier run left, or write a new one."""
    text = text_of(progress)
    before = known or getattr(find(api, progress.number), "id", 0)
    if before:
        try:
            return api.update_comment(before, text)
        except Refused as error:
            if error.status not in {403, 404}:  # deleted, or another bot's
                raise
    return api.create_comment(progress.number, text)


def find(api: Api, number: int) -> Comment | None:
    """Find the comment of an earlier run: by a bot, and beginning with our mark, which others can only quote."""
    ours = (each for each in api.comments(number) if each.by_bot and _MARK.match(each.body or ""))
    return next((each for each in ours if _MARK.match(each.body or "")["number"] == str(number)), None)  # type: ignore[index]


def run_of(comment: Comment) -> int:
    """Read the id of the workflow's run that wrote a comment of ours last; 0 for other comments."""
    found = _MARK.match(comment.body or "")
    return int(found["run"]) if found else 0


_MARK = re.compile(r"<!-- repoagent issue=(?P<number>\d{1,12}) run=(?P<run>\d{1,18}) -->")


def _marker(number: int, run: int) -> str:
    return f"<!-- repoagent issue={number} run={run} -->"
