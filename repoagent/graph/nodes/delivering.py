"""Make the chosen patch as small as its evidence allows, test it a last time, and hand it over."""

from __future__ import annotations

from dataclasses import replace

from langgraph.runtime import Runtime

from repoagent.domain import dump
from repoagent.evidence.baseline import measure_whole
from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.evaluate import estimate_seconds, evaluate
from repoagent.evidence.verdict import Baseline
from repoagent.graph.record import record_candidate
from repoagent.graph.report import write_result
from repoagent.graph.services import Services
from repoagent.graph.state import State
from repoagent.graph.update import Update
from repoagent.ranking import find_best, is_verified, merge_candidates
from repoagent.ranking.reduction import Reducer

_NOT_AGAIN = "The time was over before the patch could be tested a last time, from scratch; its first test stands."


def minimise(state: State, runtime: Runtime[Services]) -> Update:
    """Leave out every change that the evidence does not need."""
    services = runtime.context
    chosen = state.chosen
    if chosen is None or state.evaluation is None or not is_verified(chosen.verdict, state.strength):
        return {}
    runs = services.search_options.reductions
    reduced = Reducer(state.evaluation, services.workbench, state.candidates, runs).reduce(chosen)
    if reduced.id == chosen.id:
        return {}
    record_candidate(reduced, services)
    services.trace.emit("minimised", before=chosen.patch.changed_lines, after=reduced.patch.changed_lines)
    candidates = merge_candidates(state.candidates, {reduced.id: reduced})  # others may have drawn just this one
    return {"chosen": candidates[reduced.id], "candidates": {reduced.id: reduced}}


def review(state: State, runtime: Runtime[Services]) -> Update:
    """Run the reproduction and, where affordable, all tests on the chosen patch, once more and from scratch.

    Where the time is over, what was found out before stands.
    """
    services = runtime.context
    chosen = state.chosen
    if chosen is None or state.evaluation is None:
        return {}
    if chosen.verdict and not _has_time_for(state.evaluation.baseline, services):
        return {"reviewed": (*state.reviewed, chosen.id), "notes": (_NOT_AGAIN,), "wide": None}
    whole = state.whole if state.reviewed else _measure_whole(state, services)
    context = _choose_context(state.evaluation, state.wide, whole, services)
    edits = services.workspace.parse_edits(chosen.patch)
    least = estimate_seconds(context.baseline)
    verdict, report = evaluate(edits, context, services.workbench, least=least)
    reviewed = replace(chosen, verdict=verdict)
    record_candidate(reviewed, services, report)
    services.trace.emit(
        "reviewed", id=chosen.id, oracle=verdict.oracle, passed=verdict.passed, broken=list(verdict.broken[:5])
    )
    update: Update = {
        "chosen": reviewed,
        "candidates": {reviewed.id: reviewed},
        "reviewed": (*state.reviewed, chosen.id),
    }
    if state.wide is None or context.tests != state.wide.tests:
        update |= {"wide": None}
    return {**update, "whole": whole} if whole else update


def is_still_best(state: State, reviews: int) -> bool:
    """Whether the reviewed patch is still the best there is, or `reviews` of them were tested a last time; if not,
    another is chosen and reviewed in its turn."""
    leader = find_best(state.candidates.values(), state.strength)
    if leader is None or state.chosen is None or state.evaluation is None:
        return True
    return leader.id == state.chosen.id or len(state.reviewed) >= reviews


def deliver(state: State, runtime: Runtime[Services]) -> Update:
    """Write the patch and the report."""
    services = runtime.context
    outcome = write_result(state, services)
    services.session.write("patch.diff", outcome.patch)
    services.session.write("report.json", dump(outcome))
    services.trace.emit("delivered", outcome=outcome.outcome, confidence=outcome.confidence)
    return {}


def _measure_whole(state: State, services: Services) -> EvaluationContext | None:
    """By all tests of the project, where they can be afforded."""
    if state.whole or state.evaluation is None or not state.evaluation.tests:
        return state.whole
    found = measure_whole(state.evaluation, state.wide or state.evaluation, services.workbench)
    return replace(state.evaluation, tests=(), baseline=found) if found else None


def _choose_context(
    evaluation: EvaluationContext,
    wide: EvaluationContext | None,
    whole: EvaluationContext | None,
    services: Services,
) -> EvaluationContext:
    """By all tests where they are affordable, else by all near ones, else by those that judge each candidate."""
    more = whole or (wide if wide and _has_time_for(wide.baseline, services) else None)
    if more is None:
        return evaluation
    held = evaluation.baseline.passing_examples
    return replace(evaluation, tests=more.tests, baseline=replace(more.baseline, passing_examples=held))


def _has_time_for(baseline: Baseline, services: Services) -> bool:
    left = services.budget.seconds_left
    return left is None or left > estimate_seconds(baseline)
