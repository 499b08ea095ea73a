"""Decide which candidates may be tested, which is best, and how little of it is needed. Never by asking a model."""

from repoagent.evidence.behaviour import agreement
from repoagent.evidence.gate import candidate_key, problems
from repoagent.ranking.delta_debugging import smaller
from repoagent.ranking.overfitting import suspicion
from repoagent.ranking.order import find_best, rate_confidence, is_likely_under_model, is_unlikely_mutant, merge_candidates, sort_by_evidence, is_verified
from repoagent.evidence.verdict import Baseline, read_verdict

__all__ = [
    "Baseline",
    "agreement",
    "find_best",
    "candidate_key",
    "rate_confidence",
    "is_likely_under_model",
    "is_unlikely_mutant",
    "read_verdict",
    "merge_candidates",
    "sort_by_evidence",
    "problems",
    "smaller",
    "suspicion",
    "is_verified",
]
