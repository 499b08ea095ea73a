"""Draft candidates, and test them: both fan out, so that a crash loses one piece of work and no more."""

from __future__ import annotations

import zlib
from dataclasses import replace

from langgraph.runtime import Runtime

from repoagent.domain import Candidate, Verdict
from repoagent.drafting import GENERATORS, Draft, Drafted, Generator, ReplaceAgain, Replacer, Retrier, Task, proposed
from repoagent.drafting.context import around
from repoagent.drafting.passages import passages
from repoagent.edits import EditRefused
from repoagent.edits.combine import combined
from repoagent.graph.agenda import COMBINED, PROPOSED
from repoagent.graph.examine import QUICK, Examination, attach, in_fresh_sandbox
from repoagent.graph.mutating import mutation_of
from repoagent.graph.record import record
from repoagent.graph.services import Services
from repoagent.graph.state import Assignment, DraftOrder, TestOrder
from repoagent.graph.update import Update
from repoagent.issue.document import parse_document
from repoagent.issue.proposals import find_proposals
from repoagent.judging import candidate_key, problems


def draft(order: DraftOrder, runtime: Runtime[Services]) -> Update:
    """Let one generator work on one function; what passes the gate becomes a candidate."""
    services = runtime.context
    task = _task(order, services)
    drafted = _drafted(order, task, services)
    candidates: dict[str, Candidate] = {}
    for number, made in enumerate(drafted.drafts):
        candidate = _candidate(order, made, f"{_name(order)}#{number}", services)
        known = candidates.get(candidate.id, candidate)
        candidates[candidate.id] = replace(known, drawn=tuple(dict.fromkeys((*known.drawn, *candidate.drawn))))
    _report(order, drafted, candidates, services)
    return {"candidates": candidates}


def validate(order: TestOrder, runtime: Runtime[Services]) -> Update:
    """Make the candidate's edits in a fresh sandbox, and see what the reproduction and the tests say."""
    services = runtime.context
    services.budget.check()
    candidate = order.candidate
    testbed = attach(services, order.environment, order.test_command)
    timeout = services.within(services.options.test_timeout)
    quick = 0.0 if order.proven else QUICK
    examine = Examination(testbed, order.oracle, order.before, order.tests, timeout, quick)
    edits = services.workspace.edits(candidate.patch)
    verdict, report = in_fresh_sandbox(services, order.environment, edits, examine)
    judged = replace(candidate, verdict=verdict)
    record(judged, services, report)
    return {"candidates": {judged.id: judged}}


def _task(order: DraftOrder, services: Services) -> Task:
    target = order.assignment.target
    index = services.index()
    seed = zlib.crc32(f"{services.options.seed}/{_name(order)}".encode()) & 0x7FFFFFFF
    task = Task(
        issue=order.issue,
        spec=order.spec,
        target=target,
        source=services.workspace.read(target.path),
        context=around(index, target),
        evidence=order.evidence,
        seed=seed,
        samples=order.assignment.samples,
        turn=order.assignment.turn,
    )
    return _with_files(task, order.assignment, services) if order.assignment.generator in _OF_SEVERAL else task


_OF_SEVERAL = (Replacer.name, ReplaceAgain.name)


def _with_files(task: Task, assignment: Assignment, services: Services) -> Task:
    """The task, with what a generator of several files is shown."""
    index = services.index()
    places = (assignment.target, *assignment.others)
    files = passages(index, services.workspace.read, places, task.issue.text)
    return replace(task, files=files, listed=frozenset(index.files))


def _drafted(order: DraftOrder, task: Task, services: Services) -> Drafted:
    if order.assignment.generator == COMBINED:
        return _combination(order.assignment, services)
    if order.assignment.generator == PROPOSED:
        found = find_proposals(parse_document(order.issue))
        return proposed.drafted(found, order.suspects, services.workspace.files(), services.workspace.read)
    if order.ground is None:
        return _generator(order.assignment).draft(task, services.model)
    base = services.workspace.edits(order.assignment.bases[0]) if order.assignment.bases else ()
    mutation = mutation_of(order.ground, base, services)
    if not mutation.check.possible:
        return Drafted(refused=("no run can choose among mutants here",))
    drafted = mutation(task)
    services.trace.emit("mutated", target=str(order.assignment.target), done=list(mutation.told))
    return drafted


def _combination(assignment: Assignment, services: Services) -> Drafted:
    """Both parts in one candidate, unless they touch the same lines."""
    one, other = map(services.workspace.edits, assignment.bases)
    try:
        return Drafted((Draft(combined(one, other), ""),))
    except EditRefused as refusal:
        return Drafted(refused=(str(refusal),))


def _generator(assignment: Assignment) -> Generator:
    if assignment.generator == Retrier.name:
        return Retrier(assignment.attempt, assignment.failure)
    if assignment.generator == ReplaceAgain.name:
        return ReplaceAgain(assignment.attempt, assignment.failure)
    return next(g for g in GENERATORS if g.name == assignment.generator)


def _name(order: DraftOrder) -> str:
    a = order.assignment
    return f"{order.round}/{a.generator}/{a.target.path}::{a.target.symbol}" + (f"/{a.parent}" if a.parent else "")


def _candidate(order: DraftOrder, made: Draft, sample: str, services: Services) -> Candidate:
    gate = problems(made.edits)
    return Candidate(
        id=candidate_key(made.edits),
        generator=order.assignment.generator,
        target=order.assignment.target,
        patch=services.workspace.diff(made.edits),
        drawn=(sample,),
        answer=made.answer,
        parent=order.assignment.parent,
        verdict=Verdict(gate=gate, failure="\n".join(gate)) if gate else None,
        likelihood=made.likelihood,
    )


def _report(order: DraftOrder, drafted: Drafted, candidates: dict[str, Candidate], services: Services) -> None:
    for candidate in candidates.values():
        if not services.session.exists(f"candidates/{candidate.id}.json"):  # else it was drawn, and judged, before
            record(candidate, services)
    services.trace.emit(
        "drafted",
        generator=order.assignment.generator,
        target=str(order.assignment.target),
        candidates=len(candidates),
        refused=list(drafted.refused),
    )
