"""Solve one issue: from a request to a result, with a session that outlives the process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from repoagent.app.driving import Approve, Pause, drive
from repoagent.app.parts import audit_of, engine, services, source_of
from repoagent.app.request import Request
from repoagent.app.spent import Spent
from repoagent.audit import report
from repoagent.domain import Issue, Patch, Result, dump, load
from repoagent.session import Session
from repoagent.trace import Listener, Trace, read
from repoagent.workspace import Workspace, resolve

__all__ = [
    "Approve",
    "Given",
    "Pause",
    "Spent",
    "allow",
    "begin",
    "deliver",
    "drive",
    "patch_of",
    "request_of",
    "run",
    "source_of",
    "use_model",
]


@dataclass(frozen=True)
class Given:
    """An issue that was read before, by a process with more rights than this one."""

    issue: Issue
    notices: Sequence[str] = ()


def begin(request: Request, token: str | None, state_root: Path | None = None, given: Given | None = None) -> Session:
    """Read the issue, unless it is given, find the repository, and open a session that holds all a run needs."""
    from repoagent.issue import find_clone_url
    from repoagent.llm.opening import check
    from repoagent.places import cache_root

    check(request.settings.model)
    known = given or _read(request.issue, token)
    issue = known.issue
    named = None if request.repo else find_clone_url(request.issue)
    source = resolve(request.repo, request.base, named, cache_root() / "repositories")
    engine(request)  # say now, and not after minutes, that no sandbox can be made
    out = Path(request.out) if request.out else None
    session = Session.create(
        state_root, out, title=issue.title, source=source.url or str(source.path), model=request.settings.model
    )
    session.write("request.json", dump(request))
    session.write("source.json", dump(source))
    session.write("issue.json", dump(issue))
    session.write("notices.txt", "\n".join(known.notices))
    Workspace.create(source, session.path / "workspace")
    return session


def _read(source: str, token: str | None) -> Given:
    from repoagent.issue import read_issue

    notices: list[str] = []
    issue = read_issue(source, token=token, notice=notices.append)
    return Given(issue, notices)


def request_of(session: Session) -> Request:
    """Load the request that the session was created for."""
    return load(Request, session.read("request.json"))


def use_model(session: Session, model: str) -> None:
    """Change the model of a session, for example after its server is gone. Raises UserError for an unknown model."""
    from repoagent.llm.opening import check

    check(model)
    request = request_of(session)
    settings = request.settings.model_copy(update={"model": model})
    session.write("request.json", dump(replace(request, settings=settings)))


def allow(session: Session, minutes: float, tokens: int) -> None:
    """Allow a stopped run so many minutes and tokens beyond what it has used."""
    spent = Spent.of(read(session.path / "events.jsonl"))
    more = {"max_minutes": spent.seconds / 60 + minutes, "max_tokens": spent.usage.tokens + tokens}
    request = request_of(session)
    session.write("request.json", dump(replace(request, settings=request.settings.model_copy(update=more))))


def run(session: Session, listeners: tuple[Listener, ...], approve: Approve, *, ask: bool) -> Result:
    """Run a session to its end from its last step; `ask` tells whether a person is there to answer.

    Returns the result that was written as the session's report.
    """
    with session.lock():
        request = request_of(session)
        request = replace(request, ask=request.ask and ask)
        spent = Spent.of(read(session.path / "events.jsonl"))
        trace = Trace(session.path / "events.jsonl", listeners)
        trace.emit("run.started", session=session.id, path=str(session.path))
        try:
            with services(session, request, trace, spent) as parts:
                drive(parts, approve)
        finally:
            trace.emit("run.ended")
        result = load(Result, session.read("report.json"))
        report(audit_of(session), result.outcome, result.patch)
    return result


def patch_of(session: Session) -> str:
    """Read the best patch so far; empty where there is none."""
    return session.read("patch.diff") if session.exists("patch.diff") else ""


def deliver(session: Session, result: Result, apply: bool, branch: str | None) -> list[str]:
    """Apply a result's patch to the work tree, commit it on a new branch, or both; returns a line for each step."""
    from repoagent.workspace import delivery

    with_test = request_of(session).with_test
    source, patch = source_of(session), Patch(result.patch + (result.test_patch if with_test else ""), ())
    done = []
    if with_test:
        done.append("With its regression test." if result.test_patch else "There is no regression test to go with it.")
    if branch:
        issue = load(Issue, session.read("issue.json"))
        message = (
            f"{issue.title}\n\n{result.summary}\n\nRepoagent-Session: {session.id}\nRepoagent-Model: {result.model}\n"
        )
        commit = delivery.branch(source, branch, patch, message)
        done.append(f"The patch is commit {commit[:10]} on the new branch {branch}.")
    if apply:
        delivery.apply(source, patch)
        done.append(f"The patch is applied to {source.path}.")
    return done
