"""Draft candidates, and test them: both fan out, so that a crash loses one piece of work and no more."""

from __future__ import annotations

import zlib
from dataclasses import replace

from langgraph.runtime import Runtime

from repoagent.domain import Candidate, Origin, Verdict, WorkItem
from repoagent.evidence.evaluate import QUICK_SECONDS, evaluate
from repoagent.evidence.gate import compute_candidate_key, find_problems
from repoagent.generators import Draft, GeneratorContext, Proposals, find_generator
from repoagent.graph.record import record_candidate
from repoagent.graph.services import Services
from repoagent.graph.state import DraftOrder, TestOrder
from repoagent.graph.update import Update


def draft(order: DraftOrder, runtime: Runtime[Services]) -> Update:
    """Let one generator work on one function; what passes the gate becomes a candidate."""
    services = runtime.context
    proposed = find_generator(order.item.generator).propose(order.item, _make_context(order, services))
    candidates: dict[str, Candidate] = {}
    for number, made in enumerate(proposed.drafts):
        candidate = _make_candidate(order.item, made, number, services)
        known = candidates.get(candidate.id, candidate)
        origins = tuple(dict.fromkeys((*known.origins, *candidate.origins)))
        candidates[candidate.id] = replace(known, origins=origins)
    _report_drafted(order.item, proposed, candidates, services)
    return {"candidates": candidates}


def validate(order: TestOrder, runtime: Runtime[Services]) -> Update:
    """Make the candidate's edits in a fresh sandbox, and see what the reproduction and the tests say."""
    services = runtime.context
    services.budget.check()
    edits = services.workspace.parse_edits(order.candidate.patch)
    quick = 0.0 if order.is_proven else QUICK_SECONDS
    verdict, report = evaluate(edits, order.evaluation, services.workbench, quick=quick)
    judged = replace(order.candidate, verdict=verdict)
    record_candidate(judged, services, report)
    return {"candidates": {judged.id: judged}}


def _make_context(order: DraftOrder, services: Services) -> GeneratorContext:
    seed = zlib.crc32(f"{services.options.seed}/{order.iteration}/{_name_work(order.item)}".encode()) & 0x7FFFFFFF
    return GeneratorContext(
        issue=order.issue,
        spec=order.spec,
        model=services.model,
        index=services.index(),
        workbench=services.workbench,
        evaluation=order.evaluation,
        observed_failure=order.observed_failure,
        suspects=order.suspects,
        options=services.search_options,
        seed=seed,
        mutation_seconds=services.options.mutation_seconds,
    )


def _name_work(item: WorkItem) -> str:
    parents = f"/{'+'.join(item.parents)}" if item.parents else ""
    return f"{item.generator}/{item.target.path}::{item.target.symbol}{parents}"


def _make_candidate(item: WorkItem, made: Draft, number: int, services: Services) -> Candidate:
    gate = find_problems(made.edits)
    return Candidate(
        id=compute_candidate_key(made.edits),
        generator=item.generator,
        target=item.target,
        patch=services.workspace.make_patch(made.edits),
        origins=(Origin(item.generator, number, item.key),),
        answer=made.answer,
        parents=item.parents,
        verdict=Verdict(gate=gate, failure="\n".join(gate)) if gate else None,
        pattern_prior=made.pattern_prior,
    )


def _report_drafted(item: WorkItem, proposed: Proposals, candidates: dict[str, Candidate], services: Services) -> None:
    for candidate in candidates.values():
        if not services.session.has_artefact(
            f"candidates/{candidate.id}.json"
        ):  # else it was drawn, and judged, before
            record_candidate(candidate, services)
    services.trace.emit(
        "drafted",
        generator=item.generator,
        target=str(item.target),
        candidates=len(candidates),
        refused=list(proposed.refused),
    )
