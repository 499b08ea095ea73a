"""Decide which candidates may be tested, which is best, and how little of it is needed. Never by asking a model."""

from repoagent.judging.agreement import agreement
from repoagent.judging.gate import candidate_key, problems
from repoagent.judging.minimise import smaller
from repoagent.judging.overfitting import suspicion
from repoagent.judging.ranking import best, confidence, is_natural, is_odd, merged, ordered, verified
from repoagent.judging.verdict import Evidence, judged

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
