"""Recognise fences around code, as CommonMark has them.

A fence is a run of at least three backticks or tildes. The first that is at least as long, of the same character and
with nothing behind it closes it; one that is never closed reaches to the end of the text. An info string after
backticks holds no backtick.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_RUN = r"(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})"
_OPENING = re.compile(rf"^[ \t]*{_RUN}[ \t]*(?P<language>[\w.+-]*)[^\n]*$")
TOP_LEVEL_FENCE = rf"^ {{0,3}}{_RUN}[^\n]*"
"""Pattern of an opening fence outside of lists and quotations, for use with MULTILINE."""


@dataclass(frozen=True)
class Fence:
    """An opening fence."""

    marker: str
    """The run of backticks or tildes."""
    language: str = ""
    """The first word of the info string, in lower case."""

    def is_closed_by(self, line: str) -> bool:
        """Return whether `line` closes the block; how far it is indented does not matter."""
        return _is_run_of(self.marker[0], line.strip(), len(self.marker))


def read_fence(line: str) -> Fence | None:
    """Return the fence that `line` opens, at any indentation, as in a list; None where it opens none."""
    match = _OPENING.match(line)
    return Fence(match["fence"], match["language"].lower()) if match else None


def build_closing_pattern(marker: str) -> re.Pattern[str]:
    """Return the pattern of the line that closes a fence outside of lists, for searching in a whole text."""
    return re.compile(rf"^ {{0,3}}{marker[0]}{{{len(marker)},}}[ \t]*$", re.MULTILINE)


def _is_run_of(character: str, text: str, min_length: int) -> bool:
    return len(text) >= min_length and not text.strip(character)
