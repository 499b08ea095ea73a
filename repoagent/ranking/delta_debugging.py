"""Delta debugging of edits: what a candidate changed without need goes, as long as the evidence holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from repoagent.domain import Edit
from repoagent.edits.syntax import lines_of


def smaller(edits: Sequence[Edit]) -> Iterator[tuple[Edit, ...]]:
    """Yield every version of `edits` with one change left out; none when there is a single change.

    Ask again with what was accepted: one-minimal delta debugging (Zeller and Hildebrandt, 2002), on hunks.
    """
    changes = [(n, m) for n, edit in enumerate(edits) for m in range(len(_hunks(edit)))]
    if len(changes) < 2:
        return
    for file, hunk in changes:
        yield tuple(_without(edit, hunk) if n == file else edit for n, edit in enumerate(edits))


def _without(edit: Edit, hunk: int) -> Edit:
    before, after = _lines(edit.before), _lines(edit.after)
    i1, i2, j1, j2 = _hunks(edit)[hunk]
    return replace(edit, after="".join([*after[:j1], *before[i1:i2], *after[j2:]]))


def _hunks(edit: Edit) -> list[tuple[int, int, int, int]]:
    if edit.before is None or edit.after is None:
        return []
    matcher = SequenceMatcher(None, _lines(edit.before), _lines(edit.after), autojunk=False)
    return [(i1, i2, j1, j2) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"]


def _lines(text: str | None) -> list[str]:
    return lines_of(text or "")
