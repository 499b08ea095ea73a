"""Mutation as a generator: many small changes, no model."""

from __future__ import annotations

from dataclasses import dataclass

from repoagent.domain import Edit
from repoagent.generators.base import Draft, Proposals, DraftTask
from repoagent.generators.mutation.mutants import Mutant, mutants
from repoagent.edits import EditRefused
from repoagent.llm.base import Model


@dataclass(frozen=True)
class Mutator:
    """First-order mutants of a function; they are many, and only those that a screening likes should be tested.

    A mutator of this kind holds a right fix of 65 % of HumanEvalFix-python's bugs, and of 3 to 5 % of SWE-bench Lite's.
    """

    name: str = "mutation"

    def sample_count(self, model: Model) -> int:
        return model.profile.mutants

    def draft(self, task: DraftTask, model: Model) -> Proposals:  # noqa: ARG002 - no model is asked
        try:
            found = self.mutants(task)
        except (EditRefused, RecursionError) as refusal:
            return Proposals(refused=(str(refusal) or "the function is nested too deeply",))
        path, before = task.target.path, task.source
        return Proposals(tuple(Draft((Edit(path, before, m.apply(before)),), m.pattern, m.likelihood) for m in found))

    def mutants(self, task: DraftTask) -> tuple[Mutant, ...]:
        """As many as the task asks for, the likeliest first; raises EditRefused where there is no such function."""
        return mutants(task.source, task.target, _told(task), task.samples)


def _told(task: DraftTask) -> str:
    """The words in which the task is told."""
    return "\n".join((task.issue.text[:_LONGEST], *task.spec.proposed, task.documentation))


_LONGEST = 20_000
