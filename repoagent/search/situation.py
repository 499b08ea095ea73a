"""All that the policy decides by, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from repoagent.domain import Candidate, CompletedWork, Location, Strength, WorkKey
from repoagent.languages import Capability


@dataclass(frozen=True)
class Situation:
    """What is planned, what was done, and what came of it."""

    planned: tuple[Location, ...] = ()
    """The functions and classes of the plan, in the order in which they are worked on."""
    others: tuple[Location, ...] = ()
    """Further suspects, for when all that is planned had its turn."""
    modules: tuple[Location, ...] = ()
    """Suspicious places at module level, for generators that change several places at once."""
    samples: Mapping[str, int] = field(default_factory=dict)
    """By generator, how many answers it gets for one piece of work; none or 0 switches it off."""
    missing_capabilities: Mapping[str, frozenset[Capability]] = field(default_factory=dict)
    """By file, what cannot be done for its language; nothing for a file that is not in it."""
    retry_on: tuple[str, ...] = ()
    """Exceptions that the model can mend when it sees them; `*` for any."""
    strength: Strength = Strength.NONE
    """Of the reproduction."""
    has_oracle: bool = False
    """Whether any run could show that a candidate is right."""
    can_run: bool = False
    """Whether there is an environment in which anything runs."""
    has_proposals: bool = False
    """Whether the issue itself proposes a change."""
    candidates: tuple[Candidate, ...] = ()
    """In the order in which they were first drawn."""
    history: tuple[CompletedWork, ...] = ()

    def can_work_on(self, target: Location, needs: frozenset[Capability]) -> bool:
        """Whether the language of a place can do all that is needed."""
        return not needs & self.missing_capabilities.get(target.path, frozenset())

    @cached_property
    def done(self) -> frozenset[WorkKey]:
        """What was worked on already."""
        return frozenset(work.key for work in self.history)
