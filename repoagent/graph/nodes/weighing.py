"""Weigh the reproduction: one that notices none of many small mistakes in the patched function proves nothing of it."""

from __future__ import annotations

from functools import partial

from langgraph.runtime import Runtime

from repoagent.domain import Answer, Candidate, Edit, Oracle, Strength, Weight
from repoagent.generators.mutation.mutants import mutants
from repoagent.edits import EditRefused, meaning
from repoagent.graph.examine import open_with_edits
from repoagent.graph.services import Services
from repoagent.graph.state import State
from repoagent.graph.update import Update
from repoagent.evidence.screening import Check, Place, Variant, screen
from repoagent.evidence.reproduction.oracle import judge
from repoagent.sandbox.base import Environment, Finished

MUTANTS = 24
"""Small changes of the patched function, all tried in one sandbox."""
_SECONDS = 20.0
"""That this may take."""


def weigh(state: State, runtime: Runtime[Services]) -> Update:
    """Count how many mutants of the patched function the reproduction notices."""
    services = runtime.context
    chosen = state.chosen
    if chosen is None or state.environment is None or state.spent or state.strength is Strength.NONE:
        return {}
    if chosen.verdict is None or chosen.verdict.oracle != "passed" or not chosen.target.symbol:
        return {}
    weight = _weight(chosen, state.oracle, services, state.environment)
    services.trace.emit("weighed", noticed=weight.noticed, mutants=weight.mutants)
    return {"weight": weight}


def _weight(chosen: Candidate, oracle: Oracle, services: Services, environment: Environment) -> Weight:
    edits = services.workspace.edits(chosen.patch)
    edit = next((edit for edit in edits if edit.path == chosen.target.path), None)
    if edit is None or edit.after is None:
        return Weight()
    try:
        variants = _variants(chosen, edit)
    except (EditRefused, RecursionError):
        return Weight()
    place = Place(edit.path, edit.after, chosen.target.symbol)
    # By its script, whatever it proves: what a weak one notices is the question here.
    check = Check(Oracle(Strength.CRASH, oracle.script))
    judged = partial(_asked, oracle)
    seconds = services.within(_SECONDS)
    screened = screen(
        variants, place, check, judged, lambda: open_with_edits(services, environment, edits), seconds, len(variants) + 1
    )
    ran = [each for each in screened if each.shown]
    return Weight(sum(not each.passed for each in ran), len(ran))


def _variants(chosen: Candidate, edit: Edit) -> list[Variant]:
    """Mutants of the patched function, but for the one that takes the patch back."""
    after, before = edit.after or "", meaning(edit.before or "")
    found = mutants(after, chosen.target, "", MUTANTS)
    return [
        Variant(tuple((c.start, c.end, c.text) for c in mutant.changes))
        for mutant in found
        if meaning(mutant.apply(after)) != before
    ]


def _asked(oracle: Oracle, _checked: Oracle, finished: Finished) -> tuple[Answer, float]:
    answer = judge(oracle, finished)
    return answer, float(answer == "passed")
