"""What is true of the untouched code: which tests pass, and whether the issue can be shown to be real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from langgraph.runtime import Runtime

from repoagent.domain import Location, Strength, dump
from repoagent.evidence.baseline import BaselineRequest, measure_baseline
from repoagent.evidence.reproduction.find import Reproduction, ReproductionFinder
from repoagent.graph.services import Services
from repoagent.graph.state import State
from repoagent.graph.update import Update
from repoagent.localise import localise
from repoagent.localise.spectrum import Spectrum
from repoagent.search.plan import find_planned, select_targets


def baseline(state: State, runtime: Runtime[Services]) -> Update:
    """Run the tests near the suspects on the untouched code, twice where they fail."""
    services = runtime.context
    if state.evaluation is None:
        return {}
    services.budget.check()
    index = services.index()
    targets: Sequence[Location] = select_targets(state.locations, index)[: services.model.profile.functions]
    if state.is_approved:
        targets = find_planned(state.plan, state.locations, index) or targets
    request = BaselineRequest(state.issue, state.locations, targets)
    found = measure_baseline(request, state.evaluation, services.workbench, index)
    return {
        "evaluation": found.near,
        "wide": found.wide,
        "whole": found.whole,
        "is_measured": True,
        "baseline_notes": found.notes,
    }


def reproduce(state: State, runtime: Runtime[Services]) -> Update:
    """Turn the issue's own example into a check that fails today, and see what it executes."""
    services = runtime.context
    if state.evaluation is None:
        return {}
    index = services.index()
    targets = select_targets(state.locations, index)
    found = ReproductionFinder(
        state.issue, targets, state.evaluation, services.workbench, index, services.model, services.options.seed
    ).find()
    oracle = found.oracle
    services.session.write("oracle.json", dump(oracle))
    services.trace.emit("reproduced", strength=oracle.strength, source=oracle.source, observed=oracle.observed[-200:])
    evaluation = replace(state.evaluation, oracle=oracle)
    if found.passing_examples.strength is not Strength.NONE:
        held = replace(evaluation.baseline, passing_examples=found.passing_examples)
        evaluation = replace(evaluation, baseline=held)
    return {"evaluation": evaluation, **_narrow_suspects(state, found, services)}


def _narrow_suspects(state: State, found: Reproduction, services: Services) -> Update:
    """The suspects by what the failing example executes; what it does not reach comes last."""
    if not found.executed:
        return {}
    spectrum = Spectrum((found.executed,))
    locations = localise(state.issue, services.index(), len(state.locations), spectrum=spectrum)
    functions = [str(location) for location in locations[:5]]
    services.trace.emit("narrowed", files=len(found.executed), functions=functions)
    return {"locations": locations}
