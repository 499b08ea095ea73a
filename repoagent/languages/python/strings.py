"""Indent Python code anew, and leave the insides of its strings as they are."""

from __future__ import annotations

import tokenize
from collections.abc import Iterator, Sequence

from repoagent.edits.layout import Indentation, reindent


def reindent_code(lines: Sequence[str], old: Indentation, new: Indentation) -> list[str]:
    """`lines` of Python indented as `new`, level by level; the insides of multi-line strings are left as they are."""
    return reindent(lines, old, new, _find_lines_in_strings(lines))


def _find_lines_in_strings(lines: Sequence[str]) -> set[int]:
    """Numbers of the lines that begin inside a string literal."""
    return {line for first, last in _find_strings(lines) for line in range(first + 1, last + 1)}


def _find_strings(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last line of each string literal; since Python 3.12 an f-string comes in parts, start to end."""
    opened: list[int] = []
    try:
        for token in tokenize.generate_tokens(iter(lines).__next__):
            kind = tokenize.tok_name[token.type]
            if kind.endswith("STRING_START"):
                opened.append(token.start[0])
            elif kind.endswith("STRING_END"):
                yield opened.pop(), token.end[0]
            elif kind == "STRING":
                yield token.start[0], token.end[0]
    except (tokenize.TokenError, SyntaxError):
        return  # prose around the code: what was found so far is all there is
