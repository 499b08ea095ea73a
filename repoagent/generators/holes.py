"""Find where a fill-in-the-middle model may write in a function or class: expressions, lines, gaps between lines."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Literal

from repoagent.domain import Location
from repoagent.languages.python.syntax import (
    Definable,
    Offsets,
    find_definition,
    find_docstring_node,
    find_first_line,
    find_last_line,
    parse,
)

Kind = Literal["expression", "line", "insert"]


@dataclass(frozen=True)
class Hole:
    """A span of a file's text to be filled anew."""

    kind: Kind
    start: int
    """Offset in characters."""
    end: int
    """Offset behind the last character; equal to `start` for an insertion."""
    line: int


def find_holes(source: str, target: Location) -> tuple[Hole, ...]:
    """Find the holes worth trying, promising ones first: at the suspicious lines, precise before coarse, then
    everywhere else.

    Masking an expression, a line or a gap are the mask templates of AlphaRepair (Xia and Zhang, 2022). Raises
    EditRefused when `source` is not Python.
    """
    definition = find_definition(parse(source), target.symbol, target.start)
    if definition is None:
        return ()
    text = _HoleOffsets(source)
    ordered = _sort_by_suspicion(list(_walk_statements(definition)), target.lines)
    expressions = [_find_expression_hole(node, text) for node in ordered]
    lines = [_find_line_hole(node, text) for node in ordered]
    gaps = [_find_gap(node, text) for node in ordered]
    suspicious = sum(_has_any_line(node, target.lines) for node in ordered) or 2
    first = chain.from_iterable(zip_longest(expressions[:suspicious], lines[:suspicious]))
    rest = chain.from_iterable(zip_longest(expressions[suspicious:], lines[suspicious:]))
    return tuple(dict.fromkeys(hole for hole in chain(first, rest, gaps) if hole))  # gaps last: dear, and seldom right


class _HoleOffsets(Offsets):
    def get_indent_end(self, line: int) -> int:
        """Return the offset of the first character of a line that is no blank."""
        text = self.lines[line - 1]
        return self.starts[line - 1] + len(text) - len(text.lstrip())

    def get_line_end(self, line: int) -> int:
        """Return the offset behind the last character of a line, without its end."""
        return self.starts[line - 1] + len(self.lines[line - 1].rstrip("\r\n"))


def _walk_statements(definition: Definable) -> Iterator[ast.stmt]:
    """Yield every statement inside, outer before inner, without the docstring."""
    docstring = find_docstring_node(definition.body)
    for node in ast.walk(definition):
        if isinstance(node, ast.stmt) and node is not definition and node is not docstring:
            yield node


def _sort_by_suspicion(nodes: Sequence[ast.stmt], lines: Sequence[int]) -> list[ast.stmt]:
    """Sort statements: those that hold a suspicious line first, in the order of suspicion; the others as they stand."""
    rank = {line: index for index, line in enumerate(lines)}
    key = {id(n): min((rank[x] for x in _get_own_lines(n) if x in rank), default=len(lines)) for n in nodes}
    return sorted(nodes, key=lambda n: (key[id(n)], find_first_line(n)))


def _has_any_line(node: ast.stmt, lines: Sequence[int]) -> bool:
    return any(line in _get_own_lines(node) for line in lines)


def _get_own_lines(node: ast.stmt) -> range:
    """Return the lines of a statement without those of the blocks inside it."""
    body: Sequence[ast.stmt] = getattr(node, "body", ())
    return range(
        node.lineno,
        find_first_line(body[0]) if body and find_first_line(body[0]) > node.lineno else find_last_line(node) + 1,
    )


def _find_expression_hole(node: ast.stmt, text: _HoleOffsets) -> Hole | None:
    """Find the condition, the value returned or assigned, what is iterated over, or the whole of an expression
    statement."""
    part = getattr(node, "test", None) or getattr(node, "value", None) or getattr(node, "iter", None)
    if not isinstance(part, ast.expr) or part.end_lineno != part.lineno or part.end_col_offset is None:
        return None
    return Hole(
        "expression",
        text.find_offset(part.lineno, part.col_offset),
        text.find_offset(part.lineno, part.end_col_offset),
        part.lineno,
    )


def _find_line_hole(node: ast.stmt, text: _HoleOffsets) -> Hole | None:
    """Return the hole of a statement that is one line long."""
    lines = _get_own_lines(node)
    if len(lines) != 1:
        return None
    return Hole("line", text.get_indent_end(node.lineno), text.get_line_end(node.lineno), node.lineno)


def _find_gap(node: ast.stmt, text: _HoleOffsets) -> Hole | None:
    """Return the hole before a statement, unless another one begins its line."""
    if isinstance(node, ast.If) and text.lines[node.lineno - 1].lstrip().startswith("elif"):
        return None
    start = text.get_indent_end(find_first_line(node))
    if start != text.find_offset(find_first_line(node), node.col_offset):  # it does not begin its line
        return None
    return Hole("insert", start, start, find_first_line(node))
