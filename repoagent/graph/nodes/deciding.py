"""Look at what came out of a round: go on, with what, or stop and choose."""

from __future__ import annotations

from langgraph.runtime import Runtime

from repoagent.domain import Candidate, Location
from repoagent.drafting.retry import worth_retrying
from repoagent.graph.nodes.understanding import first_assignments, functions, planned_targets
from repoagent.graph.services import Services
from repoagent.graph.state import Assignment, State
from repoagent.graph.update import Update
from repoagent.judging import best, verified

_RETRIES = 2
"""Failed candidates of one round that are shown to the model again."""
_AGAIN = 2
"""Rounds of fresh samples on the first functions, once all functions had their turn; only where a test can tell."""


def gather(state: State, runtime: Runtime[Services]) -> Update:
    """Wait for all generators, and say how many different candidates wait for their tests."""
    waiting = sum(c.verdict is None for c in state.candidates.values())
    runtime.context.trace.emit("round.drafted", round=state.round, waiting=waiting, known=len(state.candidates))
    return {"worked": (*state.worked, *(_work(a) for a in state.assignments)), "assignments": ()}


def diagnose(state: State, runtime: Runtime[Services]) -> Update:
    """Keep the best so far where a crash cannot take it; then retry what is nearly right, and widen to the next
    function."""
    services = runtime.context
    leader = best(state.candidates.values(), state.strength)
    if leader:
        services.session.write("patch.diff", leader.patch.text)
    if state.spent or (leader and verified(leader.verdict, state.strength)):
        return {}
    following = (*_retries(state, services), *_next_function(state, services))
    reason = "nothing verified yet" if following else "no function is left to try"
    services.trace.emit("diagnosed", reason=reason, next=[_work(a) for a in following])
    return {"assignments": following, "round": state.round + 1}


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


def _retries(state: State, services: Services) -> tuple[Assignment, ...]:
    profile = services.model.profile
    if not profile.retries:
        return ()
    failed = [c for c in state.candidates.values() if _may_retry(c, state) and worth_retrying(_failure(c), profile)]
    return tuple(Assignment("retry", c.target, 1, c.answer, _failure(c), c.id) for c in failed[:_RETRIES])


def _may_retry(candidate: Candidate, state: State) -> bool:
    return candidate.generator == "rewrite" and not any(work.endswith(candidate.id) for work in state.worked)


def _failure(candidate: Candidate) -> str:
    return candidate.verdict.failure if candidate.verdict else ""


def _next_function(state: State, services: Services) -> tuple[Assignment, ...]:
    """All generators on the first function that had no turn; fresh samples where every function had one."""
    targets = _targets(state, services)
    for target in targets:
        assignments = first_assignments([target], services)
        if not {_work(a) for a in assignments} & set(state.worked):
            return assignments
    rounds_again = state.round - len(targets)
    if _can_tell(state) and targets and rounds_again < _AGAIN:
        return first_assignments([targets[rounds_again % len(targets)]], services)
    return ()


def _targets(state: State, services: Services) -> list[Location]:
    """What the plan names; where a test can tell right from wrong, as many again of what the localisation found."""
    planned = planned_targets(state.plan, state.locations, services.index())
    if not _can_tell(state):
        return planned
    others = [location for location in functions(state.locations) if location not in planned]
    return [*planned, *others[: services.model.profile.functions]]


def _can_tell(state: State) -> bool:
    """Whether any run could show that a candidate is right."""
    return state.strength in ("strong", "crash") or bool(state.before.failing)


def _work(assignment: Assignment) -> str:
    target = assignment.target
    return ":".join(filter(None, (assignment.generator, f"{target.path}::{target.symbol}", assignment.parent)))
