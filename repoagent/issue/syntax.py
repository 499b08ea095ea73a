"""Parse Python that nobody vouches for."""

from __future__ import annotations

import ast
import tokenize
import warnings
from collections.abc import Sequence
from io import StringIO

from repoagent.python_ast import parse_python


def parse_leniently(code: str) -> ast.Module:
    """Return the syntax tree, empty where `code` is no Python; hostile nesting counts as no Python."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return parse_python(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def measure_parsable(lines: Sequence[str]) -> int:
    """Return how many of the first lines are Python, as many as possible; 0 where none are."""
    depths = _measure_depths(lines)
    ends = (end for end in range(len(lines), 0, -1) if depths.get(end, 0) <= 0)
    return next((end for end in ends if parse_leniently("\n".join(lines[:end])).body), 0)


def _measure_depths(lines: Sequence[str]) -> dict[int, int]:
    """Return how many brackets are open after each line, as far as the text can be read as tokens at all.

    Code that ends within brackets need not be parsed.
    """
    depths: dict[int, int] = {}
    depth = 0
    try:
        for token in tokenize.generate_tokens(StringIO("\n".join(lines)).readline):
            if token.type == tokenize.OP:
                depth += (token.string in "([{") - (token.string in ")]}")
            depths[token.end[0]] = depth
    except (tokenize.TokenError, SyntaxError):
        pass
    return depths


def is_literal(code: str) -> bool:
    """Return whether it is one value written out, a string or a list of numbers say."""
    body = parse_leniently(code.strip()).body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        return False
    try:
        ast.literal_eval(body[0].value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True
