"""Make the chosen patch as small as its evidence allows, test it a last time, and hand it over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from langgraph.runtime import Runtime

from repoagent.domain import Candidate, Edit, Verdict, dump
from repoagent.errors import BudgetExceeded
from repoagent.graph.examine import Examination, attach, in_fresh_sandbox
from repoagent.graph.result import result
from repoagent.graph.services import Services
from repoagent.graph.state import State
from repoagent.graph.update import Update
from repoagent.judging import best, candidate_key, merged, problems, smaller, verified

_ATTEMPTS = 8
"""Runs spent on making one patch smaller."""


def minimise(state: State, runtime: Runtime[Services]) -> Update:
    """Leave out every change that the evidence does not need."""
    services = runtime.context
    chosen = state.chosen
    if chosen is None or state.environment is None or not verified(chosen.verdict, state.strength):
        return {}
    reduced = _Reduction(state, services).of(chosen)
    if reduced.id == chosen.id:
        return {}
    services.trace.emit("minimised", before=chosen.patch.changed_lines, after=reduced.patch.changed_lines)
    candidates = merged(state.candidates, {reduced.id: reduced})  # others may have drawn just this one
    return {"chosen": candidates[reduced.id], "candidates": {reduced.id: reduced}}


def review(state: State, runtime: Runtime[Services]) -> Update:
    """Run the reproduction and, where affordable, all tests on the chosen patch, once more and from scratch."""
    services = runtime.context
    chosen = state.chosen
    if chosen is None or state.environment is None:
        return {}
    whole = state.before_all is not None
    examination = replace(
        _examination(state, services), before=state.before_all or state.before, tests=() if whole else state.test_files
    )
    edits = services.workspace.edits(chosen.patch)
    verdict, report = in_fresh_sandbox(services, state.environment, edits, examination)
    reviewed = replace(chosen, verdict=verdict)
    services.trace.emit(
        "reviewed", id=chosen.id, oracle=verdict.oracle, passed=verdict.passed, broken=list(verdict.broken[:5])
    )
    update: Update = {"chosen": reviewed, "candidates": {reviewed.id: reviewed}}
    return {**update, "final": report} if report else update


def stands(state: State) -> bool:
    """Whether the reviewed patch is still the best there is; if not, another is chosen."""
    leader = best(state.candidates.values(), state.strength)
    return leader is None or state.chosen is None or leader.id == state.chosen.id


def deliver(state: State, runtime: Runtime[Services]) -> Update:
    """Write the patch and the report."""
    services = runtime.context
    outcome = result(state, services)
    services.session.write("patch.diff", outcome.patch)
    services.session.write("report.json", dump(outcome))
    services.trace.emit("delivered", outcome=outcome.outcome, confidence=outcome.confidence)
    return {}


class _Reduction:
    """One-minimal reduction of a verified candidate."""

    def __init__(self, state: State, services: Services) -> None:
        self._state = state
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
        if problems(edits):
            return None
        verdict = self._verdict(edits)
        kept = verdict and verified(verdict, self._state.strength)
        if verdict is None or not kept or not _as_good(verdict, candidate.verdict or Verdict()):
            return None
        patch = self._services.workspace.diff(edits)
        return replace(candidate, id=candidate_key(edits), patch=patch, verdict=verdict, parent=candidate.id)

    def _verdict(self, edits: Sequence[Edit]) -> Verdict | None:
        self._left -= 1
        try:
            self._services.budget.check()
        except BudgetExceeded:
            return None
        environment = self._state.environment
        if environment is None:
            return None
        return in_fresh_sandbox(self._services, environment, edits, _examination(self._state, self._services))[0]


def _as_good(verdict: Verdict, other: Verdict) -> bool:
    return verdict.oracle == other.oracle and set(verdict.fixed) >= set(other.fixed) and verdict.passed >= other.passed


def _examination(state: State, services: Services) -> Examination:
    if state.environment is None:
        raise ValueError("nothing can be examined without an environment")
    return Examination(
        attach(services, state.environment),
        state.oracle,
        state.before,
        state.test_files,
        state.seconds,
        services.options.test_timeout,
    )
