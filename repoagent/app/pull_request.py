"""Turn a session into what can be published: its delivery and its issue on GitHub."""

from __future__ import annotations

from repoagent import __version__
from repoagent.app.parts import load_source
from repoagent.app.request import RunRequest
from repoagent.app.solve import load_request
from repoagent.audit import AUDIT_FILE, verify_file
from repoagent.config import Settings
from repoagent.domain import Issue, Oracle, Result, Strength, load
from repoagent.errors import UserError
from repoagent.issue.sources.reference import IssueReference, parse_reference
from repoagent.publish.delivery import Delivery
from repoagent.session import Session


def make_delivery(session: Session, number: int, branch: str = "", result: Result | None = None) -> Delivery:
    """Collect what is published of a session for issue `number`; `result` stands in for a missing report.

    Raises UserError where there is neither.
    """
    if result is None and not session.has_artefact("report.json"):
        raise UserError(f"the session {session.id} has no result yet: continue it with `repoagent resume {session.id}`")
    return Delivery(
        number=number,
        issue=load(Issue, session.read("issue.json")),
        result=result or load(Result, session.read("report.json")),
        oracle=load(Oracle, session.read("oracle.json"))
        if session.has_artefact("oracle.json")
        else Oracle(Strength.NONE),
        base=load_source(session).base,
        branch=branch,
        version=__version__,
        audit=verify_file(session.path / AUDIT_FILE)[0],
        budget=describe_budget(load_request(session).settings),
    )


def describe_budget(settings: Settings) -> str:
    """Describe the limits of a run in words."""
    return f"{settings.max_minutes:g} min, {settings.max_tokens:,} tokens"


def find_issue_reference(session: Session, given: str | None) -> IssueReference:
    """Find the issue on GitHub that a session is about. Raises UserError where there is none and none is given."""
    request: RunRequest = load_request(session)
    issue = load(Issue, session.read("issue.json"))
    for name in filter(None, (given, issue.url, request.issue)):
        if reference := parse_reference(name):
            return reference
    raise UserError("the session's issue is not on GitHub: name the one it is about, `--issue owner/name#7`")
