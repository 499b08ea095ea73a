"""Find the function or class in the Python text that a model wrote for it, and refuse what is not whole."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from repoagent.edits.elision import find_elision
from repoagent.edits.errors import EditRefused
from repoagent.edits.layout import Indentation, get_indent, split_lines
from repoagent.languages.python.strings import reindent_code
from repoagent.languages.python.syntax import (
    Definable,
    Definition,
    Function,
    find_last_line,
    iterate_definitions,
    parse,
)

_PROSE = 20
"""Lines of unfenced prose behind the code that are looked through at most."""


def extract_definition(answer: str, qualified: str, target: Definition) -> Definition:
    """What `answer` defines in the place of `target`; raises EditRefused when it does not, or leaves out parts."""
    text = _cut_prose(_dedent(answer))
    tree = parse(text)
    if any(isinstance(node, ast.Return) for node in tree.body):
        raise EditRefused("SyntaxError: 'return' outside function")
    kind = Function if isinstance(target.node, Function) else ast.ClassDef
    nodes = [(name, node) for name, node in iterate_definitions(tree) if isinstance(node, kind)]
    found = Definition(tree, tuple(split_lines(text)), _choose(nodes, qualified, target.node))
    _refuse_elision(found, target)
    return found


def _dedent(answer: str) -> str:
    """The answer moved to the left, as far as its first line is indented."""
    lines = split_lines(re.sub("\r\n?", "\n", answer).strip("\n") + "\n")
    base = get_indent(lines[0])
    return "".join(reindent_code(lines, Indentation(base, base), Indentation("", base)) if base else lines)


def _cut_prose(text: str) -> str:
    """`text` up to where it trails off into prose, which is not indented: indented lines are code, never dropped."""
    try:
        parse(text)
    except EditRefused:
        lines = split_lines(text)
        for kept in range(len(lines) - 1, max(len(lines) - _PROSE, 0), -1):
            if get_indent(lines[kept]) and lines[kept].strip():
                break
            if _is_parsable(shorter := "".join(lines[:kept])):
                return shorter
        raise
    return text


def _is_parsable(text: str) -> bool:
    try:
        parse(text)
    except EditRefused:
        return False
    return True


def _choose(found: Sequence[tuple[str, Definable]], qualified: str, target: Definable) -> Definable:
    """The definition of the target's qualified name; else the outermost of its name, else the only one.

    Of a getter and a setter it is the one that is decorated as the target is.
    """
    named = [(name, node) for name, node in found if node.name == target.name]
    if not named and len(found) != 1:
        raise EditRefused(f"the answer does not define {target.name}")
    decorated = _dump_decorators(target)

    def rank(each: tuple[str, Definable]) -> tuple[int, int, bool]:
        name, node = each
        shared = len(name) if f".{qualified}".endswith(f".{name}") else 0
        return -shared, name.count("."), _dump_decorators(node) != decorated

    return min(named or found, key=rank)[1]


def _dump_decorators(node: Definable) -> list[str]:
    return [ast.dump(decorator) for decorator in node.decorator_list]


def _refuse_elision(answer: Definition, target: Definition) -> None:
    if mark := find_elision(_get_text(answer), _get_text(target)):
        raise EditRefused(f"the answer leaves out code: {mark}")
    if _count_ellipses(answer.node) > _count_ellipses(target.node):
        raise EditRefused("the answer leaves out code: ...")
    if isinstance(target.node, ast.ClassDef) and (gone := _list_methods(target.node) - _list_methods(answer.node)):
        raise EditRefused(f"the answer leaves out methods: {', '.join(sorted(gone)[:5])}")


def _list_methods(node: Definable) -> set[str]:
    return {child.name for child in node.body if isinstance(child, Definable)}


def _get_text(definition: Definition) -> str:
    return "".join(definition.lines[definition.node.lineno - 1 : find_last_line(definition.node)])


def _count_ellipses(node: Definable) -> int:
    return sum(
        isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant) and n.value.value is ... for n in ast.walk(node)
    )
