"""Parse Python that nobody vouches for."""

from __future__ import annotations

import ast
import warnings


def parse(code: str) -> ast.Module:
    """Return the syntax tree, empty where `code` is no Python; hostile nesting counts as no Python."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def is_literal(code: str) -> bool:
    """Return whether it is one value written out, a string or a list of numbers say."""
    body = parse(code.strip()).body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        return False
    try:
        ast.literal_eval(body[0].value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True
