"""Look at what came out of a round: go on, with what, or stop and choose."""

from __future__ import annotations

from langgraph.runtime import Runtime

from repoagent.domain import Candidate
from repoagent.drafting.retry import worth_retrying
from repoagent.graph.agenda import MUTATION, can_tell, following, name_of
from repoagent.graph.services import Services
from repoagent.graph.state import Assignment, State
from repoagent.graph.update import Update
from repoagent.judging import best, ordered, verified

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
    leader = best(state.candidates.values(), state.strength)
    if leader:
        services.session.write("patch.diff", leader.patch.text)
    if state.spent or _enough(leader, state, services):
        return {"assignments": ()}
    after = following(state, services)
    work = (*_retries(state, services), *_near_misses(state, services), *((after,) if after else ()))
    reason = "nothing verified yet" if work else "nothing is left to try"
    services.trace.emit("diagnosed", reason=reason, next=[name_of(a) for a in work])
    return {"assignments": work, "round": state.round + 1}


def select(state: State, runtime: Runtime[Services]) -> Update:
    """Choose the candidate that the evidence speaks for; see `repoagent.judging.ranking` for the order."""
    chosen = best(state.candidates.values(), state.strength)
    runtime.context.trace.emit(
        "selected",
        id=chosen.id if chosen else None,
        votes=chosen.votes if chosen else 0,
        verified=bool(chosen and verified(chosen.verdict, state.strength)),
    )
    return {"chosen": chosen}


def _enough(leader: Candidate | None, state: State, services: Services) -> bool:
    """A verified patch that two samples agree on; or one that the other generators have had their turn to confirm."""
    if leader is None or not verified(leader.verdict, state.strength):
        return False
    after = following(state, services)
    return leader.votes > 1 or after is None or after.turn > 0 or after.target.symbol != leader.target.symbol


def _retries(state: State, services: Services) -> tuple[Assignment, ...]:
    profile = services.model.profile
    if not profile.retries:
        return ()
    failed = [c for c in state.candidates.values() if _may_retry(c, state) and worth_retrying(_failure(c), profile)]
    return tuple(Assignment("retry", c.target, 1, 0, c.answer, _failure(c), c.id) for c in failed[:_RETRIES])


def _near_misses(state: State, services: Services) -> tuple[Assignment, ...]:
    """The best candidates of the model that fail, each to be mutated once."""
    count = services.model.profile.mutants // 4
    mutated = sum(_was_given(MUTATION, candidate, state) for candidate in state.candidates.values())
    if not count or not can_tell(state) or state.environment is None or mutated >= _MUTATED:
        return ()
    failed = [c for c in state.candidates.values() if _may_be_mutated(c, state)]
    chosen = ordered(failed, state.strength)[:_NEAR_MISSES]
    return tuple(Assignment(MUTATION, c.target, count, parent=c.id, base=c.patch) for c in chosen)


def _may_be_mutated(candidate: Candidate, state: State) -> bool:
    verdict = candidate.verdict
    failed = verdict is not None and not verdict.gate and not verified(verdict, state.strength)
    return failed and candidate.generator != MUTATION and not _was_given(MUTATION, candidate, state)


def _was_given(generator: str, candidate: Candidate, state: State) -> bool:
    return any(work.startswith(f"{generator}:") and candidate.id in work for work in state.worked)


def _may_retry(candidate: Candidate, state: State) -> bool:
    return candidate.generator == "rewrite" and not _was_given("retry", candidate, state)


def _failure(candidate: Candidate) -> str:
    return candidate.verdict.failure if candidate.verdict else ""
