"""What is drafted in which order: one generator on one function at a time, so that an early answer ends the run
early."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from repoagent.domain import FROM_ISSUE, Issue, Location, Spec, Strength
from repoagent.drafting import GENERATORS, Mutator, Replacer, Rewriter
from repoagent.graph.artefacts import steps_for
from repoagent.graph.services import Services
from repoagent.graph.state import Assignment, State
from repoagent.index.build import Index
from repoagent.issue.document import parse_document
from repoagent.issue.proposals import find_proposals
from repoagent.judging.gate import is_test

MUTATION = Mutator.name
COMBINED = "combined"
"""The generator of candidates that are put together from two others."""
PROPOSED = FROM_ISSUE
_TURNS = 3
"""Times that the planned functions are gone through, with fresh samples each time; more than once only where a test
can tell right from wrong."""


def following(state: State, services: Services) -> Assignment | None:
    """The first piece of work that was not done yet, or None when nothing is left to try."""
    return next((a for a in _agenda(state, services) if name_of(a) not in state.worked), None)


def name_of(assignment: Assignment) -> str:
    """Equal for equal pieces of work."""
    target = assignment.target
    parts = (assignment.generator, f"{target.path}::{target.symbol}", assignment.parent, str(assignment.turn or ""))
    return ":".join(filter(None, parts))


def targets(locations: Sequence[Location], index: Index) -> list[Location]:
    """Those that name a function, method or class, of no test: what the generators work on."""
    return [location for location in locations if _is_target(location, index)]


def planned_targets(state: State, index: Index) -> list[Location]:
    """What the plan names, with what the localisation knows of them; those that the reproduction never reaches
    come last, and names that do not exist are left out."""
    known = {(location.path, location.symbol): location for location in state.locations}
    named = [(file.path, symbol) for file in state.plan.files for symbol in file.symbols]
    found = [location for name in named if (location := known.get(name) or _locate(*name, index))]
    return sorted(found, key=lambda location: not _is_reached(state, location))


def wanted(state: State, assignment: Assignment) -> Spec:
    """The spec, and with it the steps that a person wrote into the plan for the files that are worked on."""
    paths = {assignment.target.path, *(other.path for other in assignment.others)}
    planned = [file for file in state.plan.files if file.path in paths and file.symbols]
    steps = [s for file in planned if file.steps != steps_for(file.symbols[0], state.spec) for s in file.steps]
    return replace(state.spec, proposed=(*state.spec.proposed, *dict.fromkeys(steps))) if steps else state.spec


def shown(state: State) -> str:
    """What running the untouched code shows of the problem: the issue's example, or the failing tests that it names."""
    named = any(is_named(test, state.issue) for test in state.before.failing)
    return state.oracle.observed or (state.before.shown if named else "")


def is_named(test: str, issue: Issue) -> bool:
    """Whether an issue names a test, or its file."""
    names = (test.partition("::")[0], _own_name(test))
    return any(len(name) >= _LEAST_NAME and name in issue.text for name in names)


_LEAST_NAME = 6
"""Characters of a test's name that is not in an issue by chance."""


def _own_name(test: str) -> str:
    return test.rpartition("::")[2].partition("[")[0]


def can_tell(state: State) -> bool:
    """Whether any run could show that a candidate is right."""
    return state.strength in (Strength.STRONG, Strength.CRASH) or bool(state.before.failing)


def whole_plan(state: State, services: Services, turn: int = 0) -> Iterator[Assignment]:
    """All planned functions at once, and the suspicious lines at module level, for a model that can change several
    places with one answer."""
    planned = planned_targets(state, services.index())
    modules = [each for each in state.locations if _is_module(each)][: services.model.profile.functions]
    places = (*planned, *(each for each in modules if each not in planned))
    if places and (count := Replacer().samples(services.model)):
        samples = min(count, services.options.samples or count)
        yield Assignment(Replacer.name, places[0], samples, turn, others=places[1:])


def _agenda(state: State, services: Services) -> Iterator[Assignment]:
    planned = planned_targets(state, services.index())
    if planned and find_proposals(parse_document(state.issue)):
        yield Assignment(PROPOSED, planned[0], 1)
    yield from whole_plan(state, services)
    yield from _turn(planned, state, services, 0)
    if not can_tell(state):
        # Nothing but the number of samples that agree tells which one is right.
        yield from (a for a in _turn(planned[:1], state, services, 1) if a.generator == Rewriter.name)
        return
    others = [location for location in targets(state.locations, services.index()) if location not in planned]
    yield from _turn(others[: services.model.profile.functions], state, services, 0)
    for turn in range(1, _TURNS):
        yield from whole_plan(state, services, turn)
        yield from _turn(planned, state, services, turn)


def _turn(planned: Sequence[Location], state: State, services: Services, turn: int) -> Iterator[Assignment]:
    for target in planned:
        for generator in GENERATORS:
            if generator.name == Replacer.name:
                continue  # it works on all of them together
            if generator.name == MUTATION:
                yield from _mutation(target, state, services) if not turn else ()
            elif count := generator.samples(services.model):
                yield Assignment(generator.name, target, min(count, services.options.samples or count), turn)


def _mutation(target: Location, state: State, services: Services) -> Iterator[Assignment]:
    """Mutants are no samples of a model, and nothing but a run can choose among them."""
    if (count := services.model.profile.mutants) and can_tell(state) and state.environment:
        yield Assignment(MUTATION, target, count)


def _is_reached(state: State, location: Location) -> bool:
    """Whether the reproduction executes it, or that is not known."""
    lines = state.executed.get(location.path, ())
    return not state.executed or any(location.start <= line <= location.end for line in lines)


def _is_target(location: Location, index: Index) -> bool:
    symbol = index.symbol(location.path, location.symbol)
    known = symbol is not None and (symbol.is_function or symbol.is_type)
    return known and location.path.endswith(".py") and not is_test(location.path)


def _is_module(location: Location) -> bool:
    return not location.symbol and location.path.endswith(".py") and not is_test(location.path)


def _locate(path: str, symbol: str, index: Index) -> Location | None:
    found = index.symbol(path, symbol)
    return Location(path, symbol, found.start, found.end, reasons=("named in the plan",)) if found else None
