"""Decide which candidates may be tested, which is best, and how little of it is needed. Never by asking a model."""

from repoagent.evidence.behaviour import agreement
from repoagent.evidence.gate import candidate_key, problems
from repoagent.ranking.delta_debugging import smaller
from repoagent.ranking.overfitting import suspicion
from repoagent.ranking.order import best, confidence, is_natural, is_odd, merged, ordered, verified
from repoagent.evidence.verdict import Evidence, judged

__all__ = [
    "Evidence",
    "agreement",
    "best",
    "candidate_key",
    "confidence",
    "is_natural",
    "is_odd",
    "judged",
    "merged",
    "ordered",
    "problems",
    "smaller",
    "suspicion",
    "verified",
]
