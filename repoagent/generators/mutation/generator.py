"""Mutation as a generator: many small changes, no model."""

from __future__ import annotations

from dataclasses import dataclass

from repoagent.domain import WorkItem
from repoagent.evidence.screening.choosing import make_screening_oracle
from repoagent.generators.base import GeneratorContext, Proposals, Scope, Traits, make_task
from repoagent.generators.mutation.search import MutationSearch
from repoagent.languages import Capability
from repoagent.llm.base import Model


@dataclass(frozen=True)
class Mutator:
    """First-order mutants of a function; they are many, and only those that a screening likes should be tested.

    A mutator of this kind holds a right fix of 65 % of HumanEvalFix-python's bugs, and of 3 to 5 % of SWE-bench Lite's.
    """

    name: str = "mutation"
    traits = Traits(
        Scope.FUNCTION,
        needs=frozenset({Capability.MUTATION, Capability.IN_PROCESS_SCREENING}),
        needs_runs=True,
        repeats=False,
        starts_from_failures=True,
    )

    def sample_count(self, model: Model) -> int:
        return model.profile.mutants

    def propose(self, item: WorkItem, context: GeneratorContext) -> Proposals:
        """The mutants that a screening lets pass, of the untouched code or of the candidate that the item starts
        from."""
        if context.evaluation is None:
            return Proposals(refused=("no run can choose among mutants here",))
        workbench = context.workbench
        oracle = make_screening_oracle(context.evaluation, workbench)
        if not oracle.is_decisive:
            return Proposals(refused=("no run can choose among mutants here",))
        environment = context.evaluation.environment
        search = MutationSearch(
            oracle,
            lambda edits: workbench.open_with_edits(environment, edits),
            workbench.limit_seconds(context.mutation_seconds),
            tuple(workbench.workspace.parse_edits(item.bases[0])) if item.bases else (),
            context.options,
        )
        found = search(make_task(item, context))
        workbench.trace.emit("mutated", target=str(item.target), done=list(search.log))
        return found
