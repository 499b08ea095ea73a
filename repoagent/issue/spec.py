"""Work out from an issue alone how the software behaves and how it shall: the spec without a model.

A small model that puts an issue into its own words adds errors to it, and takes as long as for a candidate patch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from repoagent.domain import Issue, Spec
from repoagent.issue.blocks import Block, BlockKind, Role
from repoagent.issue.document import parse_document
from repoagent.issue.wording import cut_label, is_fault, is_task, is_wish

_MAX_LENGTH = 240
"""Characters of a sentence; longer ones are cut at a word."""
_MAX_SENTENCES = 3
"""On each side."""
_BULLET = re.compile(r"^\s*[-*]\s+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'(])")


def build_spec(issue: Issue) -> Spec:
    """Return the issue's sentences that say what is wrong, and those that say what is wanted, in its own words.

    A heading or label such as `Expected behaviour` decides for what stands below it; elsewhere the verbs do.
    """
    current: list[str] = []
    proposed: list[str] = []
    (proposed if is_task(issue.title) or is_wish(issue.title) else current).append(issue.title)
    for role, sentence in _find_sentences(parse_document(issue).blocks):
        if role == "expected" or (not role and is_wish(sentence)):
            proposed.append(sentence)
        elif role == "actual" or is_fault(sentence):
            current.append(sentence)
    current, proposed = ([text for text in dict.fromkeys(side) if text.strip()] for side in (current, proposed))
    if not proposed:
        proposed.append(f"This no longer holds: {issue.title}")
    return Spec(tuple(current[:_MAX_SENTENCES]), tuple(proposed[:_MAX_SENTENCES]))


def _find_sentences(blocks: Sequence[Block]) -> Iterator[tuple[Role, str]]:
    """Yield the sentences of the reporter's prose, each with the role that a heading or label gives it.

    Headings, labels, empty lines and bullets end one; code in the middle of a sentence does not.
    """
    role: Role = ""
    lines: list[str] = []
    for block, line in _find_lines(blocks):
        label = cut_label(line)
        if label or not line.strip() or _BULLET.match(line):
            yield from ((role, sentence) for sentence in _split_sentences(" ".join(lines)))
            lines.clear()
            role = label[0] if label else block.role
        lines.append(_BULLET.sub("", label[1] if label else line))


def _find_lines(blocks: Sequence[Block]) -> Iterator[tuple[Block, str]]:
    """Yield the lines of prose with the block of each; an empty one for each heading, and at the end."""
    for block in blocks:
        if block.comment or block.section.is_environment:
            continue
        if block.kind is BlockKind.PROSE:
            yield from ((block, line) for line in block.text.split("\n"))
        elif block.kind is BlockKind.HEADING:
            yield block, ""
    yield Block(BlockKind.PROSE, "", 0, 0), ""


def _split_sentences(text: str) -> Iterator[str]:
    for sentence in _SENTENCE.split(text):
        words = " ".join(sentence.split())
        if len(words) > _MAX_LENGTH:
            words = words[: words.rfind(" ", 0, _MAX_LENGTH)] + " …"
        if any(letter.isalnum() for letter in words):
            yield words
