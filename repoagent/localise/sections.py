"""How much a word of an issue says about where the fault lies, by the part of the issue that it stands in.

A title says it in few words; a snippet is full of names of the reporter's own; forms ask for versions and explain
themselves in comments, and neither has to do with the fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final

from repoagent.domain import Issue
from repoagent.index.retrieval.words import collect_terms
from repoagent.issue.blocks import Block, BlockKind, Layout
from repoagent.issue.document import parse_document
from repoagent.issue.lines import is_set_off


class Part(Enum):
    """What a piece of text is."""

    TITLE = "title"
    PROSE = "prose"
    COMMENT = "comment"
    """What others wrote below."""
    CODE = "code"
    """Snippets, output and tracebacks."""
    ENVIRONMENT = "environment"
    """Versions and platforms."""
    FORM = "form"
    """What the tracker's form says to the reporter."""


WEIGHTS: Final[Mapping[Part, float]] = {
    Part.TITLE: 4.0,
    Part.PROSE: 1.0,
    Part.COMMENT: 0.5,
    Part.CODE: 0.3,
    Part.ENVIRONMENT: 0.0,
    Part.FORM: 0.0,
}
"""What one occurrence of a word counts; see `benchmarks/localisation` for what each is worth."""

_TRACKER_WORDS: Final = """
    actual behavior behaviour bug describe description expect expected happen happens issue issues last problem recent
    reproduce step steps traceback version
"""
"""What the forms of issue trackers ask for."""


def parts_of(issue: Issue) -> Iterator[tuple[Part, str]]:
    """Yield the pieces of `issue` with the part that each belongs to, in their order."""
    for block in parse_document(issue).blocks:
        if block.kind is BlockKind.TITLE:
            yield Part.TITLE, block.text
        elif block.layout is Layout.BARE:
            yield from ((_part_of_line(block, line), line) for line in block.text.split("\n"))
        elif block.kind is not BlockKind.AUTHOR:
            yield _part_of(block), block.text


def query_masses(issue: Issue, *, equally: bool = False) -> dict[str, float]:
    """Return the words of `issue`, each with how often it is said, weighted by where unless all count `equally`."""
    masses: dict[str, float] = {}
    for part, text in parts_of(issue):
        if weight := 1.0 if equally else WEIGHTS[part]:
            for term, count in Counter(collect_terms(text)).items():
                masses[term] = masses.get(term, 0.0) + weight * count
    asked_for_by_forms = frozenset(collect_terms(_TRACKER_WORDS))
    return {term: mass for term, mass in masses.items() if term not in asked_for_by_forms}


def _part_of(block: Block) -> Part:
    if block.kind is BlockKind.FORM:
        return Part.FORM
    if block.section.is_environment:
        return Part.ENVIRONMENT
    if block.is_set_apart or block.kind not in {BlockKind.PROSE, BlockKind.HEADING}:
        return Part.CODE
    return Part.COMMENT if block.comment else Part.PROSE


def _part_of_line(block: Block, line: str) -> Part:
    """Code without any mark counts as the prose that it stands in, but for lines that look like code by themselves."""
    if block.section.is_environment:
        return Part.ENVIRONMENT
    if is_set_off(line):
        return Part.CODE
    return Part.COMMENT if block.comment else Part.PROSE
