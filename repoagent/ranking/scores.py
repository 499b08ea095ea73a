"""Score the best candidates: do they fit the example too closely, and how likely does the model find them?"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from repoagent.domain import Candidate, CandidateScores, Edit, Oracle, Strength
from repoagent.errors import BudgetExceeded, ModelFailed
from repoagent.evidence.context import EvaluationContext
from repoagent.generators import DraftTask, GeneratorContext
from repoagent.ranking.likelihood import ScoreText, score_change
from repoagent.ranking.order import is_likely_under_model, is_verified, sort_by_evidence
from repoagent.ranking.overfitting import describe_overfitting

_NO_ORACLE = Oracle(Strength.NONE)


def score_candidates(candidates: Collection[Candidate], context: GeneratorContext) -> dict[str, Candidate]:
    """The best candidates that passed what there is, with their scores; those that have some are left out.

    Where one is verified that the model finds far likelier than what stands there, it is not asked about the rest.
    """
    scoring = _Scoring(context, lru_cache(context.model.score))
    passed = scoring.select_passed(candidates)
    deadline = time.monotonic() + context.workbench.limit_seconds(context.options.score_seconds)
    found: dict[str, Candidate] = {}
    for candidate in (each for each in passed if each.scores is None):
        settled = scoring.is_settled((*passed, *found.values()))
        found[candidate.id] = scoring.score(candidate, ask=time.monotonic() < deadline and not settled)
    return found


@dataclass(frozen=True)
class _Scoring:
    context: GeneratorContext
    score_text: ScoreText

    def select_passed(self, candidates: Collection[Candidate]) -> list[Candidate]:
        """Those that something speaks for, or nothing against where no run can tell, the best first."""
        strength, has_oracle = self._oracle.strength, self._has_oracle
        ordered = sort_by_evidence(candidates, strength)
        is_passed: Callable[[Candidate], bool] = (
            (lambda c: is_verified(c.verdict, strength))
            if has_oracle
            else (lambda c: bool(c.verdict and c.verdict.harmless))
        )
        return [c for c in ordered if is_passed(c)][: self.context.options.scored]

    def is_settled(self, candidates: Sequence[Candidate]) -> bool:
        """Whether nothing that the model says of others would change the choice."""
        options = self.context.options
        return self._has_oracle and any(is_likely_under_model(each, options) for each in candidates)

    def score(self, candidate: Candidate, *, ask: bool) -> Candidate:
        """The candidate with its scores; the model is asked only where `ask` says so."""
        edits = self.context.workbench.workspace.parse_edits(candidate.patch)
        ratio = self._measure_likelihood(candidate, edits) if ask else None
        scores = CandidateScores(describe_overfitting(edits, self._oracle), ratio)
        self.context.workbench.trace.emit("appraised", id=candidate.id, suspicion=scores.overfitting, naturalness=ratio)
        return replace(candidate, scores=scores)

    @property
    def _evaluation(self) -> EvaluationContext | None:
        return self.context.evaluation

    @property
    def _oracle(self) -> Oracle:
        return self._evaluation.oracle if self._evaluation else _NO_ORACLE

    @property
    def _has_oracle(self) -> bool:
        return self._evaluation is not None and self._evaluation.has_oracle

    def _measure_likelihood(self, candidate: Candidate, edits: Sequence[Edit]) -> float | None:
        """None also for a change of several files, and where the budget or the model fails: it is no more than a
        hint."""
        edit = edits[0]
        if len(edits) > 1 or edit.before is None or edit.after is None or not candidate.target.symbol:
            return None
        issue, spec = self.context.issue, self.context.spec
        task = DraftTask(issue, spec, candidate.target, edit.before, context="", observed_failure="", seed=0, samples=1)
        try:
            return score_change(task, edit.after, self.context.model, self.score_text)
        except (BudgetExceeded, ModelFailed):
            return None
