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


class IssuePart(Enum):
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


WEIGHTS: Final[Mapping[IssuePart, float]] = {
    IssuePart.TITLE: 4.0,
    IssuePart.PROSE: 1.0,
    IssuePart.COMMENT: 0.5,
    IssuePart.CODE: 0.3,
    IssuePart.ENVIRONMENT: 0.0,
    IssuePart.FORM: 0.0,
}
"""What one occurrence of a word counts; see `benchmarks/localisation` for what each is worth."""

_TRACKER_WORDS: Final = """
    actual behavior behaviour bug describe description expect expected happen happens issue issues last problem recent
    reproduce step steps traceback version
"""
"""What the forms of issue trackers ask for."""


def split_parts(issue: Issue) -> Iterator[tuple[IssuePart, str]]:
    """Yield the pieces of `issue` with the part that each belongs to, in their order."""
    for block in parse_document(issue).blocks:
        if block.kind is BlockKind.TITLE:
            yield IssuePart.TITLE, block.text
        elif block.layout is Layout.BARE:
            yield from ((_choose_part_of_line(block, line), line) for line in block.text.split("\n"))
        elif block.kind is not BlockKind.AUTHOR:
            yield _choose_part(block), block.text


def count_term_weights(issue: Issue, *, equally: bool = False) -> dict[str, float]:
    """Return the words of `issue`, each with how often it is said, weighted by where unless all count `equally`."""
    masses: dict[str, float] = {}
    for part, text in split_parts(issue):
        if weight := 1.0 if equally else WEIGHTS[part]:
            for term, count in Counter(collect_terms(text)).items():
                masses[term] = masses.get(term, 0.0) + weight * count
    asked_for_by_forms = frozenset(collect_terms(_TRACKER_WORDS))
    return {term: mass for term, mass in masses.items() if term not in asked_for_by_forms}


def _choose_part(block: Block) -> IssuePart:
    if block.kind is BlockKind.FORM:
        return IssuePart.FORM
    if block.section.is_environment:
        return IssuePart.ENVIRONMENT
    if block.is_set_apart or block.kind not in {BlockKind.PROSE, BlockKind.HEADING}:
        return IssuePart.CODE
    return IssuePart.COMMENT if block.comment else IssuePart.PROSE


def _choose_part_of_line(block: Block, line: str) -> IssuePart:
    """Code without any mark counts as the prose that it stands in, but for lines that look like code by themselves."""
    if block.section.is_environment:
        return IssuePart.ENVIRONMENT
    if is_set_off(line):
        return IssuePart.CODE
    return IssuePart.COMMENT if block.comment else IssuePart.PROSE
