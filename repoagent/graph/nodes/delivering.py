"""Make the chosen patch as small as its evidence allows, test it a last time, and hand it over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from langgraph.runtime import Runtime

from repoagent.domain import Candidate, Edit, Verdict, dump
from repoagent.errors import BudgetExceeded
from repoagent.graph.agreeing import observe_candidates
from repoagent.graph.examine import CandidateEvaluator, make_evaluator, run_fresh, seconds_needed
from repoagent.graph.nodes.evidence import whole_suite
from repoagent.graph.record import record_candidate
from repoagent.graph.report import MINIMISED, write_result
from repoagent.graph.services import Services
from repoagent.graph.state import State, ground_of
from repoagent.graph.update import Update
from repoagent.ranking import Baseline, find_best, candidate_key, merge_candidates, problems, smaller, is_verified
from repoagent.sandbox.base import Environment

_ATTEMPTS = 8
"""Runs spent on making one patch smaller."""
_REVIEWS = 4
"""Candidates that get a last run; where all of them fail there, the last one is delivered with what is known of it."""
_NOT_AGAIN = "The time was over before the patch could be tested a last time, from scratch; its first test stands."


def minimise(state: State, runtime: Runtime[Services]) -> Update:
    """Leave out every change that the evidence does not need."""
    services = runtime.context
    chosen = state.chosen
    if chosen is None or state.environment is None or not is_verified(chosen.verdict, state.strength):
        return {}
    reduced = _Reduction(state, services, state.environment).of(chosen)
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
    if chosen is None or state.environment is None:
        return {}
    if chosen.verdict and not _has_time_for(state.before, services):
        return {"reviewed": (*state.reviewed, chosen.id), "notes": (_NOT_AGAIN,), "wide_files": ()}
    whole = state.before_all if state.reviewed else whole_suite(state, services)
    examine = _last_examination(state, whole, services, state.environment)
    edits = services.workspace.edits(chosen.patch)
    verdict, report = run_fresh(services, state.environment, edits, examine)
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
    judged_by_few: Update = {} if examine.tests == state.wide_files else {"wide_files": ()}
    return {**update, **judged_by_few, **({"before_all": whole} if whole else {})}


def stands(state: State) -> bool:
    """Whether the reviewed patch is still the best there is; if not, another is chosen and reviewed in its turn."""
    leader = find_best(state.candidates.values(), state.strength)
    if leader is None or state.chosen is None or state.environment is None:
        return True
    return leader.id == state.chosen.id or len(state.reviewed) >= _REVIEWS


def _has_time_for(before: Baseline, services: Services) -> bool:
    left = services.budget.seconds_left
    return left is None or left > seconds_needed(before)


def _last_examination(
    state: State, whole: Baseline | None, services: Services, environment: Environment
) -> CandidateEvaluator:
    """By all tests where they are affordable, else by all near ones."""
    examine = make_evaluator(state, services, environment)
    before, tests = (whole, ()) if whole else (state.before_wide, state.wide_files)
    if before is None or not (whole or (tests and _has_time_for(before, services))):
        return examine
    timeout = services.within(services.options.test_timeout, least=seconds_needed(before))
    return replace(examine, before=replace(before, passing_examples=state.before.passing_examples), tests=tests, timeout=timeout)


def deliver(state: State, runtime: Runtime[Services]) -> Update:
    """Write the patch and the report."""
    services = runtime.context
    outcome = write_result(state, services)
    services.session.write("patch.diff", outcome.patch)
    services.session.write("report.json", dump(outcome))
    services.trace.emit("delivered", outcome=outcome.outcome, confidence=outcome.confidence)
    return {}


class _Reduction:
    """One-minimal reduction of a verified candidate."""

    def __init__(self, state: State, services: Services, environment: Environment) -> None:
        self._state = state
        self._environment = environment
        self._services = services
        self._left = _ATTEMPTS

    def of(self, candidate: Candidate) -> Candidate:
        """`candidate`, or the smallest found that keeps its evidence."""
        for edits in smaller(self._services.workspace.edits(candidate.patch)):
            if self._left <= 0:
                break
            if (reduced := self._holds(candidate, edits)) is not None:
                return self.of(reduced)
        return candidate

    def _holds(self, candidate: Candidate, edits: Sequence[Edit]) -> Candidate | None:
        known = self._state.candidates.get(candidate_key(edits))
        if problems(edits) or (known and known.verdict and not is_verified(known.verdict, self._state.strength)):
            return None
        verdict = self._verdict(edits)
        kept = verdict and is_verified(verdict, self._state.strength)
        if verdict is None or not kept or not _as_good(verdict, candidate.verdict or Verdict()):
            return None
        if not self._behaves_as(candidate, edits):
            return None
        patch = self._services.workspace.diff(edits)
        made = replace(candidate, id=candidate_key(edits), patch=patch, verdict=verdict, parent=candidate.id)
        return replace(made, generator=MINIMISED)

    def _behaves_as(self, candidate: Candidate, edits: Sequence[Edit]) -> bool:
        """Whether both do the same where they can be compared: evidence is a few examples, and a change that it does
        not need may still be needed."""
        ground = ground_of(self._state)
        whole = self._services.workspace.edits(candidate.patch)
        if ground is None:
            return True
        one, other = observe_candidates([whole, edits], candidate.target, ground, self._services)
        return one == other or not one

    def _verdict(self, edits: Sequence[Edit]) -> Verdict | None:
        self._left -= 1
        try:
            self._services.budget.check()
        except BudgetExceeded:
            return None
        examine = make_evaluator(self._state, self._services, self._environment)
        return run_fresh(self._services, self._environment, edits, examine)[0]


def _as_good(verdict: Verdict, other: Verdict) -> bool:
    return verdict.oracle == other.oracle and set(verdict.fixed) >= set(other.fixed) and verdict.passed >= other.passed
