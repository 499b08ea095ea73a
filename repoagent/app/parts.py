"""Build the parts of a run from its request: engine, model, budget, index and options."""

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
    """Open all parts of a run; they are closed at the end of the `with` block."""
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
    """Choose the sandbox engine of a request. Raises EnvironmentFailed where none works."""
    from repoagent.sandbox import choose

    return choose(None if request.settings.sandbox == "auto" else request.settings.sandbox)


def audit_of(session: Session) -> AuditLog:
    """Open the session's audit log; it leaves out every secret of this process's environment."""
    from repoagent.audit import FILE, AuditLog
    from repoagent.redaction import own_secrets

    return AuditLog(session.path / FILE, own_secrets(os.environ))


def source_of(session: Session) -> Source:
    """Load the repository that the session works on."""
    return load(Source, session.read("source.json"))


def origin_of(source: Source) -> Origin:
    """Describe the commit that a build depends on; without a valid date, packages of today are used."""
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
    """Return a function that builds the index of the workspace at its first call."""

    @cache
    def build_index() -> Index:
        from repoagent.index.build import Index
        from repoagent.index.layers import WORDS
        from repoagent.index.store import default_cache

        return Index.build(root, default_cache(), layers=(WORDS.kind,))

    return build_index


def _pull_progress(trace: Trace) -> Callable[[int, int], None]:
    """Return a callback that reports a download to the trace, once for each percent."""
    reported = -1

    def report_progress(done: int, total: int) -> None:
        nonlocal reported
        percent = done * 100 // max(total, 1)
        if percent != reported:
            reported = percent
            trace.emit("model.pulling", done=done, total=total)

    return report_progress
