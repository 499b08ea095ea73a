"""Generators: each proposes candidate edits in its own way. A new one is a file, a line in GENERATORS, and a row in the
profiles that says how many samples it gets."""

from repoagent.generators.base import (
    Draft,
    DraftTask,
    Generator,
    GeneratorContext,
    Proposals,
    Scope,
    Traits,
)
from repoagent.generators.combine import Combiner
from repoagent.generators.from_issue import IssueReader
from repoagent.generators.infill import Infiller
from repoagent.generators.mutation import Mutator
from repoagent.generators.retry import Retrier
from repoagent.generators.rewrite import Rewriter
from repoagent.generators.search_replace import Replacer, ReplaceRetrier

GENERATORS: tuple[Generator, ...] = (
    IssueReader(),
    Replacer(),
    Mutator(),
    Infiller(),
    Rewriter(),
    Retrier(),
    ReplaceRetrier(),
    Combiner(),
)
"""In the order in which they are asked within their scope: what costs least first."""


def find_generator(name: str) -> Generator:
    """The generator of a name in a work item; raises KeyError for a name that no generator has."""
    return {generator.name: generator for generator in GENERATORS}[name]


__all__ = [
    "GENERATORS",
    "Combiner",
    "Draft",
    "DraftTask",
    "Generator",
    "GeneratorContext",
    "Infiller",
    "IssueReader",
    "Mutator",
    "Proposals",
    "ReplaceRetrier",
    "Replacer",
    "Retrier",
    "Rewriter",
    "Scope",
    "Traits",
    "find_generator",
]
