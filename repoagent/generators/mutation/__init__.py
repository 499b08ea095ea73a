"""Change a function in small, typical ways, without a model."""

from repoagent.generators.mutation.generator import Mutator
from repoagent.generators.mutation.mutants import Mutant, mutants
from repoagent.generators.mutation.target import Change

__all__ = ["Change", "Mutant", "Mutator", "mutants"]
