"""How far candidates agree: the evidence lets several pass, and of these the one is best that does what most others do.

All candidates of one function are given the arguments that the evidence calls it with, and others like them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from repoagent.domain import Candidate, Edit, Location, Strength
from repoagent.graph.agenda import MUTATION
from repoagent.graph.examine import open_with_edits
from repoagent.graph.mutating import make_screening_oracle
from repoagent.graph.services import Services
from repoagent.graph.state import Ground, State, ground_of
from repoagent.ranking import agreement, sort_by_evidence, is_verified
from repoagent.evidence.screening import Check, Place, Variant, compare

_COMPARED = 40
"""Candidates of a run that are compared."""
_SECONDS = 12.0
"""Seconds that the comparison of the candidates for one function may take."""
_MUTANTS = 1.5
"""What all mutants of one function weigh together."""
_NATURAL = 2.0
"""What one counts more that the model finds far likelier than what stands there."""
_SAMPLES = {"infill": 0.5}
"""What one sample of a generator weighs, where it is not 1: a line that is filled in often says what stood there."""


def measure_agreement(state: State, services: Services) -> dict[str, Candidate]:
    """The candidates that the evidence speaks for, or that nothing speaks against where it speaks for none, with how
    far they agree. Empty where there is nothing to compare them by, or nothing new."""
    ground = ground_of(state)
    group = _group(state)
    if ground is None or len(group) < 2 or all(candidate.behavioural_agreement for candidate in group):
        return {}
    weights = {candidate.id: vote_weight(candidate) for candidate in group}
    total = sum(weights.values()) or 1.0
    found: dict[str, Candidate] = {}
    for each in _by_function(group):
        outputs = observe_candidates([services.workspace.edits(c.patch) for c in each], each[0].target, ground, services)
        own = [weights[candidate.id] for candidate in each]
        share = sum(own) / total
        shares = agreement(outputs, own)
        found |= {c.id: replace(c, behavioural_agreement=max(a * share, _LEAST)) for c, a in zip(each, shares, strict=True)}
        services.trace.emit("compared", target=str(each[0].target), candidates=len(each), behaviours=len(set(outputs)))
    return found


def observe_candidates(
    candidates: Sequence[Sequence[Edit]], target: Location, ground: Ground, services: Services
) -> list[tuple[str, ...]]:
    """What each of several changes of one function gives back, input by input; nothing for one that changes other
    files, or where no run tells which arguments the function takes."""
    before = services.workspace.read(target.path)
    texts = [_text(edits, target.path) for edits in candidates]
    check = _check(ground, services)
    if not target.symbol or not check.possible:
        return [()] * len(candidates)
    alone = [text for text in texts if text is not None]
    variants = [Variant(((0, len(before), text),)) for text in alone]
    place = Place(target.path, before, target.symbol)
    seconds = services.within(_SECONDS)
    found = iter(compare(variants, place, check, lambda: open_with_edits(services, ground.environment, ()), seconds))
    return [() if text is None else next(found) for text in texts]


def vote_weight(candidate: Candidate) -> float:
    """How much a candidate counts: each sample of a model, a mutant by its likelihood, and whatever the model finds
    likelier than what stands there."""
    generators = [sample.split("/")[1] for sample in candidate.origins if "/" in sample]
    samples = sum(_SAMPLES.get(name, 1.0) for name in generators if name != MUTATION)
    mutants = _MUTANTS * candidate.likelihood if MUTATION in generators else 0.0
    return samples + mutants + _NATURAL * _natural(candidate)


def _natural(candidate: Candidate) -> float:
    """From 0 to 1: the share of the old code and the new that is the new's, as the model sees it."""
    known = candidate.scores.log_likelihood_ratio if candidate.scores else None
    return 0.0 if known is None else 1 / (1 + math.exp(min(-known, _HUGE)))


_HUGE = 30.0
"""Beyond it the share is 0 for all that matters, and the exponential may be too large for a float."""


_LEAST = 1e-6
"""An agreement that is not 0, which would say that there was no comparison."""


def _group(state: State) -> list[Candidate]:
    best_first = sort_by_evidence(state.candidates.values(), state.strength)[:_COMPARED]
    proven = [c for c in best_first if is_verified(c.verdict, state.strength)]
    return proven or [c for c in best_first if c.verdict and c.verdict.harmless and c.verdict.oracle != "failed"]


def _by_function(group: Sequence[Candidate]) -> Sequence[Sequence[Candidate]]:
    found: Mapping[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in group:
        found[candidate.target.path, candidate.target.symbol].append(candidate)
    return list(found.values())


def _text(edits: Sequence[Edit], path: str) -> str | None:
    """What the only file that is changed becomes; None where there are others."""
    return edits[0].after if len(edits) == 1 and edits[0].path == path else None


def _check(ground: Ground, services: Services) -> Check:
    """What calls the function: the evidence, or documented examples that hold today."""
    check = make_screening_oracle(ground, services)
    held = ground.before.passing_examples
    return check if check.possible or held.strength is Strength.NONE else replace(check, oracle=held)
