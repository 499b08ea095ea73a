"""Change a function in small, typical ways, without a model."""

from repoagent.generators.mutation.generator import Mutator
from repoagent.generators.mutation.mutants import Mutant, generate_mutants
from repoagent.generators.mutation.target import TextChange

__all__ = ["Mutant", "Mutator", "TextChange", "generate_mutants"]
