"""Which candidate is best, and how little of it is needed. Never decided by asking a model whether it is done."""

from repoagent.ranking.order import (
    find_best,
    is_likely_under_model,
    is_unlikely_mutant,
    is_verified,
    merge_candidates,
    rate_confidence,
    sort_by_evidence,
)

__all__ = [
    "find_best",
    "is_likely_under_model",
    "is_unlikely_mutant",
    "is_verified",
    "merge_candidates",
    "rate_confidence",
    "sort_by_evidence",
]
