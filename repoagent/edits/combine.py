"""Put two changes of the same code together, where they do not touch the same lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from repoagent.domain import Edit
from repoagent.edits.errors import EditRefused
from repoagent.edits.layout import split_lines


def combine_edits(one: Sequence[Edit], other: Sequence[Edit]) -> tuple[Edit, ...]:
    """Combine the edits of both. Raises EditRefused where they change the same lines, or what they change differs."""
    first, second = ({edit.path: edit for edit in edits} for edits in (one, other))
    return tuple(_combine_edit(first.get(path), second.get(path)) for path in dict.fromkeys((*first, *second)))


def _combine_edit(one: Edit | None, other: Edit | None) -> Edit:
    if one is None or other is None or one == other:
        return next(edit for edit in (one, other) if edit)
    if one.before != other.before or one.before is None or one.after is None or other.after is None:
        raise EditRefused(f"{one.path}: the two changes do not begin with the same text")
    return Edit(one.path, one.before, _merge_texts(one.path, one.before, one.after, other.after))


@dataclass(frozen=True)
class _LineHunk:
    start: int
    end: int
    lines: tuple[str, ...]


def _merge_texts(path: str, before: str, one: str, other: str) -> str:
    hunks = sorted({*_find_hunks(before, one), *_find_hunks(before, other)}, key=lambda hunk: (hunk.start, hunk.end))
    for hunk, following in pairwise(hunks):
        if hunk.end > following.start or hunk.start == following.start:
            raise EditRefused(f"{path}: both changes touch line {following.start + 1}")
    lines = split_lines(before)
    for hunk in reversed(hunks):
        lines[hunk.start : hunk.end] = hunk.lines
    return "".join(lines)


def _find_hunks(before: str, after: str) -> Iterator[_LineHunk]:
    old, new = split_lines(before), split_lines(after)
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield _LineHunk(i1, i2, tuple(new[j1:j2]))
