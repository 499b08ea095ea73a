"""How far candidates agree: the evidence lets several pass, and of these the one is best that does what most others do.

All candidates of one function are given the arguments that the evidence calls it with, and others like them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from repoagent.domain import Candidate, Edit, Location, Origin, Strength
from repoagent.evidence.behaviour import measure_behavioural_agreement
from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.screening import ScreeningOracle, Variant, VariedFunction, observe_behaviour
from repoagent.evidence.screening.choosing import make_screening_oracle
from repoagent.evidence.workbench import Workbench
from repoagent.generators import Infiller, Mutator
from repoagent.languages import Capability, has_capability
from repoagent.ranking.order import is_verified, sort_by_evidence
from repoagent.search_options import DEFAULT_OPTIONS, SearchOptions

_HUGE = 30.0
"""Nats beyond which the share is 0 for all that matters, and the exponential may be too large for a float."""
_MIN_AGREEMENT = 1e-6
"""An agreement that is not 0, which would say that there was no comparison."""


def measure_agreement(
    candidates: Collection[Candidate], context: EvaluationContext | None, workbench: Workbench, options: SearchOptions
) -> dict[str, Candidate]:
    """The candidates that the evidence speaks for, or that nothing speaks against where it speaks for none, with how
    far they agree. Empty where there is nothing to compare them by, or nothing new."""
    if context is None:
        return {}
    group = _select_group(candidates, context.oracle.strength, options)
    if len(group) < 2 or all(candidate.behavioural_agreement for candidate in group):
        return {}
    votes = {candidate.id: vote_weight(candidate, options) for candidate in group}
    total = sum(votes.values()) or 1.0
    found: dict[str, Candidate] = {}
    for each in _group_by_function(group):
        target, changes = each[0].target, [workbench.workspace.parse_edits(c.patch) for c in each]
        outputs = observe_candidates(changes, target, context, workbench, options.compare_seconds)
        own = [votes[candidate.id] for candidate in each]
        share = sum(own) / total
        for candidate, part in zip(each, measure_behavioural_agreement(outputs, own), strict=True):
            agreed = max(part * share, _MIN_AGREEMENT)
            found[candidate.id] = replace(candidate, behavioural_agreement=agreed)
        workbench.trace.emit("compared", target=str(target), candidates=len(each), behaviours=len(set(outputs)))
    return found


def observe_candidates(
    candidates: Sequence[Sequence[Edit]],
    target: Location,
    context: EvaluationContext,
    workbench: Workbench,
    seconds: float = DEFAULT_OPTIONS.compare_seconds,
) -> list[tuple[str, ...]]:
    """What each of several changes of one function gives back, input by input; nothing for one that changes other
    files, or where no run tells which arguments the function takes, or its language cannot be called in one process."""
    before = workbench.workspace.read(target.path)
    texts = [_find_only_text(edits, target.path) for edits in candidates]
    check = _choose_calls(context, workbench)
    is_callable = has_capability(target.path, Capability.IN_PROCESS_SCREENING)
    if not target.symbol or not is_callable or not check.is_decisive:
        return [()] * len(candidates)
    variants = [Variant(((0, len(before), text),)) for text in texts if text is not None]
    place = VariedFunction(target.path, before, target.symbol)
    found = iter(
        observe_behaviour(
            variants,
            place,
            check,
            lambda: workbench.open_with_edits(context.environment, ()),
            workbench.limit_seconds(seconds),
        )
    )
    return [() if text is None else next(found) for text in texts]


def vote_weight(candidate: Candidate, options: SearchOptions = DEFAULT_OPTIONS) -> float:
    """How much a candidate counts: each sample of a model, a mutant by its pattern's prior, and more for whatever the
    model finds likelier than what stands there."""
    samples = sum(_weigh_sample(origin, options) for origin in candidate.origins)
    is_mutant = any(origin.generator == Mutator.name for origin in candidate.origins)
    mutants = options.mutants_vote * candidate.pattern_prior if is_mutant else 0.0
    return samples + mutants + options.likely_vote * _measure_share_of_new(candidate)


def _weigh_sample(origin: Origin, options: SearchOptions) -> float:
    if origin.generator == Mutator.name:
        return 0.0
    return options.infill_vote if origin.generator == Infiller.name else 1.0


def _measure_share_of_new(candidate: Candidate) -> float:
    """From 0 to 1: the share of the old code and the new that is the new's, as the model sees it."""
    ratio = candidate.scores.log_likelihood_ratio if candidate.scores else None
    return 0.0 if ratio is None else 1 / (1 + math.exp(min(-ratio, _HUGE)))


def _select_group(candidates: Collection[Candidate], strength: Strength, options: SearchOptions) -> list[Candidate]:
    best_first = sort_by_evidence(candidates, strength)[: options.compared]
    proven = [c for c in best_first if is_verified(c.verdict, strength)]
    return proven or [c for c in best_first if c.verdict and c.verdict.harmless and c.verdict.oracle != "failed"]


def _group_by_function(group: Sequence[Candidate]) -> Sequence[Sequence[Candidate]]:
    found: Mapping[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in group:
        found[candidate.target.path, candidate.target.symbol].append(candidate)
    return list(found.values())


def _find_only_text(edits: Sequence[Edit], path: str) -> str | None:
    """What the only file that is changed becomes; None where there are others."""
    return edits[0].after if len(edits) == 1 and edits[0].path == path else None


def _choose_calls(context: EvaluationContext, workbench: Workbench) -> ScreeningOracle:
    """What calls the function: the evidence, or documented examples that hold today."""
    check = make_screening_oracle(context, workbench)
    held = context.baseline.passing_examples
    return check if check.is_decisive or held.strength is Strength.NONE else replace(check, script_oracle=held)
