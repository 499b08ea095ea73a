"""Solve one issue: from a request to a result, with a session that outlives the process."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repoagent.app.request import Request
from repoagent.domain import Issue, Patch, Result, Usage, dump, load
from repoagent.session import Session
from repoagent.trace import Event, Listener, Trace, read
from repoagent.workspace import Source, Workspace, resolve

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.sqlite import SqliteSaver

    from repoagent.graph.services import Services
    from repoagent.index.build import Index


@dataclass(frozen=True)
class Pause:
    """Spec and plan are ready to be read and edited."""

    spec: Path
    plan: Path


Approve = Callable[[Pause], None]
"""Called when a run stops for a person; returns when it shall go on."""


def begin(request: Request, token: str | None, state_root: Path | None = None) -> Session:
    """Read the issue, find the repository, and open a session that holds all a run needs."""
    from repoagent.intake import read_issue, repository_of
    from repoagent.places import cache_root
    from repoagent.sandbox import choose

    notices: list[str] = []
    issue = read_issue(request.issue, token=token, notice=notices.append)
    source = resolve(request.repo, request.base, repository_of(request.issue), cache_root() / "repositories")
    choose(_engine_name(request))  # say now, and not after minutes, that no sandbox can be made
    out = Path(request.out) if request.out else None
    session = Session.create(
        state_root, out, title=issue.title, source=source.url or str(source.path), model=request.settings.model
    )
    session.write("request.json", dump(request))
    session.write("source.json", dump(source))
    session.write("issue.json", dump(issue))
    session.write("notices.txt", "\n".join(notices))
    Workspace.create(source, session.path / "workspace")
    return session


def run(session: Session, listeners: tuple[Listener, ...], approve: Approve) -> Result:
    """Take a session to its end, from wherever an earlier process left it."""
    with session.lock():
        request = load(Request, session.read("request.json"))
        trace = Trace(session.path / "events.jsonl", listeners)
        spent = Spent.of(read(session.path / "events.jsonl"))
        trace.emit("run.started", session=session.id, path=str(session.path))
        try:
            with _services(session, request, trace, spent) as services:
                drive(services, approve)
        finally:
            trace.emit("run.ended")
    return load(Result, session.read("report.json"))


def drive(services: Services, approve: Approve) -> None:
    """Take the graph to its end, from the last step that the session's checkpoint holds."""
    from langgraph.types import Command

    from repoagent.graph.wiring import build

    with _checkpointer(services.session.path / "checkpoint.sqlite") as saver:
        graph = build(saver)
        config: RunnableConfig = {
            "configurable": {"thread_id": services.session.id},
            "recursion_limit": 300,
            "max_concurrency": services.options.parallel,
        }
        begun = bool(graph.get_state(config).values)
        step: Any = None if begun else _first(services.session)
        while True:
            answer = graph.invoke(step, config, context=services, durability="sync")
            paused = answer.get("__interrupt__")
            if not paused:
                return
            approve(Pause(Path(paused[0].value["spec"]), Path(paused[0].value["plan"])))
            step = Command(resume=True)


@dataclass(frozen=True)
class Spent:
    """What earlier processes of the same run have used."""

    usage: Usage
    seconds: float

    @staticmethod
    def of(events: Sequence[Event]) -> Spent:
        """Summed from the events, which are on the disk whatever ended the process."""
        usage = sum((_usage(event) for event in events if event.kind == "model.called"), Usage())
        seconds, started = 0.0, 0.0
        for before, event in zip([None, *events], events, strict=False):
            if event.kind == "run.started":
                seconds += (before.at - started) if before and started else 0.0
                started = event.at
        return Spent(usage, seconds + (events[-1].at - started if events and started else 0.0))


def patch_of(session: Session) -> str:
    """The best patch known so far; empty where there is none."""
    return session.read("patch.diff") if session.exists("patch.diff") else ""


def deliver(session: Session, result: Result, apply: bool, branch: str | None) -> list[str]:
    """Put a result's patch where the user wants it; says what was done, one line each."""
    from repoagent.workspace import delivery

    source, patch = source_of(session), Patch(result.patch, ())
    done = []
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


def source_of(session: Session) -> Source:
    """The repository the session works on."""
    return load(Source, session.read("source.json"))


def _usage(event: Event) -> Usage:
    numbers = [event.data.get(name) or 0 for name in ("prompt", "cached", "completion")]
    prompt, cached, completion = (int(n) if isinstance(n, int | float) else 0 for n in numbers)
    return Usage(1, prompt, cached, completion, float(str(event.data.get("seconds") or 0)))


@contextmanager
def _services(session: Session, request: Request, trace: Trace, spent: Spent) -> Iterator[Services]:
    from repoagent.graph.services import Options, Services
    from repoagent.llm import open_model
    from repoagent.llm.budget import Budget, BudgetedModel
    from repoagent.sandbox import choose
    from repoagent.sandbox.base import Limits

    settings = request.settings
    started = time.monotonic()
    deadline = started + settings.max_minutes * 60 - spent.seconds
    budget = Budget(max_tokens=settings.max_tokens, deadline=deadline, spent=spent.usage)
    trace.emit("budget.set", tokens=settings.max_tokens, seconds=round(deadline - started), used=spent.usage.tokens)
    engine = choose(_engine_name(request))
    engine.prepare(lambda line: trace.emit("sandbox.progress", line=line))
    workspace = Workspace.open(session.path / "workspace")
    with open_model(settings.model, progress=_pull_progress(trace)) as model:
        trace.emit(
            "model.ready", name=model.name, context=model.context(), profile=model.profile.id, sandbox=engine.name
        )
        yield Services(
            model=BudgetedModel(model, budget, trace),
            engine=engine,
            workspace=workspace,
            index=_indexer(workspace.root),
            session=session,
            trace=trace,
            budget=budget,
            elapsed=lambda: spent.seconds + time.monotonic() - started,
            options=Options(
                samples=settings.samples,
                test_command=request.test_command,
                ask=request.ask,
                seed=settings.seed,
                build_timeout=settings.build_minutes * 60,
                test_timeout=settings.test_seconds,
                parallel=settings.parallel,
            ),
            limits=Limits(memory_mib=settings.memory_mib, cpus=settings.cpus, pids=settings.pids),
            version=source_of(session).description,
        )


def _indexer(root: Path) -> Callable[[], Index]:
    """The index of the workspace, built when it is first asked for."""

    @cache
    def build() -> Index:
        from repoagent.index.build import Index
        from repoagent.index.store import default_cache

        return Index.build(root, default_cache())

    return build


def _first(session: Session) -> object:
    from repoagent.graph.state import State

    notices = tuple(line for line in session.read("notices.txt").splitlines() if line)
    return State(issue=load(Issue, session.read("issue.json")), notes=notices)


@contextmanager
def _checkpointer(path: Path) -> Iterator[SqliteSaver]:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver

    from repoagent.graph.state import STORED

    serde = JsonPlusSerializer(allowed_msgpack_modules=STORED)
    with closing(sqlite3.connect(path, check_same_thread=False, timeout=30)) as connection:
        yield SqliteSaver(connection, serde=serde)


def _engine_name(request: Request) -> str | None:
    return None if request.settings.sandbox == "auto" else request.settings.sandbox


def _pull_progress(trace: Trace) -> Callable[[int, int], None]:
    """Tells the trace of a download, once for each percent."""
    told = -1

    def progress(done: int, total: int) -> None:
        nonlocal told
        percent = done * 100 // max(total, 1)
        if percent != told:
            told = percent
            trace.emit("model.pulling", done=done, total=total)

    return progress
