"""Look at what is known, and decide what comes next: more work, with what, or the choice."""

from __future__ import annotations

from dataclasses import replace

from langgraph.runtime import Runtime

from repoagent.domain import Candidate, CompletedWork, WorkItem
from repoagent.evidence.baseline import describe_failure_today
from repoagent.generators import GENERATORS, GeneratorContext
from repoagent.generators.from_issue import find_issue_proposals
from repoagent.graph.services import Services
from repoagent.graph.state import State
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


def gather(state: State, runtime: Runtime[Services]) -> Update:
    """Wait for all generators, and say how many different candidates wait for their tests."""
    waiting = sum(c.verdict is None for c in state.candidates.values())
    runtime.context.trace.emit("round.drafted", round=state.iteration, waiting=waiting, known=len(state.candidates))
    done = tuple(CompletedWork(item.key, _find_drawn(item, state)) for item in state.work)
    return {"history": (*state.history, *done), "work": ()}


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


def _find_drawn(item: WorkItem, state: State) -> tuple[str, ...]:
    """The candidates that a piece of work drew."""
    drawn = (c for c in state.candidates.values() if any(origin.work == item.key for origin in c.origins))
    return tuple(candidate.id for candidate in drawn)
