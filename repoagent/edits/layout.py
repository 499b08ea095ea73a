"""How lines are laid out: what they end with, and what they are indented by."""

from __future__ import annotations

import io
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass


def split_lines(text: str) -> list[str]:
    """Split a text into lines with their ends, as the parser counts them: a form feed or U+2028 ends none."""
    return io.StringIO(text, newline="").readlines()


def get_line_end(line: str) -> str:
    """Return what `line` ends with; empty for a last line without an end."""
    return line[len(line.rstrip("\r\n")) :]


def choose_line_end(lines: Sequence[str], index: int) -> str:
    """Choose what a new line at `index` shall end with: what its neighbours end with."""
    near = (get_line_end(line) for line in (*lines[max(index - 1, 0) : index], *lines[index : index + 1]))
    return next(filter(None, near), "\n")


def end_lines(lines: Iterable[str], end: str) -> list[str]:
    """End all `lines` with `end`."""
    return [line.rstrip("\r\n") + end for line in lines]


@dataclass(frozen=True)
class Indentation:
    """How a piece of code is indented."""

    base: str
    """What its first line begins with."""
    unit: str
    """What each level adds; never empty where there are levels to count."""


def get_indent(line: str) -> str:
    """Return the blanks and tabs that `line` begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def reindent(
    lines: Sequence[str], old: Indentation, new: Indentation, fixed: Container[int] = frozenset()
) -> list[str]:
    """`lines` indented as `new`, level by level; lines whose numbers, counted from 1, are in `fixed` are left as they
    are."""
    return [line if number in fixed else _reindent_line(line, old, new) for number, line in enumerate(lines, 1)]


def _reindent_line(line: str, old: Indentation, new: Indentation) -> str:
    space = get_indent(line)
    if not line.strip() or not space.startswith(old.base):
        return line
    rest, levels = space[len(old.base) :], 0
    while old.unit and rest.startswith(old.unit):
        rest, levels = rest[len(old.unit) :], levels + 1
    return new.base + new.unit * levels + rest + line[len(space) :]
