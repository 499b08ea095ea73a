"""Draft, test, and decide what comes next. Drafting and testing fan out, so that a crash loses one piece of work and no
more."""

from __future__ import annotations

import zlib
from dataclasses import replace

from langgraph.runtime import Runtime

from repoagent.domain import Candidate, CompletedWork, Origin, Verdict, WorkItem
from repoagent.evidence.baseline import describe_failure_today
from repoagent.evidence.evaluate import QUICK_SECONDS, evaluate
from repoagent.evidence.gate import compute_candidate_key, find_problems
from repoagent.generators import GENERATORS, Draft, GeneratorContext, Proposals, find_generator
from repoagent.generators.from_issue import find_issue_proposals
from repoagent.graph.record import record_candidate
from repoagent.graph.services import Services
from repoagent.graph.state import DraftOrder, State, TestOrder
from repoagent.graph.update import Update
from repoagent.ranking import find_best, is_verified, merge_candidates
from repoagent.ranking.agreement import measure_agreement
from repoagent.ranking.scores import score_candidates
from repoagent.search import Situation, Stop, decide, next_item
from repoagent.search.plan import find_missing_capabilities, find_planned, select_modules, select_targets


def begin(state: State, runtime: Runtime[Services]) -> Update:
    """The first piece of work on the agenda."""
    first = next_item(_assess_situation(state, runtime.context), runtime.context.search_options)
    return {"work": (first,) if first else ()}


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


def gather(state: State, runtime: Runtime[Services]) -> Update:
    """Wait for all generators, and say how many different candidates wait for their tests."""
    waiting = sum(c.verdict is None for c in state.candidates.values())
    runtime.context.trace.emit("round.drafted", round=state.iteration, waiting=waiting, known=len(state.candidates))
    done = tuple(CompletedWork(item.key, _find_drawn(item, state)) for item in state.work)
    return {"history": (*state.history, *done), "work": ()}


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


def diagnose(state: State, runtime: Runtime[Services]) -> Update:
    """Keep the best so far where a crash cannot take it; then ask the policy what comes next."""
    services = runtime.context
    fresh = _compare_candidates(state, services) if state.has_oracle and not state.spent else {}
    candidates = merge_candidates(state.candidates, fresh)
    if leader := find_best(candidates.values(), state.strength):
        services.session.write("patch.diff", leader.patch.text)
    if state.spent:
        return {"work": (), "candidates": fresh}
    decision = decide(_assess_situation(replace(state, candidates=candidates), services), services.search_options)
    if decision.stop and decision.stop is not Stop.EXHAUSTED:
        return {"work": (), "candidates": fresh}
    waiting = "what is verified is to be confirmed" if decision.is_confirming else "nothing verified yet"
    reason = waiting if decision.work else str(Stop.EXHAUSTED)
    services.trace.emit("diagnosed", reason=reason, next=[str(item.key) for item in decision.work])
    return {"work": decision.work, "iteration": state.iteration + 1, "candidates": fresh}


def select(state: State, runtime: Runtime[Services]) -> Update:
    """Choose the candidate that the evidence speaks for; see `repoagent.ranking.order` for the order."""
    fresh = _compare_candidates(state, runtime.context)
    chosen = find_best(merge_candidates(state.candidates, fresh).values(), state.strength)
    runtime.context.trace.emit(
        "selected",
        id=chosen.id if chosen else None,
        agreement=round(chosen.behavioural_agreement, 3) if chosen else 0.0,
        votes=chosen.votes if chosen else 0,
        verified=bool(chosen and is_verified(chosen.verdict, state.strength)),
    )
    return {"chosen": chosen, "candidates": fresh}


def _assess_situation(state: State, services: Services) -> Situation:
    """What the policy decides by."""
    index, profile, options = services.index(), services.model.profile, services.options
    planned = find_planned(state.plan, state.locations, index)
    others = [each for each in select_targets(state.locations, index) if each not in planned]
    counts = {each.name: each.sample_count(services.model) for each in GENERATORS}
    unlimited = {each.name for each in GENERATORS if each.traits.needs_runs}  # no samples of a model
    return Situation(
        planned=tuple(planned),
        others=tuple(others[: profile.functions]),
        modules=tuple(select_modules(state.locations)[: profile.functions]),
        samples={n: c if n in unlimited else min(c, options.samples or c) for n, c in counts.items()},
        missing_capabilities=find_missing_capabilities({each.path for each in (*planned, *others)}),
        retry_on=profile.retry_on,
        strength=state.strength,
        has_oracle=state.has_oracle,
        can_run=state.evaluation is not None,
        has_proposals=bool(find_issue_proposals(state.issue, state.locations)),
        candidates=tuple(state.candidates.values()),
        history=state.history,
    )


def _compare_candidates(state: State, services: Services) -> dict[str, Candidate]:
    """The candidates of which something new is known, without another test: how likely the model finds them, and how
    far they agree."""
    options = services.search_options
    context = GeneratorContext(
        issue=state.issue,
        spec=state.spec,
        model=services.model,
        index=services.index(),
        workbench=services.workbench,
        evaluation=state.evaluation,
        observed_failure=describe_failure_today(state.evaluation, state.issue),
        options=options,
    )
    fresh = score_candidates(state.candidates.values(), context)
    known = merge_candidates(state.candidates, fresh)
    return fresh | measure_agreement(known.values(), state.evaluation, services.workbench, options)


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


def _find_drawn(item: WorkItem, state: State) -> tuple[str, ...]:
    """The candidates that a piece of work drew."""
    drawn = (c for c in state.candidates.values() if any(origin.work == item.key for origin in c.origins))
    return tuple(candidate.id for candidate in drawn)


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
