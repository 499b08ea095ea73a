"""Python source as a syntax tree with the text it came from: where functions and statements begin and end."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections.abc import Iterator, Sequence

from repoagent.edits.errors import EditRefused

Function = ast.FunctionDef | ast.AsyncFunctionDef


def parse(source: str) -> ast.Module:
    """The tree of `source`; raises EditRefused with line and reason for anything Python would not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in somebody's strings are not our concern
            return ast.parse(source)
    except SyntaxError as error:
        raise EditRefused(
            f"SyntaxError: {error.msg} (line {error.lineno}: {(error.text or '').strip()[:80]})"
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise EditRefused(f"not parsable: {type(error).__name__}") from error


def find_function(tree: ast.Module, qualified: str) -> Function | None:
    """The function or method `Class.method`, or None; the last of a name wins, as it does at run time."""
    found = [node for name, node in functions(tree) if name == qualified]
    return found[-1] if found else None


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Every function with its qualified name, nested ones included, those under `if` and `try` too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield prefix + node.name, node
            yield from functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.stmt | ast.ExceptHandler):
            yield from functions(node, prefix)


def first_line(node: ast.stmt) -> int:
    """The first line of a statement, its decorators included, counted from 1."""
    decorators: Sequence[ast.expr] = getattr(node, "decorator_list", ())
    return min([node.lineno, *(d.lineno for d in decorators)])


def last_line(node: ast.stmt) -> int:
    """The last line of a statement, inclusive."""
    return node.end_lineno or node.lineno


def docstring_node(body: Sequence[ast.stmt]) -> ast.Expr | None:
    """The docstring statement that `body` opens with, if it does."""
    head = body[0] if body else None
    if isinstance(head, ast.Expr) and isinstance(head.value, ast.Constant) and isinstance(head.value.value, str):
        return head
    return None


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends, as the parser counts them: a form feed or U+2028 ends none."""
    return io.StringIO(text).readlines()


def without_docstring(source: str, qualified: str) -> tuple[str, str]:
    """The text of a function without its docstring, and the docstring's own text; the latter empty without one."""
    function = find_function(parse(source), qualified)
    if function is None:
        raise EditRefused(f"there is no function {qualified} in the file")
    lines = lines_of(source)
    docstring = docstring_node(function.body)
    if docstring is None or len(function.body) == 1 or docstring.lineno == function.lineno:
        return "".join(lines[first_line(function) - 1 : last_line(function)]), ""
    head = lines[first_line(function) - 1 : docstring.lineno - 1]
    rest = lines[last_line(docstring) : last_line(function)]
    return "".join([*head, *rest]), ast.get_docstring(function) or ""


def shift(lines: Sequence[str], columns: int) -> list[str]:
    """`lines` indented by so many columns (negative: dedented), the insides of multi-line strings left as they are."""
    inside = _inside_strings("".join(lines))
    return [line if number in inside else _shift_line(line, columns) for number, line in enumerate(lines, 1)]


def _shift_line(line: str, columns: int) -> str:
    if not line.strip():
        return line
    if columns >= 0:
        return " " * columns + line
    return line[min(-columns, len(line) - len(line.lstrip(" "))) :]


def _inside_strings(source: str) -> set[int]:
    """Numbers of the lines that begin inside a string literal."""
    lines: set[int] = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.STRING:
                lines.update(range(token.start[0] + 1, token.end[0] + 1))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        pass
    return lines
