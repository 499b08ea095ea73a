"""Look at what came out of a round: go on, with what, or stop and choose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations

from langgraph.runtime import Runtime

from repoagent.domain import FROM_ISSUE, Candidate, Strength, Verdict
from repoagent.generators import ReplaceRetrier, Replacer, Retrier, Rewriter
from repoagent.generators.retry import is_worth_retrying
from repoagent.graph.agenda import COMBINED, MUTATION, can_tell, following, name_of, planned_targets, whole_plan
from repoagent.graph.agreeing import measure_agreement
from repoagent.graph.appraising import score_candidates
from repoagent.graph.services import Services
from repoagent.graph.state import Assignment, State
from repoagent.graph.update import Update
from repoagent.ranking import find_best, is_likely_under_model, is_unlikely_mutant, merge_candidates, sort_by_evidence, is_verified

_AGREED = 0.6
"""The share of the candidates' weight that must do the same, for no more to be drafted."""
_MOST = 0.5
"""The same where equal patches were drawn."""
_NEAR_MISSES = 2
"""Failed candidates of one round that are mutated."""
_MUTATED = 6
"""Failed candidates of a run that are mutated."""
_RETRIES = 1
"""Failed candidates of one round that are shown to the model again."""


def begin(state: State, runtime: Runtime[Services]) -> Update:
    """The first piece of work on the agenda."""
    first = following(state, runtime.context)
    return {"assignments": (first,) if first else ()}


def gather(state: State, runtime: Runtime[Services]) -> Update:
    """Wait for all generators, and say how many different candidates wait for their tests."""
    waiting = sum(c.verdict is None for c in state.candidates.values())
    runtime.context.trace.emit("round.drafted", round=state.round, waiting=waiting, known=len(state.candidates))
    return {"worked": (*state.worked, *(name_of(a) for a in state.assignments)), "assignments": ()}


def diagnose(state: State, runtime: Runtime[Services]) -> Update:
    """Keep the best so far where a crash cannot take it; then retry what is nearly right, and widen to the next
    function."""
    services = runtime.context
    fresh = _looked_at(state, services) if can_tell(state) and not state.spent else {}
    candidates = merge_candidates(state.candidates, fresh)
    leader = find_best(candidates.values(), state.strength)
    if leader:
        services.session.write("patch.diff", leader.patch.text)
    if state.spent or _enough(leader, candidates.values(), state, services):
        return {"assignments": (), "candidates": fresh}
    after = following(state, services)
    proven = leader is not None and is_verified(leader.verdict, state.strength)
    second = () if proven else _second_attempts(state, services)
    work = (*second, *_combinations(state, services, after), *((after,) if after else ()))
    waiting = "what is verified is to be confirmed" if proven else "nothing verified yet"
    reason = waiting if work else "nothing is left to try"
    services.trace.emit("diagnosed", reason=reason, next=[name_of(a) for a in work])
    return {"assignments": work, "round": state.round + 1, "candidates": fresh}


def select(state: State, runtime: Runtime[Services]) -> Update:
    """Choose the candidate that the evidence speaks for; see `repoagent.ranking.order` for the order."""
    fresh = _looked_at(state, runtime.context)
    chosen = find_best(merge_candidates(state.candidates, fresh).values(), state.strength)
    runtime.context.trace.emit(
        "selected",
        id=chosen.id if chosen else None,
        agreement=round(chosen.behavioural_agreement, 3) if chosen else 0.0,
        votes=chosen.votes if chosen else 0,
        verified=bool(chosen and is_verified(chosen.verdict, state.strength)),
    )
    return {"chosen": chosen, "candidates": fresh}


def _looked_at(state: State, services: Services) -> dict[str, Candidate]:
    """The candidates of which something new is known, without another test: how natural they are, and how far they
    agree."""
    fresh = score_candidates(state, services)
    return fresh | measure_agreement(replace(state, candidates=merge_candidates(state.candidates, fresh)), services)


def _enough(leader: Candidate | None, known: Iterable[Candidate], state: State, services: Services) -> bool:
    """A verified patch that two samples agree on, or most of the candidates of several generators; one that the model
    finds much likelier than what stands there; or one that the other generators have had their turn to confirm. Where
    no run can verify one: what the issue itself proposes, as nothing that a model draws would be chosen over it."""
    if leader is None:
        return False
    if not can_tell(state):
        return leader.generator == FROM_ISSUE and _is_first(leader, state)
    if not is_verified(leader.verdict, state.strength):
        return False
    drawn = {sample.split("/")[1] for c in known if is_verified(c.verdict, state.strength) for sample in c.origins}
    agreed = len(drawn) > 1 and leader.behavioural_agreement >= _AGREED and not is_unlikely_mutant(leader)
    equal = leader.votes > 1 and (not leader.behavioural_agreement or leader.behavioural_agreement >= _MOST)
    after = following(state, services)
    confirmed = after is None or after.turn > 0 or after.target.symbol != leader.target.symbol
    return agreed or equal or confirmed or (is_likely_under_model(leader) and state.strength is not Strength.CRASH)


