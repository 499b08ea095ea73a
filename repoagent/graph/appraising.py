"""Appraise the best candidates: do they fit the example too closely, and how natural does the model find them?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from repoagent.domain import CandidateScores, Candidate, Edit
from repoagent.generators import DraftTask
from repoagent.ranking.likelihood import ScoreText, score_change
from repoagent.errors import BudgetExceeded, ModelFailed
from repoagent.graph.agenda import can_tell
from repoagent.graph.services import Services
from repoagent.graph.state import State
from repoagent.ranking import is_likely_under_model, sort_by_evidence, suspicion, is_verified

_MOST = 12
"""Candidates that are appraised: the best of those that something speaks for."""
_SECONDS = 12.0
"""That the model may be asked, each time."""


def score_candidates(state: State, services: Services) -> dict[str, Candidate]:
    """The best candidates that passed what there is, with their appraisals; those that have one are left out. Where one
    is verified that the model finds far likelier than what stands there, it is not asked about the rest."""
    passed = [c for c in sort_by_evidence(state.candidates.values(), state.strength) if _passed(c, state)][:_MOST]
    score: ScoreText = lru_cache(services.model.score)
    deadline = time.monotonic() + services.within(_SECONDS)
    found: dict[str, Candidate] = {}
    for candidate in (each for each in passed if each.scores is None):
        edits = services.workspace.edits(candidate.patch)
        settled = can_tell(state) and any(map(is_likely_under_model, (*passed, *found.values())))
        asking = time.monotonic() < deadline and not settled
        natural = _naturalness(candidate, edits, state, services, score) if asking else None
        appraisal = CandidateScores(suspicion(edits, state.oracle), natural)
        services.trace.emit("appraised", id=candidate.id, suspicion=appraisal.overfitting, naturalness=natural)
        found[candidate.id] = replace(candidate, scores=appraisal)
    return found


def _passed(candidate: Candidate, state: State) -> bool:
    verdict = candidate.verdict
    return is_verified(verdict, state.strength) if can_tell(state) else bool(verdict and verdict.harmless)


def _naturalness(
    candidate: Candidate, edits: Sequence[Edit], state: State, services: Services, score: ScoreText
) -> float | None:
    """None also for a change of several files, and where the budget or the model fails: it is no more than a hint."""
    edit = edits[0]
    if len(edits) > 1 or edit.before is None or edit.after is None or not candidate.target.symbol:
        return None
    task = DraftTask(state.issue, state.spec, candidate.target, edit.before, context="", observed_failure="", seed=0, samples=1)
    try:
        return score_change(task, edit.after, services.model, score)
    except (BudgetExceeded, ModelFailed):
        return None
