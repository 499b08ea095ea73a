"""Generators: each turns a located function into candidate edits in its own way."""

from repoagent.generators.base import Draft, Proposals, Generator, DraftTask
from repoagent.generators.infill import Infiller
from repoagent.generators.mutation import Mutator
from repoagent.generators.search_replace import ReplaceRetrier, Replacer
from repoagent.generators.retry import Retrier
from repoagent.generators.rewrite import Rewriter

GENERATORS: tuple[Generator, ...] = (Mutator(), Replacer(), Infiller(), Rewriter())
"""In the order in which they are asked: what costs least first."""

__all__ = [
    "GENERATORS",
    "Draft",
    "Proposals",
    "Generator",
    "Infiller",
    "Mutator",
    "ReplaceRetrier",
    "Replacer",
    "Retrier",
    "Rewriter",
    "DraftTask",
]
