"""Find the function or class in the Python text that a model wrote for it, and refuse what is not whole."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from repoagent.edits.elision import find_elision
from repoagent.edits.errors import EditRefused
from repoagent.edits.layout import Indentation, indent_of, lines_of
from repoagent.edits.strings import reindent_code
from repoagent.edits.syntax import Definable, Definition, Function, definitions, last_line, parse

_PROSE = 20
"""Lines of unfenced prose behind the code that are looked through at most."""


def answered(answer: str, qualified: str, target: Definition) -> Definition:
    """What `answer` defines in the place of `target`; raises EditRefused when it does not, or leaves out parts."""
    text = _parsable(_dedented(answer))
    tree = parse(text)
    if any(isinstance(node, ast.Return) for node in tree.body):
        raise EditRefused("SyntaxError: 'return' outside function")
    kind = Function if isinstance(target.node, Function) else ast.ClassDef
    nodes = [(name, node) for name, node in definitions(tree) if isinstance(node, kind)]
    found = Definition(tree, tuple(lines_of(text)), _chosen(nodes, qualified, target.node))
    _refuse_elision(found, target)
    return found


def _dedented(answer: str) -> str:
    """The answer moved to the left, as far as its first line is indented."""
    lines = lines_of(re.sub("\r\n?", "\n", answer).strip("\n") + "\n")
    base = indent_of(lines[0])
    return "".join(reindent_code(lines, Indentation(base, base), Indentation("", base)) if base else lines)


def _parsable(text: str) -> str:
    """`text` up to where it trails off into prose, which is not indented: indented lines are code, never dropped."""
    try:
        parse(text)
    except EditRefused:
        lines = lines_of(text)
        for kept in range(len(lines) - 1, max(len(lines) - _PROSE, 0), -1):
            if indent_of(lines[kept]) and lines[kept].strip():
                break
            if _parses(shorter := "".join(lines[:kept])):
                return shorter
        raise
    return text


def _parses(text: str) -> bool:
    try:
        parse(text)
    except EditRefused:
        return False
    return True


def _chosen(found: Sequence[tuple[str, Definable]], qualified: str, target: Definable) -> Definable:
    """The definition of the target's qualified name; else the outermost of its name, else the only one.

    Of a getter and a setter it is the one that is decorated as the target is.
    """
    named = [(name, node) for name, node in found if node.name == target.name]
    if not named and len(found) != 1:
        raise EditRefused(f"the answer does not define {target.name}")
    decorated = _decorators(target)

    def rank(each: tuple[str, Definable]) -> tuple[int, int, bool]:
        name, node = each
        shared = len(name) if f".{qualified}".endswith(f".{name}") else 0
        return -shared, name.count("."), _decorators(node) != decorated

    return min(named or found, key=rank)[1]


def _decorators(node: Definable) -> list[str]:
    return [ast.dump(decorator) for decorator in node.decorator_list]


def _refuse_elision(answer: Definition, target: Definition) -> None:
    if mark := find_elision(_text(answer), _text(target)):
        raise EditRefused(f"the answer leaves out code: {mark}")
    if _ellipses(answer.node) > _ellipses(target.node):
        raise EditRefused("the answer leaves out code: ...")
    if isinstance(target.node, ast.ClassDef) and (gone := _methods(target.node) - _methods(answer.node)):
        raise EditRefused(f"the answer leaves out methods: {', '.join(sorted(gone)[:5])}")


def _methods(node: Definable) -> set[str]:
    return {child.name for child in node.body if isinstance(child, Definable)}


def _text(definition: Definition) -> str:
    return "".join(definition.lines[definition.node.lineno - 1 : last_line(definition.node)])


def _ellipses(node: Definable) -> int:
    return sum(
        isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant) and n.value.value is ... for n in ast.walk(node)
    )
