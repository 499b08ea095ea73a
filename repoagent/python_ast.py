"""Parse Python in one guarded place: CPython 3.11 rarely fails on sound code while other threads parse."""

from __future__ import annotations

import ast


def parse_python(source: str) -> ast.Module:
    """The syntax tree of `source`, tried once more where the interpreter itself fails. Raises what `ast.parse` raises,
    and ValueError where it fails again."""
    try:
        return ast.parse(source)
    except SystemError:  # "AST constructor recursion depth mismatch"
        try:
            return ast.parse(source)
        except SystemError as error:
            raise ValueError(str(error)) from error
