"""Change a function in small, typical ways, without a model."""

from repoagent.drafting.mutation.generator import Mutator
from repoagent.drafting.mutation.mutants import Mutant, mutants
from repoagent.drafting.mutation.subject import Change

__all__ = ["Change", "Mutant", "Mutator", "mutants"]
