"""Order candidates by evidence: what is verified, what harms nothing, what most others agree with, what is shorter.

Tests come first, then how far the others do the same, votes of equal patches, and the shorter patch: with the same
samples this order, but for the second step, takes a 27B model from 69.2 % (tests of the own run only) to 74.8 % on
SWE-bench Verified, half of it by the last step alone (Fujitsu Kozuchi, 2026). What the issue itself proposes goes
before what others draw of equal evidence: of such patches in SWE-bench Lite 13 are right and 15 mislead (Agentless'
notes), and a small model is right less often.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from repoagent.domain import FROM_ISSUE, Candidate, Confidence, Strength, Verdict
from repoagent.search_options import DEFAULT_OPTIONS, SearchOptions

_PROOF = (Strength.STRONG, Strength.CRASH)


def is_verified(verdict: Verdict | None, strength: Strength) -> bool:
    """Whether something that failed before passes now, and nothing that passed before fails.

    Where the issue's own example proves something, it has to pass: a test that happens to pass now is no substitute.
    """
    if verdict is None or not verdict.harmless:
        return False
    if strength in _PROOF:
        return verdict.oracle == "passed"
    return bool(verdict.fixed)


def find_best(candidates: Iterable[Candidate], strength: Strength) -> Candidate | None:
    """The candidate to deliver: the best of those that passed the gate, or None."""
    return next(iter(sort_by_evidence(candidates, strength)), None)


def sort_by_evidence(candidates: Iterable[Candidate], strength: Strength) -> list[Candidate]:
    """Those that passed the gate, the best first."""
    allowed = [c for c in candidates if not (c.verdict and c.verdict.gate)]
    return sorted(allowed, key=lambda c: _make_key(c, strength))


def merge_candidates(known: Mapping[str, Candidate], fresh: Mapping[str, Candidate]) -> dict[str, Candidate]:
    """All candidates by id; where both have one, its samples are put together and the later verdict counts. What it
    agreed with is forgotten where samples were added: they weigh in that as well."""
    return {**known, **{id_: _merge(known.get(id_), candidate) for id_, candidate in fresh.items()}}


def rate_confidence(chosen: Candidate, strength: Strength, options: SearchOptions = DEFAULT_OPTIONS) -> Confidence:
    """From what was run, and from how many samples agreed.

    That a crash is gone proves little by itself, as any change of the line that raises may do that: where nothing else
    is known, a second sample has to agree. A patch that fits the example too closely is not believed, nor a mutant that
    the model finds strange. `benchmarks/repair/calibration.py` says how often each level was right.
    """
    if not is_verified(chosen.verdict, strength):
        return Confidence.LOW
    proven = strength is Strength.STRONG or bool(chosen.verdict and chosen.verdict.fixed)
    agreed = chosen.votes > 1 or (proven and is_likely_under_model(chosen, options))
    fits_too_well = bool(chosen.scores and chosen.scores.overfitting)
    doubtful = fits_too_well or (
        is_unlikely_mutant(chosen) and (_log_likelihood_ratio(chosen) or 0.0) < -options.likely_ratio
    )
    return Confidence.LOW if doubtful else (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)[proven + agreed]


def is_likely_under_model(candidate: Candidate, options: SearchOptions = DEFAULT_OPTIONS) -> bool:
    """Whether the model finds the code so much likelier with it than without that this counts as a sample of its own
    (`SearchOptions.likely_ratio`)."""
    return (_log_likelihood_ratio(candidate) or 0.0) >= options.likely_ratio


def is_unlikely_mutant(candidate: Candidate) -> bool:
    """Whether nobody but mutation drew it, and the model finds the code less likely with it than without."""
    by_mutation = candidate.votes == 1 and candidate.pattern_prior > 0
    return by_mutation and (_log_likelihood_ratio(candidate) or 0.0) < 0


def _log_likelihood_ratio(candidate: Candidate) -> float | None:
    return candidate.scores.log_likelihood_ratio if candidate.scores else None


def _rank_by_likelihood(candidate: Candidate) -> tuple[bool, float]:
    """Those behind that the model was not asked about: it is asked first about what is likelier otherwise."""
    known = _log_likelihood_ratio(candidate)
    return known is None, -(known or 0.0)


def _make_key(candidate: Candidate, strength: Strength) -> tuple[object, ...]:
    verdict = candidate.verdict or Verdict()
    return (
        not is_verified(verdict, strength),
        candidate.verdict is None or not verdict.harmless,
        verdict.oracle == "failed",
        len(verdict.broken),
        -len(verdict.fixed),
        verdict.oracle != "passed",
        candidate.generator != FROM_ISSUE,
        bool(candidate.scores and candidate.scores.overfitting),
        -round(candidate.behavioural_agreement, 3),
        -candidate.votes,
        *_rank_by_likelihood(candidate),
        -candidate.pattern_prior,
        candidate.patch.changed_lines,
        candidate.id,
    )


def _merge(known: Candidate | None, fresh: Candidate) -> Candidate:
    if known is None:
        return fresh
    drawn = tuple(dict.fromkeys((*known.origins, *fresh.origins)))
    agreement = fresh.behavioural_agreement or (known.behavioural_agreement if drawn == known.origins else 0.0)
    known = replace(known, origins=drawn, behavioural_agreement=agreement, scores=fresh.scores or known.scores)
    return replace(known, verdict=fresh.verdict or known.verdict)
