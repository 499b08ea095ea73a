"""Measure how much a reproduction looks at: one that notices none of many small mistakes in the patched function proves
nothing of it."""

from __future__ import annotations

from functools import partial

from repoagent.domain import Answer, Candidate, Edit, MutationScore, Oracle, Strength
from repoagent.edits import EditRefused
from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.reproduction.oracle import judge
from repoagent.evidence.screening import ScreeningOracle, Variant, VariedFunction, screen
from repoagent.evidence.workbench import Workbench
from repoagent.generators.mutation.mutants import generate_mutants
from repoagent.languages import Capability, fingerprint, has_capability
from repoagent.sandbox.base import CommandResult

MUTANTS = 24
"""Small changes of the patched function, all tried in one sandbox."""
_SECONDS = 20.0
"""That this may take."""


def measure_mutation_score(chosen: Candidate, context: EvaluationContext, workbench: Workbench) -> MutationScore:
    """How many mutants of the patched function the reproduction of `context` notices."""
    edits = workbench.workspace.parse_edits(chosen.patch)
    edit = next((edit for edit in edits if edit.path == chosen.target.path), None)
    if edit is None or edit.after is None or not has_capability(edit.path, Capability.MUTATION):
        return MutationScore()
    try:
        variants = _make_variants(chosen, edit)
    except (EditRefused, RecursionError):
        return MutationScore()
    place = VariedFunction(edit.path, edit.after, chosen.target.symbol)
    # By its script, whatever it proves: what a weak one notices is the question here.
    check = ScreeningOracle(Oracle(Strength.CRASH, context.oracle.script))
    judge_run = partial(_judge_run, context.oracle)
    seconds = workbench.limit_seconds(_SECONDS)
    screened = screen(
        variants,
        place,
        check,
        judge_run,
        lambda: workbench.open_with_edits(context.environment, edits),
        seconds,
        len(variants) + 1,
    )
    ran = [each for each in screened if each.behaviour]
    return MutationScore(sum(not each.passed for each in ran), len(ran))


def _make_variants(chosen: Candidate, edit: Edit) -> list[Variant]:
    """Mutants of the patched function, but for the one that takes the patch back."""
    after, before = edit.after or "", fingerprint(edit.path, edit.before or "")
    found = generate_mutants(after, chosen.target, "", MUTANTS)
    return [
        Variant(tuple((c.start, c.end, c.text) for c in mutant.changes))
        for mutant in found
        if fingerprint(edit.path, mutant.apply(after)) != before
    ]


def _judge_run(oracle: Oracle, _checked: Oracle, finished: CommandResult) -> tuple[Answer, float]:
    answer = judge(oracle, finished)
    return answer, float(answer == "passed")
