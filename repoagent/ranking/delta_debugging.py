"""Delta debugging of edits: what a candidate changed without need goes, as long as the evidence holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from repoagent.domain import Edit
from repoagent.languages.python.syntax import split_lines


def leave_out_changes(edits: Sequence[Edit]) -> Iterator[tuple[Edit, ...]]:
    """Yield every version of `edits` with one change left out; none when there is a single change.

    Ask again with what was accepted: one-minimal delta debugging (Zeller and Hildebrandt, 2002), on hunks.
    """
    changes = [(n, m) for n, edit in enumerate(edits) for m in range(len(_find_hunks(edit)))]
    if len(changes) < 2:
        return
    for file, hunk in changes:
        yield tuple(_undo_hunk(edit, hunk) if n == file else edit for n, edit in enumerate(edits))


def _undo_hunk(edit: Edit, hunk: int) -> Edit:
    before, after = _split_lines(edit.before), _split_lines(edit.after)
    i1, i2, j1, j2 = _find_hunks(edit)[hunk]
    return replace(edit, after="".join([*after[:j1], *before[i1:i2], *after[j2:]]))


def _find_hunks(edit: Edit) -> list[tuple[int, int, int, int]]:
    if edit.before is None or edit.after is None:
        return []
    matcher = SequenceMatcher(None, _split_lines(edit.before), _split_lines(edit.after), autojunk=False)
    return [(i1, i2, j1, j2) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"]


def _split_lines(text: str | None) -> list[str]:
    return split_lines(text or "")
