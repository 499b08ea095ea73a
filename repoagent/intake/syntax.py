"""Parse code that nobody vouches for."""

from __future__ import annotations

import ast


def parse(code: str) -> ast.Module:
    """The syntax tree, empty where `code` is no Python; hostile nesting counts as no Python."""
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])
