"""Read an event of GitHub, and whether it asks for a run: a label, a comment, or a button."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import ValidationError

from repoagent.errors import UserError
from repoagent.github.replies import GitHubComment, GitHubIssue, GitHubReply, Label, User

TriggerKind = Literal["label", "comment", "button"]


@dataclass(frozen=True)
class Trigger:
    """One event that may ask for a run."""

    kind: TriggerKind
    number: int
    actor: User
    moment: str
    """When it was asked for, as GitHub writes times; text written later is ignored."""
    issue: GitHubIssue | None = None
    """As it was at that moment; None for a button."""
    label: str = ""
    comment: int = 0
    """The comment that asked, 0 for none."""
    command: CommentCommand | None = None


@dataclass(frozen=True)
class CommentCommand:
    """What a comment asks for."""

    resume: bool = False
    minutes: int = 0
    """0 where the comment names none; so for `tokens`."""
    tokens: int = 0


class _Inputs(GitHubReply):
    issue: str = ""
    minutes: str = ""


class _Payload(GitHubReply):
    action: str = ""
    issue: GitHubIssue | None = None
    label: Label | None = None
    comment: GitHubComment | None = None
    inputs: _Inputs | None = None
    sender: User = User()


def read_trigger(name: str, payload: Any) -> Trigger | None:
    """Read the trigger in an event; None for an event that asks for nothing. Raises UserError for malformed events."""
    try:
        event = _Payload.model_validate(payload)
    except ValidationError as error:
        raise UserError(f"the event is not as GitHub sends it: {error.errors()[0]['msg']}") from error
    if name == "issues" and event.action == "labeled" and event.issue and event.label:
        moment = event.issue.updated_at or _format_now()
        return Trigger("label", event.issue.number, event.sender, moment, event.issue, label=event.label.name or "")
    if name == "issue_comment" and event.action == "created" and event.issue and event.comment:
        return _read_comment(event.issue, event.comment, event.sender)
    if name == "workflow_dispatch" and event.inputs:
        return _read_button(event.inputs, event.sender)
    return None


def parse_command(text: str) -> CommentCommand | None:
    """Parse `/repoagent`, `/repoagent resume`, `/repoagent minutes=40` alone on the first line of a comment."""
    first = text.strip().split("\n", 1)[0].strip()
    found = re.fullmatch(r"/repoagent(?P<resume>\s+resume)?(?P<options>(?:\s+(?:minutes|tokens)=\d{1,9})*)", first)
    if not found:
        return None
    options = dict(option.split("=") for option in found["options"].split())
    return CommentCommand(bool(found["resume"]), int(options.get("minutes", 0)), int(options.get("tokens", 0)))


def _read_comment(issue: GitHubIssue, comment: GitHubComment, sender: User) -> Trigger | None:
    command = parse_command(comment.body or "")
    if command is None:
        return None
    moment = comment.created_at or _format_now()
    return Trigger("comment", issue.number, sender, moment, issue, comment=comment.id, command=command)


def _read_button(inputs: _Inputs, sender: User) -> Trigger:
    found = re.fullmatch(r"\s*(?:#|https://\S+/issues/)?(\d{1,10})\s*", inputs.issue)
    if not found:
        raise UserError(f"the input `issue` is {inputs.issue[:80]!r}: give the number of an issue of this repository")
    minutes = int(inputs.minutes) if re.fullmatch(r"[0-9]{1,6}", inputs.minutes) else 0
    return Trigger("button", int(found[1]), sender, _format_now(), command=CommentCommand(minutes=minutes))


def _format_now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
