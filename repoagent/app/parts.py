"""Build the parts of a run from its request: engine, model, budget, index, and what the nodes are told of the
settings."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from repoagent.app.request import Request
from repoagent.app.spent import Spent
from repoagent.domain import load
from repoagent.session import Session
from repoagent.trace import Trace
from repoagent.workspace import Source, Workspace

if TYPE_CHECKING:
    from repoagent.audit import AuditLog
    from repoagent.config import Settings
    from repoagent.graph.services import RunChoices, Services
    from repoagent.index.build import Index
    from repoagent.llm.budget import Budget
    from repoagent.sandbox.base import Engine, Limits
    from repoagent.testbed.ways import Origin


@contextmanager
def services(session: Session, request: Request, trace: Trace, spent: Spent) -> Iterator[Services]:
    """All parts, alive for as long as the `with` block lasts."""
    from repoagent.audit import AuditedEngine, AuditedModel
    from repoagent.graph.services import Services
    from repoagent.llm import open_model
    from repoagent.llm.budget import BudgetedModel
    from repoagent.sandbox.pool import Pool

    started = time.monotonic()
    budget = _budget(request.settings, spent, trace)
    log = audit_of(session)
    found = AuditedEngine(engine(request), log)
    found.prepare(lambda line: trace.emit("sandbox.progress", line=line))
    workspace = Workspace.open(session.path / "workspace")
    with (
        Pool(found, idle=request.settings.parallel) as pool,
        open_model(request.settings.model, progress=_pull_progress(trace)) as model,
    ):
        profile = model.profile.id
        trace.emit("model.ready", name=model.name, context=model.context(), profile=profile, sandbox=found.name)
        yield Services(
            model=BudgetedModel(AuditedModel(model, log), budget, trace),
            engine=pool,
            workspace=workspace,
            index=_indexer(workspace.root),
            session=session,
            trace=trace,
            budget=budget,
            elapsed=lambda: spent.seconds + time.monotonic() - started,
            options=_options(request),
            limits=_limits(request.settings),
            origin=origin_of(source_of(session)),
        )


def engine(request: Request) -> Engine:
    """What makes the sandboxes; raises EnvironmentFailed where none can be made."""
    from repoagent.sandbox import choose

    return choose(None if request.settings.sandbox == "auto" else request.settings.sandbox)


def audit_of(session: Session) -> AuditLog:
    """The session's log, without any secret of this process's environment in it."""
    from repoagent.audit import FILE, AuditLog
    from repoagent.redaction import own_secrets

    return AuditLog(session.path / FILE, own_secrets(os.environ))


def source_of(session: Session) -> Source:
    """The repository the session works on."""
    return load(Source, session.read("source.json"))


def origin_of(source: Source) -> Origin:
    """What a build depends on beside the files; a date that is none counts as today."""
    from repoagent.testbed.ways import Origin

    try:
        return Origin(source.description, datetime.fromisoformat(source.committed))
    except ValueError:
        return Origin(source.description)


def _budget(settings: Settings, spent: Spent, trace: Trace) -> Budget:
    from repoagent.llm.budget import Budget

    left = settings.max_minutes * 60 - spent.seconds
    trace.emit("budget.set", tokens=settings.max_tokens, seconds=round(left), used=spent.usage.tokens)
    return Budget(max_tokens=settings.max_tokens, deadline=time.monotonic() + left, spent=spent.usage)


def _options(request: Request) -> RunChoices:
    from repoagent.graph.services import RunChoices
    from repoagent.testbed.ways import Named

    settings = request.settings
    return RunChoices(
        samples=settings.samples,
        named=Named(request.test_command or "", request.image),
        ask=request.ask,
        seed=settings.seed,
        build_timeout=settings.build_minutes * 60,
        test_timeout=settings.test_seconds,
        mutation_seconds=settings.mutation_seconds,
        parallel=settings.parallel,
    )


def _limits(settings: Settings) -> Limits:
    from repoagent.sandbox.base import Limits

    return Limits(memory_mib=settings.memory_mib, cpus=settings.cpus, pids=settings.pids)


def _indexer(root: Path) -> Callable[[], Index]:
    """The index of the workspace, built when it is first asked for."""

    @cache
    def build() -> Index:
        from repoagent.index.build import Index
        from repoagent.index.layers import WORDS
        from repoagent.index.store import default_cache

        return Index.build(root, default_cache(), layers=(WORDS.kind,))

    return build


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
