"""Solve one issue: from a request to a result, with a session that outlives the process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from repoagent.app.graph_run import ApprovalCallback, ReviewPause, run_graph
from repoagent.app.parts import choose_engine, load_source, open_audit_log, open_services
from repoagent.app.prior_usage import PriorUsage
from repoagent.app.request import RunRequest
from repoagent.audit import record_result
from repoagent.domain import Issue, Patch, Result, dump, load
from repoagent.session import Session
from repoagent.trace import Listener, Trace, read_events
from repoagent.workspace import Workspace, resolve_source

__all__ = [
    "ApprovalCallback",
    "PreparedIssue",
    "PriorUsage",
    "ReviewPause",
    "begin_session",
    "change_model",
    "deliver_patch",
    "load_request",
    "load_source",
    "raise_limits",
    "read_patch",
    "run_graph",
    "run_session",
]


@dataclass(frozen=True)
class PreparedIssue:
    """An issue that was read before, by a process with more rights than this one."""

    issue: Issue
    notices: Sequence[str] = ()


def begin_session(
    request: RunRequest, token: str | None, state_root: Path | None = None, given: PreparedIssue | None = None
) -> Session:
    """Read the issue, unless it is given, find the repository, and open a session that holds all a run needs."""
    from repoagent.issue import find_clone_url
    from repoagent.llm.opening import check_model_spec
    from repoagent.places import locate_cache_root

    check_model_spec(request.settings.model)
    known = given or _prepare_issue(request.issue, token)
    issue = known.issue
    named = None if request.repo else find_clone_url(request.issue)
    source = resolve_source(request.repo, request.base, named, locate_cache_root() / "repositories")
    choose_engine(request)  # say now, and not after minutes, that no sandbox can be made
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


def _prepare_issue(source: str, token: str | None) -> PreparedIssue:
    from repoagent.issue import read_issue

    notices: list[str] = []
    issue = read_issue(source, token=token, notice=notices.append)
    return PreparedIssue(issue, notices)


def load_request(session: Session) -> RunRequest:
    """Load the request that the session was created for."""
    return load(RunRequest, session.read("request.json"))


def change_model(session: Session, model: str) -> None:
    """Change the model of a session, for example after its server is gone. Raises UserError for an unknown model."""
    from repoagent.llm.opening import check_model_spec

    check_model_spec(model)
    request = load_request(session)
    settings = request.settings.model_copy(update={"model": model})
    session.write("request.json", dump(replace(request, settings=settings)))


def raise_limits(session: Session, minutes: float, tokens: int) -> None:
    """Allow a stopped run so many minutes and tokens beyond what it has used."""
    spent = PriorUsage.from_events(read_events(session.path / "events.jsonl"))
    more = {"max_minutes": spent.seconds / 60 + minutes, "max_tokens": spent.usage.tokens + tokens}
    request = load_request(session)
    session.write("request.json", dump(replace(request, settings=request.settings.model_copy(update=more))))


def run_session(session: Session, listeners: tuple[Listener, ...], approve: ApprovalCallback, *, ask: bool) -> Result:
    """Run a session to its end from its last step; `ask` tells whether a person is there to answer.

    Returns the result that was written as the session's report.
    """
    with session.lock():
        request = load_request(session)
        request = replace(request, ask=request.ask and ask)
        spent = PriorUsage.from_events(read_events(session.path / "events.jsonl"))
        trace = Trace(session.path / "events.jsonl", listeners)
        trace.emit("run.started", session=session.id, path=str(session.path))
        try:
            with open_services(session, request, trace, spent) as parts:
                run_graph(parts, approve)
        finally:
            trace.emit("run.ended")
        result = load(Result, session.read("report.json"))
        record_result(open_audit_log(session), result.outcome, result.patch)
    return result


def read_patch(session: Session) -> str:
    """Read the best patch so far; empty where there is none."""
    return session.read("patch.diff") if session.has_artefact("patch.diff") else ""


def deliver_patch(session: Session, result: Result, apply: bool, branch: str | None) -> list[str]:
    """Apply a result's patch to the work tree, commit it on a new branch, or both; returns a line for each step."""
    from repoagent.workspace import delivery

    with_test = load_request(session).with_test
    source, patch = load_source(session), Patch(result.patch + (result.test_patch if with_test else ""), ())
    done = []
    if with_test:
        done.append("With its regression test." if result.test_patch else "There is no regression test to go with it.")
    if branch:
        issue = load(Issue, session.read("issue.json"))
        message = (
            f"{issue.title}\n\n{result.summary}\n\nRepoagent-Session: {session.id}\nRepoagent-Model: {result.model}\n"
        )
        commit = delivery.create_branch(source, branch, patch, message)
        done.append(f"The patch is commit {commit[:10]} on the new branch {branch}.")
    if apply:
        delivery.apply_patch(source, patch)
        done.append(f"The patch is applied to {source.path}.")
    return done
