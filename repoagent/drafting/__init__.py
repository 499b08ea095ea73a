"""Generators: each turns a located function into candidate edits in its own way."""

from repoagent.drafting.base import Draft, Drafted, Generator, Task
from repoagent.drafting.infill import Infiller
from repoagent.drafting.mutation import Mutator
from repoagent.drafting.replacing import ReplaceAgain, Replacer
from repoagent.drafting.retry import Retrier
from repoagent.drafting.rewrite import Rewriter

GENERATORS: tuple[Generator, ...] = (Mutator(), Replacer(), Infiller(), Rewriter())
"""In the order in which they are asked: what costs least first."""

__all__ = [
    "GENERATORS",
    "Draft",
    "Drafted",
    "Generator",
    "Infiller",
    "Mutator",
    "ReplaceAgain",
    "Replacer",
    "Retrier",
    "Rewriter",
    "Task",
]