def _is_first(leader: Candidate, state: State) -> bool:
    """Whether nothing speaks against it, and no script that the model wrote could speak for another."""
    verdict = leader.verdict or Verdict()
    return verdict.harmless and (state.strength is Strength.NONE or verdict.oracle == "passed")


def _second_attempts(state: State, services: Services) -> tuple[Assignment, ...]:
    """Where nothing is verified: what may come of the candidates that failed."""
    return (*_retries(state, services), *_near_misses(state, services))


def _combinations(state: State, services: Services, after: Assignment | None) -> tuple[Assignment, ...]:
    """Two candidates for different functions, where each mends what the other does not; or, once all planned functions
    had their turn and nothing is verified, the most promising ones."""
    if not can_tell(state) or state.environment is None:
        return ()
    harmless = [c for c in state.candidates.values() if c.verdict and c.verdict.harmless and c.generator != COMBINED]
    pairs = [pair for pair in combinations(sort_by_evidence(harmless, state.strength)[:_COMBINED_FROM], 2) if _apart(*pair)]
    chosen = [pair for pair in pairs if _complementary(*pair)]
    if not chosen and _all_had_their_turn(state, services, after):
        chosen = [pair for pair in pairs if not any(is_verified(c.verdict, state.strength) for c in pair)]
    orders = (Assignment(COMBINED, a.target, 1, parent=f"{a.id}+{b.id}", bases=(a.patch, b.patch)) for a, b in chosen)
    left = _COMBINATIONS - sum(work.startswith(f"{COMBINED}:") for work in state.worked)
    return tuple(order for order in orders if name_of(order) not in state.worked)[: max(left, 0)]


_COMBINED_FROM = 8
"""Candidates that are looked at for combinations."""
_COMBINATIONS = 6
"""Combinations of a run."""


def _apart(one: Candidate, other: Candidate) -> bool:
    return (one.target.path, one.target.symbol) != (other.target.path, other.target.symbol)


def _complementary(one: Candidate, other: Candidate) -> bool:
    mended, too = (set(c.verdict.fixed) if c.verdict else set() for c in (one, other))
    return bool(mended - too) and bool(too - mended)


def _all_had_their_turn(state: State, services: Services, after: Assignment | None) -> bool:
    planned = planned_targets(state, services.index())
    return after is None or after.turn > 0 or after.target not in planned


def _retries(state: State, services: Services) -> tuple[Assignment, ...]:
    profile = services.model.profile
    if not profile.retries:
        return ()
    failed = [c for c in state.candidates.values() if _may_retry(c, state) and is_worth_retrying(_failure(c), profile)]
    return tuple(_retry(c, state, services) for c in failed[:_RETRIES])


def _retry(candidate: Candidate, state: State, services: Services) -> Assignment:
    """The same question once more, with what became of the answer."""
    generator, failure = _SECOND[candidate.generator], _failure(candidate)
    drawn = next((a for a in whole_plan(state, services) if a.generator == candidate.generator), None)
    others = drawn.others if drawn else ()
    return Assignment(generator, candidate.target, 1, 0, candidate.answer, failure, candidate.id, others=others)


_SECOND = {Rewriter.name: Retrier.name, Replacer.name: ReplaceRetrier.name}
"""Who asks for a second attempt, by who asked for the first."""


def _near_misses(state: State, services: Services) -> tuple[Assignment, ...]:
    """The best candidates of the model that fail, each to be mutated once."""
    count = services.model.profile.mutants // 4
    mutated = sum(_was_given(MUTATION, candidate, state) for candidate in state.candidates.values())
    if not count or not can_tell(state) or state.environment is None or mutated >= _MUTATED:
        return ()
    failed = [c for c in state.candidates.values() if _may_be_mutated(c, state)]
    chosen = sort_by_evidence(failed, state.strength)[:_NEAR_MISSES]
    return tuple(Assignment(MUTATION, c.target, count, parent=c.id, bases=(c.patch,)) for c in chosen)


def _may_be_mutated(candidate: Candidate, state: State) -> bool:
    verdict = candidate.verdict
    failed = verdict is not None and not verdict.gate and not is_verified(verdict, state.strength)
    return failed and candidate.generator != MUTATION and not _was_given(MUTATION, candidate, state)


def _was_given(generator: str, candidate: Candidate, state: State) -> bool:
    return any(work.startswith(f"{generator}:") and candidate.id in work for work in state.worked)


def _may_retry(candidate: Candidate, state: State) -> bool:
    again = _SECOND.get(candidate.generator)
    return again is not None and not _was_given(again, candidate, state)


def _failure(candidate: Candidate) -> str:
    return candidate.verdict.failure if candidate.verdict else ""
