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

from repoagent.app.prior_usage import PriorUsage
from repoagent.app.request import RunRequest
from repoagent.domain import load
from repoagent.session import Session
from repoagent.trace import Trace
from repoagent.workspace import SourceRepository, Workspace

if TYPE_CHECKING:
    from repoagent.audit import AuditLog
    from repoagent.config import Settings
    from repoagent.graph.services import RunChoices, Services
    from repoagent.index.build import Index
    from repoagent.llm.budget import Budget
    from repoagent.sandbox.base import Engine, SandboxLimits
    from repoagent.testbed.build_plan import CommitInfo


@contextmanager
def open_services(session: Session, request: RunRequest, trace: Trace, spent: PriorUsage) -> Iterator[Services]:
    """Open all parts of a run; they are closed at the end of the `with` block."""
    from repoagent.audit import AuditedEngine, AuditedModel
    from repoagent.graph.services import Services
    from repoagent.llm import open_model
    from repoagent.llm.budget import BudgetedModel
    from repoagent.sandbox.pool import SandboxPool

    started = time.monotonic()
    budget = _make_budget(request.settings, spent, trace)
    log = open_audit_log(session)
    found = AuditedEngine(choose_engine(request), log)
    found.prepare(lambda line: trace.emit("sandbox.progress", line=line))
    workspace = Workspace.open(session.path / "workspace")
    with (
        SandboxPool(found, idle=request.settings.parallel) as pool,
        open_model(request.settings.model, progress=_make_pull_progress(trace)) as model,
    ):
        profile = model.profile.id
        trace.emit(
            "model.ready", name=model.name, context=model.get_context_size(), profile=profile, sandbox=found.name
        )
        yield Services(
            model=BudgetedModel(AuditedModel(model, log), budget, trace),
            engine=pool,
            workspace=workspace,
            index=_make_indexer(workspace.root),
            session=session,
            trace=trace,
            budget=budget,
            elapsed=lambda: spent.seconds + time.monotonic() - started,
            options=_make_options(request),
            limits=_make_limits(request.settings),
            origin=describe_origin(load_source(session)),
        )


def choose_engine(request: RunRequest) -> Engine:
    """Choose the sandbox engine of a request. Raises EnvironmentFailed where none works."""
    from repoagent.sandbox import choose_engine

    return choose_engine(None if request.settings.sandbox == "auto" else request.settings.sandbox)


def open_audit_log(session: Session) -> AuditLog:
    """Open the session's audit log; it leaves out every secret of this process's environment."""
    from repoagent.audit import AUDIT_FILE, AuditLog
    from repoagent.redaction import list_own_secrets

    return AuditLog(session.path / AUDIT_FILE, list_own_secrets(os.environ))


def load_source(session: Session) -> SourceRepository:
    """Load the repository that the session works on."""
    return load(SourceRepository, session.read("source.json"))


def describe_origin(source: SourceRepository) -> CommitInfo:
    """Describe the commit that a build depends on; without a valid date, packages of today are used."""
    from repoagent.testbed.build_plan import CommitInfo

    try:
        return CommitInfo(source.description, datetime.fromisoformat(source.committed))
    except ValueError:
        return CommitInfo(source.description)


def _make_budget(settings: Settings, spent: PriorUsage, trace: Trace) -> Budget:
    from repoagent.llm.budget import Budget

    left = settings.max_minutes * 60 - spent.seconds
    trace.emit("budget.set", tokens=settings.max_tokens, seconds=round(left), used=spent.usage.tokens)
    return Budget(max_tokens=settings.max_tokens, deadline=time.monotonic() + left, spent=spent.usage)


def _make_options(request: RunRequest) -> RunChoices:
    from repoagent.graph.services import RunChoices
    from repoagent.testbed.build_plan import UserOverrides

    settings = request.settings
    return RunChoices(
        samples=settings.samples,
        named=UserOverrides(request.test_command or "", request.image),
        ask=request.ask,
        seed=settings.seed,
        build_timeout=settings.build_minutes * 60,
        test_timeout=settings.test_seconds,
        mutation_seconds=settings.mutation_seconds,
        parallel=settings.parallel,
    )


def _make_limits(settings: Settings) -> SandboxLimits:
    from repoagent.sandbox.base import SandboxLimits

    return SandboxLimits(memory_mib=settings.memory_mib, cpus=settings.cpus, pids=settings.pids)


def _make_indexer(root: Path) -> Callable[[], Index]:
    """Return a function that builds the index of the workspace at its first call."""

    @cache
    def build_index() -> Index:
        from repoagent.index.build import Index
        from repoagent.index.layers import WORDS
        from repoagent.index.store import locate_cache

        return Index.build(root, locate_cache(), layers=(WORDS.kind,))

    return build_index


def _make_pull_progress(trace: Trace) -> Callable[[int, int], None]:
    """Return a callback that reports a download to the trace, once for each percent."""
    reported = -1

    def report_progress(done: int, total: int) -> None:
        nonlocal reported
        percent = done * 100 // max(total, 1)
        if percent != reported:
            reported = percent
            trace.emit("model.pulling", done=done, total=total)

    return report_progress
