"""Signs that a patch fits the evidence rather than the problem: it takes behaviour away, or singles out the very values
of the example.

Most of what GenProg found plausible amounts to deleting behaviour (Qi et al., 2015). These are signs, not proofs: such
a patch ranks behind others that pass the same tests, and nothing is refused.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence

from repoagent.domain import Edit, Oracle
from repoagent.edits import EditRefused
from repoagent.languages import language_of
from repoagent.languages.python.language import PYTHON
from repoagent.languages.python.syntax import parse

_MAX_COMMON = 2
"""Numbers up to this, and texts of fewer characters, are in any code and single nothing out."""


def describe_overfitting(edits: Sequence[Edit], oracle: Oracle) -> str:
    """Describe what makes edits look fitted to `oracle`, in a sentence; empty where nothing does, and for files
    in other languages than Python."""
    pairs = [(edit.before, edit.after) for edit in edits if language_of(edit.path) is PYTHON]
    trees = [
        (_parse_tree(before), _parse_tree(after)) for before, after in pairs if before is not None and after is not None
    ]
    known = [(before, after) for before, after in trees if before and after]
    if not known or len(known) < len(edits):
        return ""
    shown = {repr(value) for value in _find_oracle_values(oracle)}
    single = next(
        (value for before, after in known for value in _find_singled_out_literals(before, after) if value in shown), ""
    )
    if single:
        return f"It singles out {single}, a value of the example: it may be right for that alone."
    if all(_is_removal(before, after) for before, after in known):
        return "It only takes code away: what that did besides may be missed."
    return ""


def _parse_tree(text: str | None) -> ast.Module | None:
    try:
        return parse(text or "")
    except EditRefused:
        return None


def _find_oracle_values(oracle: Oracle) -> Iterator[object]:
    """Yield the literals of the example and of what it should show."""
    for text in (oracle.script, *oracle.steps, *oracle.expected.splitlines()):
        tree = _parse_tree(text.strip())
        yield from _find_telling_constants(tree) if tree else ()


def _find_singled_out_literals(before: ast.AST, after: ast.AST) -> list[str]:
    """List literals that the new code compares with, looks up or gives back, and the old code nowhere has."""
    known = {repr(value) for value in _find_telling_constants(before)}
    found = dict.fromkeys(repr(value) for node in ast.walk(after) for value in _find_choice_constants(node))
    return [value for value in found if value not in known]


def _find_choice_constants(node: ast.AST) -> Iterator[object]:
    match node:
        case ast.Compare(ops=ops) if any(isinstance(op, ast.Eq | ast.In | ast.Is) for op in ops):
            yield from _find_telling_constants(node)
        case ast.Return(value=ast.expr() as value):
            yield from _find_telling_constants(value) if _is_literal(value) else ()
        case ast.IfExp(body=one, orelse=other):
            yield from (
                constant for value in (one, other) if _is_literal(value) for constant in _find_telling_constants(value)
            )
        case ast.MatchValue(value=value):
            yield from _find_telling_constants(value)


def _is_literal(node: ast.expr) -> bool:
    return all(not isinstance(part, ast.Name | ast.Call | ast.Attribute) for part in ast.walk(node))


def _find_telling_constants(tree: ast.AST) -> Iterator[object]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and _is_telling(node.value):
            yield node.value


def _is_telling(value: object) -> bool:
    """Return whether a constant is rare enough in code to single something out."""
    if isinstance(value, str | bytes):
        return len(value) > 1
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > _MAX_COMMON


def _is_removal(before: ast.AST, after: ast.AST) -> bool:
    """Return whether nothing is there that was not there before, and a statement or a call is gone. That operands go is
    no sign: all eight such candidates for the first half of HumanEvalFix were right."""
    was, now = _count_nodes(before), _count_nodes(after)
    return not now - was and any(issubclass(kind, _ACTIONS) for kind, _ in was - now)


_ACTIONS = (ast.stmt, ast.Call)


def _count_nodes(tree: ast.AST) -> Counter[tuple[type, str]]:
    """Count what code is made of: its nodes without those inside them, so that what moves counts as the same."""
    return Counter(_describe_node(node) for node in ast.walk(tree) if not isinstance(node, ast.expr_context | ast.Pass))


def _describe_node(node: ast.AST) -> tuple[type, str]:
    fields = [value for _, value in ast.iter_fields(node) if isinstance(value, str | int | float | bytes | None)]
    return type(node), repr(fields)
