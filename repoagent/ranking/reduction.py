"""Make a verified patch as small as its evidence allows: one-minimal delta debugging on its hunks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from repoagent.domain import MINIMISED, Candidate, Edit, Verdict
from repoagent.errors import BudgetExceeded
from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.evaluate import estimate_seconds, evaluate
from repoagent.evidence.gate import compute_candidate_key, find_problems
from repoagent.evidence.workbench import Workbench
from repoagent.ranking.agreement import observe_candidates
from repoagent.ranking.delta_debugging import leave_out_changes
from repoagent.ranking.order import is_verified


class Reducer:
    """Leaves out of a candidate every change that its evidence does not need."""

    def __init__(
        self,
        context: EvaluationContext,
        workbench: Workbench,
        known: Mapping[str, Candidate],
        runs: int,
    ) -> None:
        """`known` are all candidates of the run by id, `runs` the evaluations that may be spent."""
        self._context = context
        self._workbench = workbench
        self._known = known
        self._left = runs

    def reduce(self, candidate: Candidate) -> Candidate:
        """`candidate`, or the smallest found that keeps its evidence."""
        for edits in leave_out_changes(self._workbench.workspace.parse_edits(candidate.patch)):
            if self._left <= 0:
                break
            if (reduced := self._try_smaller(candidate, edits)) is not None:
                return self.reduce(reduced)
        return candidate

    def _try_smaller(self, candidate: Candidate, edits: Sequence[Edit]) -> Candidate | None:
        known = self._known.get(compute_candidate_key(edits))
        if find_problems(edits) or (known and known.verdict and not self._is_verified(known.verdict)):
            return None
        verdict = self._evaluate(edits)
        if verdict is None or not self._is_verified(verdict):
            return None
        if not _is_as_good(verdict, candidate.verdict or Verdict()) or not self._has_same_behaviour(candidate, edits):
            return None
        patch = self._workbench.workspace.make_patch(edits)
        drawn = candidate.parents if candidate.generator == MINIMISED else (candidate.id,)
        made = replace(candidate, id=compute_candidate_key(edits), patch=patch, verdict=verdict, parents=drawn)
        return replace(made, generator=MINIMISED)

    def _is_verified(self, verdict: Verdict) -> bool:
        return is_verified(verdict, self._context.oracle.strength)

    def _has_same_behaviour(self, candidate: Candidate, edits: Sequence[Edit]) -> bool:
        """Whether both do the same where they can be compared: evidence is a few examples, and a change that it does
        not need may still be needed."""
        whole = self._workbench.workspace.parse_edits(candidate.patch)
        one, other = observe_candidates([whole, edits], candidate.target, self._context, self._workbench)
        return one == other or not one

    def _evaluate(self, edits: Sequence[Edit]) -> Verdict | None:
        self._left -= 1
        try:
            self._workbench.check_budget()
        except BudgetExceeded:
            return None
        least = estimate_seconds(self._context.baseline)
        return evaluate(edits, self._context, self._workbench, least=least)[0]


def _is_as_good(verdict: Verdict, other: Verdict) -> bool:
    return verdict.oracle == other.oracle and set(verdict.fixed) >= set(other.fixed) and verdict.passed >= other.passed
