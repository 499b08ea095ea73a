"""Put two candidates together that change different functions, where each mends what the other does not."""

from __future__ import annotations

from dataclasses import dataclass

from repoagent.domain import WorkItem
from repoagent.edits import EditRefused
from repoagent.edits.combine import combine_edits
from repoagent.generators.base import Draft, GeneratorContext, Proposals, Scope, Traits
from repoagent.llm.base import Model


@dataclass(frozen=True)
class Combiner:
    """Both changes in one candidate."""

    name: str = "combined"
    traits = Traits(Scope.CANDIDATES, needs_runs=True)

    def sample_count(self, model: Model) -> int:  # noqa: ARG002 - no model is asked
        return 1

    def propose(self, item: WorkItem, context: GeneratorContext) -> Proposals:
        """The edits of both bases, unless they touch the same lines."""
        one, other = map(context.workbench.workspace.parse_edits, item.bases)
        try:
            return Proposals((Draft(combine_edits(one, other), ""),))
        except EditRefused as refusal:
            return Proposals(refused=(str(refusal),))
