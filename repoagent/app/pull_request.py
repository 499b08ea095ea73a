"""Turn a session into what can be published: its delivery and its issue on GitHub."""

from __future__ import annotations

from repoagent import __version__
from repoagent.app.parts import source_of
from repoagent.app.request import Request
from repoagent.app.solve import request_of
from repoagent.audit import FILE, verify
from repoagent.config import Settings
from repoagent.domain import Issue, Oracle, Result, Strength, load
from repoagent.errors import UserError
from repoagent.issue.sources.reference import IssueReference, parse_reference
from repoagent.publish.delivery import Delivery
from repoagent.session import Session


def delivery_of(session: Session, number: int, branch: str = "", result: Result | None = None) -> Delivery:
    """Collect what is published of a session for issue `number`; `result` stands in for a missing report.

    Raises UserError where there is neither.
    """
    if result is None and not session.exists("report.json"):
        raise UserError(f"the session {session.id} has no result yet: continue it with `repoagent resume {session.id}`")
    return Delivery(
        number=number,
        issue=load(Issue, session.read("issue.json")),
        result=result or load(Result, session.read("report.json")),
        oracle=load(Oracle, session.read("oracle.json")) if session.exists("oracle.json") else Oracle(Strength.NONE),
        base=source_of(session).base,
        branch=branch,
        version=__version__,
        audit=verify(session.path / FILE)[0],
        budget=budget_of(request_of(session).settings),
    )


def budget_of(settings: Settings) -> str:
    """Describe the limits of a run in words."""
    return f"{settings.max_minutes:g} min, {settings.max_tokens:,} tokens"


def issue_of(session: Session, given: str | None) -> IssueReference:
    """Find the issue on GitHub that a session is about. Raises UserError where there is none and none is given."""
    request: Request = request_of(session)
    issue = load(Issue, session.read("issue.json"))
    for name in filter(None, (given, issue.url, request.issue)):
        if reference := parse_reference(name):
            return reference
    raise UserError("the session's issue is not on GitHub: name the one it is about, `--issue owner/name#7`")
