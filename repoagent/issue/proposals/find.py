"""Find what an issue's document proposes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise

from repoagent.issue.blocks import Block, BlockKind, Layout
from repoagent.issue.document import IssueDocument
from repoagent.issue.proposals.diffs import read_hunks
from repoagent.issue.proposals.model import ProposedChange, ProposedHunk
from repoagent.issue.proposals.prose import find_pieces, find_replacements

MAX_PROPOSALS = 8
"""Of one issue, without its pieces."""
MAX_PIECES = 40
"""Pieces that are read of one issue."""
_MAX_LENGTH = 8_000
"""Characters of one block."""
_MAX_BETWEEN = 250
"""Characters of the words between two blocks of which the second shall replace the first."""
_LEADS_TO_FIX = re.compile(
    r"\b(?:to|with|into|be|fix(?:ed)?|instead|becomes?|like(?: this)?|as follows|proposed?|solution|suggest(?:ed|ion)?|"
    r"change[ds]?|replaced?|works?|something like)\b[^\n]{0,40}$",
    re.IGNORECASE,
)
_DEFINES = re.compile(r"^\s*(?:async )?def \w+", re.MULTILINE)
_PYTHON = frozenset({"", "py", "python", "python3", "suggestion"})

_Pair = tuple[str, Block]
"""A block, and the text between it and the one above."""


def find_proposals(
    document: IssueDocument, has_function: Callable[[Block], bool] = lambda _: False
) -> tuple[ProposedChange, ...]:
    """Return what the issue proposes, diffs first; at most MAX_PROPOSALS, and one more for all pieces.

    `has_function` tells whether a block holds a function in another language than Python.
    """
    found, _ = document.split_at(_may_propose)
    blocks = [pair for pair in found if pair[1].text.strip() and len(pair[1].text) <= _MAX_LENGTH]
    text = document.text.expandtabs(4)
    changes = [
        *_find_diffs(blocks),
        *_find_replacements(text),
        *_find_pairs(blocks),
        *_find_functions(blocks, has_function),
    ]
    pieces = tuple(islice(dict.fromkeys(find_pieces(text)), MAX_PIECES))
    named = (ProposedChange("a line that the issue shows", pieces=pieces),) if pieces else ()
    return (*tuple(dict.fromkeys(changes))[:MAX_PROPOSALS], *named)


def _may_propose(block: Block) -> bool:
    """Sessions and indented code show what happens; they are part of the text between."""
    return block.layout is Layout.FENCED or (block.layout is Layout.BARE and block.kind is not BlockKind.SESSION)


def _find_diffs(blocks: Sequence[_Pair]) -> Iterator[ProposedChange]:
    for _, block in blocks:
        if block.kind is BlockKind.DIFF and (hunks := tuple(read_hunks(_trim(block)))):
            yield ProposedChange("the diff in the issue", hunks)


def _find_replacements(text: str) -> Iterator[ProposedChange]:
    for hunk in find_replacements(text):
        yield ProposedChange("a replacement that the issue names", (hunk,))


def _find_pairs(blocks: Sequence[_Pair]) -> Iterator[ProposedChange]:
    """Yield two blocks of code one after the other, with words between them that turn the first into the second."""
    for (_, first), (between, second) in pairwise(blocks):
        words = between.strip()
        is_fix = len(words) < _MAX_BETWEEN and _LEADS_TO_FIX.search(words.rstrip(": *\n"))
        before, after = _trim(first), _trim(second)
        if is_fix and before != after and second.kind is not BlockKind.DIFF:
            yield ProposedChange("the code that the issue shows as it should be", (ProposedHunk(before, after),))


def _find_functions(blocks: Sequence[_Pair], has_function: Callable[[Block], bool]) -> Iterator[ProposedChange]:
    """Yield blocks that hold a function, which may be one of the project's as it should be."""
    for _, block in blocks:
        if (block.language in _PYTHON and _DEFINES.search(block.text)) or has_function(block):
            yield ProposedChange("the function that the issue shows", function=_trim(block))


def _trim(block: Block) -> str:
    return block.text.strip("\n")
