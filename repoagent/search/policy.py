"""The search policy: which generator works on what next, and when to stop. Pure: the same situation, the same decision.

One generator works on one function at a time, so that an early answer ends the run early. Every threshold is in
`SearchOptions`; what a generator is good for is in its `Traits`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from repoagent.domain import FROM_ISSUE, Attempt, Candidate, Location, Strength, Verdict, WorkItem
from repoagent.generators import GENERATORS, Combiner, Generator, Scope, find_generator
from repoagent.generators.retry import is_worth_retrying
from repoagent.ranking import (
    find_best,
    is_likely_under_model,
    is_unlikely_mutant,
    is_verified,
    sort_by_evidence,
)
from repoagent.search.situation import Situation
from repoagent.search_options import DEFAULT_OPTIONS, SearchOptions


class Stop(StrEnum):
    """Why nothing more is drafted."""

    AGREED = "most candidates of several generators do what the best one does"
    REPEATED = "equal patches were drawn"
    CONFIRMED = "what is verified had its chance to be confirmed"
    LIKELY = "the model finds the verified patch far likelier than what stands there"
    PROPOSED = "the issue itself proposes it, and no run could tell a better one"
    EXHAUSTED = "nothing is left to try"


@dataclass(frozen=True)
class Decision:
    """What comes next: work, or a reason to stop."""

    work: tuple[WorkItem, ...] = ()
    stop: Stop | None = None
    is_confirming: bool = False
    """Whether the work is to confirm a patch that is verified already."""


def decide(situation: Situation, options: SearchOptions = DEFAULT_OPTIONS) -> Decision:
    """What is worked on next: second attempts at what failed, combinations, and the next item of the agenda."""
    leader = find_best(situation.candidates, situation.strength)
    following = next_item(situation, options)
    if reason := _find_reason_to_stop(leader, following, situation, options):
        return Decision(stop=reason)
    is_proven = leader is not None and is_verified(leader.verdict, situation.strength)
    second = () if is_proven else (*_retry(situation, options), *_mutate_near_misses(situation, options))
    work = (*second, *_combine(situation, following, options), *((following,) if following else ()))
    return Decision(work, None if work else Stop.EXHAUSTED, is_confirming=is_proven)


# --- the agenda -------------------------------------------------------------------------------------------------------


def next_item(situation: Situation, options: SearchOptions = DEFAULT_OPTIONS) -> WorkItem | None:
    """The first piece of work that was not done yet, or None when nothing is left to try."""
    done = situation.done
    return next((item for item in list_agenda(situation, options) if item.key not in done), None)


def list_agenda(situation: Situation, options: SearchOptions = DEFAULT_OPTIONS) -> Iterator[WorkItem]:
    """All work in its order: what the issue proposes, the whole plan, each function; then more suspects and rounds."""
    planned = situation.planned
    if planned and situation.has_proposals:
        yield from (WorkItem(each.name, planned[0], 1) for each in GENERATORS if each.traits.scope is Scope.ISSUE)
    yield from _list_plan_round(situation, 0)
    yield from _list_function_round(planned, situation, 0)
    if not situation.has_oracle:
        # Nothing but the number of samples that agree tells which one is right.
        second = _list_function_round(planned[:1], situation, 1)
        yield from (item for item in second if find_generator(item.generator).traits.votes_without_runs)
        return
    yield from _list_function_round(situation.others, situation, 0)
    for number in range(1, options.rounds):
        yield from _list_plan_round(situation, number)
        yield from _list_function_round(planned, situation, number)


def _list_plan_round(situation: Situation, number: int) -> Iterator[WorkItem]:
    """All planned functions at once, and the suspicious lines at module level, for what can change several places."""
    places = (*situation.planned, *(each for each in situation.modules if each not in situation.planned))
    for generator in GENERATORS:
        count, able = situation.samples.get(generator.name, 0), _select_able(places, generator, situation)
        if generator.traits.scope is Scope.PLAN and count and able:
            yield WorkItem(generator.name, able[0], count, number, others=able[1:])


def _select_able(places: Sequence[Location], generator: Generator, situation: Situation) -> tuple[Location, ...]:
    """The places whose languages can do what a generator needs."""
    return tuple(each for each in places if situation.can_work_on(each, generator.traits.needs))


def _list_function_round(targets: Sequence[Location], situation: Situation, number: int) -> Iterator[WorkItem]:
    for target in targets:
        for generator in GENERATORS:
            if generator.traits.scope is Scope.FUNCTION and _is_due(generator, target, situation, number):
                yield WorkItem(generator.name, target, situation.samples[generator.name], number)


def _is_due(generator: Generator, target: Location, situation: Situation, number: int) -> bool:
    traits = generator.traits
    if not situation.can_work_on(target, traits.needs):
        return False
    if not situation.samples.get(generator.name, 0) or (number and not traits.repeats):
        return False
    return not traits.needs_runs or (situation.has_oracle and situation.can_run)


# --- when it is enough ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Leading:
    """The best candidate, and what is around it."""

    leader: Candidate
    following: WorkItem | None
    situation: Situation
    options: SearchOptions

    @property
    def is_verified(self) -> bool:
        return is_verified(self.leader.verdict, self.situation.strength)


def _is_agreed(at: _Leading) -> bool:
    """Candidates of several generators are verified, and most do what the leader does."""
    strength = at.situation.strength
    sources = {
        origin.generator
        for candidate in at.situation.candidates
        if is_verified(candidate.verdict, strength)
        for origin in candidate.origins
    }
    agrees = at.leader.behavioural_agreement >= at.options.agreed_share and not is_unlikely_mutant(at.leader)
    return at.is_verified and len(sources) > 1 and agrees


def _is_repeated(at: _Leading) -> bool:
    """Two samples drew the same patch, and candidates that do something else do not outweigh it."""
    share = at.leader.behavioural_agreement
    return at.is_verified and at.leader.votes > 1 and (not share or share >= at.options.repeated_share)


def _is_confirmed(at: _Leading) -> bool:
    """The other generators have had their turn with the function."""
    after = at.following
    had_turn = after is None or after.round > 0 or after.target.symbol != at.leader.target.symbol
    return at.is_verified and had_turn


def _is_likely(at: _Leading) -> bool:
    """The model finds it much likelier than what stands there; that a crash is gone is too little for that."""
    is_proven = at.is_verified and at.situation.strength is not Strength.CRASH
    return is_proven and is_likely_under_model(at.leader, at.options)


def _is_proposed(at: _Leading) -> bool:
    """No run can tell, and nothing speaks against what the issue itself proposes: nothing that a model draws would be
    chosen over it, unless a script that a model wrote could speak for another."""
    verdict = at.leader.verdict or Verdict()
    is_unopposed = verdict.harmless and (at.situation.strength is Strength.NONE or verdict.oracle == "passed")
    return at.leader.generator == FROM_ISSUE and is_unopposed


_WITH_ORACLE: tuple[tuple[Stop, Callable[[_Leading], bool]], ...] = (
    (Stop.AGREED, _is_agreed),
    (Stop.REPEATED, _is_repeated),
    (Stop.CONFIRMED, _is_confirmed),
    (Stop.LIKELY, _is_likely),
)
_WITHOUT_ORACLE: tuple[tuple[Stop, Callable[[_Leading], bool]], ...] = ((Stop.PROPOSED, _is_proposed),)


def _find_reason_to_stop(
    leader: Candidate | None, following: WorkItem | None, situation: Situation, options: SearchOptions
) -> Stop | None:
    if leader is None:
        return None
    at = _Leading(leader, following, situation, options)
    rules = _WITH_ORACLE if situation.has_oracle else _WITHOUT_ORACLE
    return next((reason for reason, applies in rules if applies(at)), None)


# --- second attempts --------------------------------------------------------------------------------------------------


def _retry(situation: Situation, options: SearchOptions) -> tuple[WorkItem, ...]:
    """The same question once more, with what became of the answer, for failures that the model can mend."""
    retriers = {each.traits.retries: each for each in GENERATORS if each.traits.scope is Scope.FAILURE}
    items = []
    for candidate in situation.candidates:
        retrier = retriers.get(candidate.generator)
        if retrier is None or not situation.samples.get(retrier.name, 0):
            continue
        if not situation.can_work_on(candidate.target, retrier.traits.needs):
            continue
        if not _was_given(retrier.name, candidate, situation) and _is_worth_retrying(candidate, situation):
            items.append(_make_retry(retrier, candidate, situation))
    return tuple(items[: options.retries_per_round])


def _is_worth_retrying(candidate: Candidate, situation: Situation) -> bool:
    return is_worth_retrying(_get_failure(candidate), situation.retry_on)


def _make_retry(retrier: Generator, candidate: Candidate, situation: Situation) -> WorkItem:
    first = (item for item in _list_plan_round(situation, 0) if item.generator == candidate.generator)
    others = next((item.others for item in first), ())
    previous = Attempt(candidate.answer, _get_failure(candidate))
    return WorkItem(retrier.name, candidate.target, 1, 0, previous, (candidate.id,), others=others)


def _mutate_near_misses(situation: Situation, options: SearchOptions) -> tuple[WorkItem, ...]:
    """The best candidates that fail, each to be mutated once, where a run can tell."""
    if not situation.has_oracle or not situation.can_run:
        return ()
    starting = (each for each in GENERATORS if each.traits.starts_from_failures)
    return tuple(item for each in starting for item in _start_from_failures(each, situation, options))


def _start_from_failures(generator: Generator, situation: Situation, options: SearchOptions) -> list[WorkItem]:
    count = situation.samples.get(generator.name, 0) // options.near_miss_share
    given = [c for c in situation.candidates if _was_given(generator.name, c, situation)]
    if not count or len(given) >= options.max_near_misses:
        return []
    failed = [
        c
        for c in situation.candidates
        if c not in given
        and c.generator != generator.name
        and _has_failed(c, situation)
        and situation.can_work_on(c.target, generator.traits.needs)
    ]
    chosen = sort_by_evidence(failed, situation.strength)[: options.near_misses_per_round]
    return [WorkItem(generator.name, c.target, count, parents=(c.id,), bases=(c.patch,)) for c in chosen]


def _has_failed(candidate: Candidate, situation: Situation) -> bool:
    verdict = candidate.verdict
    return verdict is not None and not verdict.gate and not is_verified(verdict, situation.strength)


def _was_given(generator: str, candidate: Candidate, situation: Situation) -> bool:
    """Whether a generator has worked on a candidate before."""
    return any(key.generator == generator and candidate.id in key.parents for key in situation.done)


def _get_failure(candidate: Candidate) -> str:
    return candidate.verdict.failure if candidate.verdict else ""


# --- combinations -----------------------------------------------------------------------------------------------------


def _combine(situation: Situation, following: WorkItem | None, options: SearchOptions) -> tuple[WorkItem, ...]:
    """Two candidates for different functions, where each mends what the other does not; or, once all planned functions
    had their turn and nothing is verified, the most promising ones."""
    if not situation.has_oracle or not situation.can_run:
        return ()
    pairs = _find_pairs(situation, options)
    chosen = [pair for pair in pairs if _is_complementary(*pair)]
    if not chosen and _has_planned_all(situation, following):
        chosen = [pair for pair in pairs if not any(is_verified(c.verdict, situation.strength) for c in pair)]
    done = situation.done
    items = [
        WorkItem(Combiner.name, one.target, 1, parents=(one.id, other.id), bases=(one.patch, other.patch))
        for one, other in chosen
    ]
    left = options.max_combinations - sum(key.generator == Combiner.name for key in done)
    return tuple(item for item in items if item.key not in done)[: max(left, 0)]


def _find_pairs(situation: Situation, options: SearchOptions) -> list[tuple[Candidate, Candidate]]:
    """The best harmless candidates, two and two, for different functions."""
    harmless = [c for c in situation.candidates if c.verdict and c.verdict.harmless and c.generator != Combiner.name]
    best_first = sort_by_evidence(harmless, situation.strength)[: options.combined_from]
    return [
        (one, other)
        for one, other in combinations(best_first, 2)
        if (one.target.path, one.target.symbol) != (other.target.path, other.target.symbol)
    ]


def _is_complementary(one: Candidate, other: Candidate) -> bool:
    first, second = (set(c.verdict.fixed) if c.verdict else set() for c in (one, other))
    return bool(first - second) and bool(second - first)


def _has_planned_all(situation: Situation, following: WorkItem | None) -> bool:
    return following is None or following.round > 0 or following.target not in situation.planned
