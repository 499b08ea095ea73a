"""Bring along what a new function needs from its answer: imports, and helper functions, and nothing else."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence

from repoagent.edits.layout import Indentation, choose_line_end, end_lines, get_line_end, split_lines
from repoagent.languages.python.strings import reindent_code
from repoagent.languages.python.syntax import (
    Definition,
    Function,
    find_docstring_node,
    find_first_line,
    find_last_line,
    parse,
)


def add_missing_imports(source: str, answer: Definition, line: int, unit: str) -> str:
    """`source`, whose function at `line` is that of `answer`, with the imports and functions of the answer that the new
    function needs and the module lacks; `unit` is what the source indents by."""
    tree = parse(source)
    missing = _find_loaded_names(answer.node) - _find_bound_names(tree) - set(dir(builtins))
    lines = split_lines(source)
    if helpers := [
        text for n in _list_helpers(answer) if n.name in missing for text in ["\n", "\n", *_reindent(n, answer, unit)]
    ]:
        _insert(lines, _find_statement_end(tree, line), helpers)
    if imports := [
        text for n in _list_imports(answer) if _list_bound_names(n) & missing for text in _reindent(n, answer, unit)
    ]:
        _insert_imports(lines, tree, imports)
    return "".join(lines)


def _list_helpers(answer: Definition) -> list[Function]:
    return [n for n in answer.tree.body if isinstance(n, Function) and n is not answer.node]


def _list_imports(answer: Definition) -> list[ast.stmt]:
    return [n for n in answer.tree.body if _is_import(n) and getattr(n, "module", "") != "__future__"]


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _reindent(node: ast.stmt, answer: Definition, unit: str) -> list[str]:
    lines = answer.lines[find_first_line(node) - 1 : find_last_line(node)]
    return reindent_code(lines, Indentation("", answer.indentation.unit), Indentation("", unit))


def _find_loaded_names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _find_bound_names(tree: ast.Module) -> set[str]:
    """Names that the module binds anywhere but inside functions and classes."""
    names: set[str] = set()
    queue: list[ast.AST] = list(tree.body)
    while queue:
        node = queue.pop()
        names |= _list_bound_names(node)
        if not isinstance(node, Function | ast.ClassDef):
            queue += ast.iter_child_nodes(node)
    return names


def _list_bound_names(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, Function | ast.ClassDef):
        return {node.name}
    return {node.id} if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else set()


def _find_statement_end(tree: ast.Module, line: int) -> int:
    """The last line of the top-level statement that holds `line`."""
    return next(find_last_line(n) for n in tree.body if find_first_line(n) <= line <= find_last_line(n))


def _insert_imports(lines: list[str], tree: ast.Module, imports: list[str]) -> None:
    """Put imports below those that the module opens with; else below docstring or licence, set off by blank lines."""
    after = _find_imports_end(tree)
    if after is None:
        after = _find_head_end(lines, tree)
        above = ["\n"] if after and lines[after - 1].strip() else []
        below = ["\n", "\n"] if after < len(lines) and lines[after].strip() else []
        imports = [*above, *imports, *below]
    _insert(lines, after, imports)


def _find_imports_end(tree: ast.Module) -> int | None:
    """The last line of the run of imports that the module opens with, behind its docstring; None without one."""
    end = None
    for node in tree.body[1:] if find_docstring_node(tree.body) else tree.body:
        if not _is_import(node):
            break
        end = find_last_line(node)
    return end


def _find_head_end(lines: Sequence[str], tree: ast.Module) -> int:
    """The last line of docstring, or of shebang, cookie and licence; a comment on the first statement stays with it."""
    if docstring := find_docstring_node(tree.body):
        return find_last_line(docstring)
    end = above = find_first_line(tree.body[0]) - 1
    while above and lines[above - 1].lstrip("\f").startswith("#"):
        above -= 1
    return above or end


def _insert(lines: list[str], after: int, new: Sequence[str]) -> None:
    """Insert `new` behind line `after`, with line ends as they are there."""
    end = choose_line_end(lines, after)
    if after and not get_line_end(lines[after - 1]):
        lines[after - 1] += end
    lines[after:after] = end_lines(new, end)
