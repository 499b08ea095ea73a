"""Python source as a syntax tree with the text it came from: where functions, classes, statements begin and end."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from repoagent.edits.encoding import make_parsable
from repoagent.edits.errors import EditRefused
from repoagent.edits.layout import Indentation, get_indent, split_lines
from repoagent.python_ast import parse_python

__all__ = [
    "Definable",
    "Definition",
    "Function",
    "Offsets",
    "find_definition",
    "find_docstring_node",
    "find_first_line",
    "find_last_line",
    "iterate_definitions",
    "iterate_functions",
    "locate_definition",
    "parse",
    "split_docstring",
    "split_lines",
]

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definable = Function | ast.ClassDef
"""What has a name and a body, and can be written anew as a whole."""


def parse(source: str) -> ast.Module:
    """The tree of `source`; raises EditRefused with line and reason for anything Python would not parse.

    Positions are those of `readable(source)`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in somebody's strings are not our concern
            return parse_python(make_parsable(source))
    except SyntaxError as error:
        raise EditRefused(
            f"SyntaxError: {error.msg} (line {error.lineno}: {(error.text or '').strip()[:80]})"
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise EditRefused(f"not parsable: {type(error).__name__}") from error


def find_definition(tree: ast.Module, qualified: str, start: int | None = None) -> Definable | None:
    """The function, class or method `Class.method`, or None.

    Of several with that name (a property's getter and setter, overloads) it is the one whose lines hold line `start`;
    else the last, which wins at run time.
    """
    found = [node for name, node in iterate_definitions(tree) if name == qualified]
    held = [node for node in found if start is not None and find_first_line(node) <= start <= find_last_line(node)]
    return (held or found)[-1] if found else None


def iterate_functions(tree: ast.AST) -> Iterator[tuple[str, Function]]:
    """Every function with its qualified name in their order, nested ones included, those under `if` and `try` too."""
    return ((name, node) for name, node in iterate_definitions(tree) if isinstance(node, Function))


def iterate_definitions(tree: ast.AST) -> Iterator[tuple[str, Definable]]:
    """The same of functions and classes."""
    waiting: list[tuple[str, ast.AST]] = [("", node) for node in _list_nested(tree)]
    while waiting:
        prefix, node = waiting.pop()
        if isinstance(node, Definable):
            yield prefix + node.name, node
            prefix = f"{prefix}{node.name}."
        waiting += [(prefix, child) for child in _list_nested(node)]


def _list_nested(node: ast.AST) -> Sequence[ast.AST]:
    """The statements inside `node`, and what holds statements, last first."""
    blocks = ast.stmt | ast.ExceptHandler | ast.match_case
    return [child for child in ast.iter_child_nodes(node) if isinstance(child, blocks)][::-1]


def find_first_line(node: ast.stmt) -> int:
    """The first line of a statement, its decorators included, counted from 1."""
    decorators: Sequence[ast.expr] = getattr(node, "decorator_list", ())
    return min([node.lineno, *(d.lineno for d in decorators)])


def find_last_line(node: ast.stmt) -> int:
    """The last line of a statement, inclusive."""
    return node.end_lineno or node.lineno


def find_docstring_node(body: Sequence[ast.stmt]) -> ast.Expr | None:
    """The docstring statement that `body` opens with, if it does."""
    head = body[0] if body else None
    if isinstance(head, ast.Expr) and isinstance(head.value, ast.Constant) and isinstance(head.value.value, str):
        return head
    return None


@dataclass(frozen=True)
class Definition:
    """A function or class, in the text that defines it."""

    tree: ast.Module
    lines: tuple[str, ...]
    """All lines of the text, with their ends."""
    node: Definable

    @property
    def own_lines(self) -> tuple[str, ...]:
        """The lines of the definition, its decorators included."""
        return self.lines[find_first_line(self.node) - 1 : find_last_line(self.node)]

    @property
    def indentation(self) -> Indentation:
        """How it is indented; where its own body does not tell, as its text is elsewhere."""
        nodes = (self.node, *(node for _, node in iterate_functions(self.tree)))
        base = get_indent(self.lines[self.node.lineno - 1])
        return Indentation(base, next(filter(None, map(self._find_unit, nodes)), base or "    "))

    def _find_unit(self, node: Definable) -> str:
        outer = get_indent(self.lines[node.lineno - 1])
        inner = get_indent(self.lines[find_first_line(node.body[0]) - 1])
        begins_line = len(inner) == node.body[0].col_offset
        return inner.removeprefix(outer) if begins_line and inner.startswith(outer) else ""


def locate_definition(source: str, qualified: str, start: int | None = None) -> Definition:
    """What `find_definition` finds; raises EditRefused when there is none, or `source` is not Python."""
    tree = parse(source)
    node = find_definition(tree, qualified, start)
    if node is None:
        raise EditRefused(f"there is no function or class {qualified} in the file")
    return Definition(tree, tuple(split_lines(source)), node)


def split_docstring(source: str, qualified: str, start: int | None = None) -> tuple[str, str]:
    """The text of a definition without its docstring, and the docstring's own text; the latter empty without one."""
    found = locate_definition(source, qualified, start)
    node = found.node
    docstring = find_docstring_node(node.body)
    if docstring is None or len(node.body) == 1 or not _is_alone(docstring, node):
        return "".join(found.own_lines), ""
    head = found.lines[find_first_line(node) - 1 : docstring.lineno - 1]
    rest = found.lines[find_last_line(docstring) : find_last_line(node)]
    return "".join([*head, *rest]), ast.get_docstring(node) or ""


def _is_alone(docstring: ast.Expr, node: Definable) -> bool:
    """Whether no other statement stands on the docstring's lines."""
    return node.lineno < docstring.lineno and find_last_line(docstring) < find_first_line(node.body[1])


@dataclass(frozen=True)
class Offsets:
    """Character offsets of positions in a tree, whose columns count UTF-8 bytes."""

    source: str

    @cached_property
    def lines(self) -> list[str]:
        return split_lines(make_parsable(self.source))

    @cached_property
    def starts(self) -> list[int]:
        """Where each line starts, and where the last one ends."""
        return [0, *accumulate(map(len, self.lines))]

    def find_offset(self, line: int, column: int) -> int:
        """The offset of a position in the tree."""
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def get_text(self, node: ast.expr | ast.stmt) -> str:
        """The source of a node."""
        end = self.find_offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
        return self.source[self.find_offset(node.lineno, node.col_offset) : end]
