"""Other operators: comparisons, arithmetic, boolean and unary ones, and operands that are one too many."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from repoagent.generators.mutation.target import MutationProposal, MutationTarget, TextChange

_COMPARISONS: Mapping[type[ast.cmpop], tuple[str, tuple[str, ...]]] = {
    ast.Lt: ("<", ("<=", ">", ">=", "==", "!=")),
    ast.LtE: ("<=", ("<", ">=", ">", "==", "!=")),
    ast.Gt: (">", (">=", "<", "<=", "==", "!=")),
    ast.GtE: (">=", (">", "<=", "<", "==", "!=")),
    ast.Eq: ("==", ("!=", "<=", ">=", "<", ">", "in", "is")),
    ast.NotEq: ("!=", ("==", "<", ">", "<=", ">=", "not in", "is not")),
    ast.In: ("in", ("not in", "==")),
    ast.NotIn: (r"not\s+in", ("in", "!=")),
    ast.Is: ("is", ("is not", "==")),
    ast.IsNot: (r"is\s+not", ("is", "!=")),
}
_ARITHMETIC: Mapping[type[ast.operator], tuple[str, tuple[str, ...]]] = {
    ast.Add: ("+", ("-", "*", "%", "//", "/", "|")),
    ast.Sub: ("-", ("+", "%", "*", "//", "/")),
    ast.Mult: ("*", ("+", "**", "/", "//", "-", "%")),
    ast.Div: ("/", ("//", "*", "%", "-", "+")),
    ast.FloorDiv: ("//", ("/", "%", "*", "-", ">>")),
    ast.Mod: ("%", ("//", "/", "-", "*")),
    ast.Pow: ("**", ("*", "^", "<<")),
    ast.BitAnd: ("&", ("|", "^", "-", "and")),
    ast.BitOr: ("|", ("&", "^", "+", "or")),
    ast.BitXor: ("^", ("&", "|", "**")),
    ast.LShift: ("<<", (">>", "*")),
    ast.RShift: (">>", ("<<", "//")),
    ast.MatMult: ("@", ("*",)),
}


def replace_comparison(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `<` for `<=`, `==` for `is`, and the like."""
    for node in target.expressions:
        if isinstance(node, ast.Compare):
            lefts = [node.left, *node.comparators]
            for left, operator, right in zip(lefts, node.ops, node.comparators, strict=False):
                pattern, others = _COMPARISONS[type(operator)]
                yield from _replace_operator(
                    target, left, right, rf"\b{pattern}\b" if pattern[0].isalpha() else pattern, others
                )


def replace_arithmetic(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `-` for `+`, `//` for `/`, `&` for `^`, in expressions and in `+=`."""
    for node in target.expressions:
        if isinstance(node, ast.BinOp):
            sign, others = _ARITHMETIC[type(node.op)]
            yield from _replace_operator(target, node.left, node.right, re.escape(sign), others)
    for statement in target.statements:
        if isinstance(statement, ast.AugAssign):
            sign, others = _ARITHMETIC[type(statement.op)]
            signs = tuple(f"{other}=" for other in others if not other.isalpha())
            yield from _replace_operator(
                target, statement.target, statement.value, re.escape(sign) + "=", (*signs, "=")
            )


def replace_boolean(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `or` for `and`, and the reverse."""
    for node in target.expressions:
        if isinstance(node, ast.BoolOp):
            word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
            gaps = [target.get_gap(*pair) for pair in zip(node.values, node.values[1:], strict=False)]
            changes = [_replace_word(target, gap, word, other) for gap in gaps]
            yield MutationProposal(tuple(changes), node.lineno)
            if len(changes) > 1:
                yield from (MutationProposal((change,), node.lineno, 0.5) for change in changes)


def toggle_negation(target: MutationTarget) -> Iterator[MutationProposal]:
    """Negate a condition; add or drop a `not` or a sign."""
    for node in target.expressions:
        above = target.get_parent(node)
        if isinstance(node, ast.UnaryOp):
            yield target.replace(node, target.get_text(node.operand))
        elif (isinstance(above, ast.If | ast.While | ast.IfExp | ast.Assert) and node is above.test) or (
            isinstance(above, ast.comprehension) and any(node is test for test in above.ifs)
        ):
            yield target.replace(node, f"not {_enclose_operand(target, node)}")
        elif isinstance(above, ast.Return | ast.BoolOp) and not isinstance(node, ast.Constant):
            yield target.replace(node, f"not {_enclose_operand(target, node)}", 0.4)
            if isinstance(node, ast.Name | ast.Call | ast.BinOp | ast.Subscript):
                yield target.replace(node, f"-{_enclose_operand(target, node)}", 0.3)
        elif isinstance(above, ast.Assign | ast.Call | ast.BinOp | ast.AugAssign) and isinstance(
            node, ast.Name | ast.Call
        ):
            yield target.replace(node, f"-{target.get_text(node)}", 0.15)


def drop_operand(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `a` or `b` alone for `a + b`, `a and b`, `a if c else b`, and a part alone of a chain of them."""
    for node in target.expressions:
        if isinstance(node, ast.BinOp):
            yield from (target.replace(node, target.get_text(part)) for part in (node.left, node.right))
            yield from _drop_middle_operand(target, node)
        elif isinstance(node, ast.BoolOp):
            yield from _drop_boolean_value(target, node)
        elif isinstance(node, ast.IfExp):
            yield from (target.replace(node, target.get_text(part)) for part in (node.body, node.orelse))


def add_operand(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `a - b` or `a + b` for `a`, where a number is given, returned, compared, or taken for an index."""
    for node in target.expressions:
        if not _can_take_operand(target, node):
            continue
        text = target.get_text(node)
        for name in target.scope.find_names(node.lineno):
            likely = target.scope.roles.get(name, frozenset()) & {"arithmetic", "compared", "index"}
            if name != text and name not in ("self", "cls"):
                yield from (target.replace(node, f"{text} {sign} {name}", 1.0 if likely else 0.3) for sign in "-+")
                yield target.replace(node, f"{text} * {name}", 0.3 if likely else 0.1)


def _can_take_operand(target: MutationTarget, node: ast.expr) -> bool:
    if not isinstance(node, ast.Name | ast.Call | ast.Subscript) or not isinstance(
        getattr(node, "ctx", ast.Load()), ast.Load
    ):
        return False
    above = target.get_parent(node)
    called = isinstance(above, ast.Call) and node is not above.func
    return called or isinstance(
        above, ast.Return | ast.Compare | ast.Assign | ast.AugAssign | ast.Slice | ast.Subscript
    )


def swap_operands(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `b - a` for `a - b`, `y if c else x` for `x if c else y`; exchange the sides of a comparison, or two
    elements."""
    for node in target.expressions:
        if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Mult | ast.BitAnd | ast.BitOr | ast.BitXor):
            yield target.exchange(node.left, node.right)
        elif isinstance(node, ast.IfExp):
            yield target.exchange(node.body, node.orelse)
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            yield target.exchange(node.left, node.comparators[0])
        elif isinstance(node, ast.Tuple | ast.List) and 2 <= len(node.elts) <= 6:
            yield from (target.exchange(a, b) for n, a in enumerate(node.elts) for b in node.elts[n + 1 :])
        elif isinstance(node, ast.Dict) and 1 < len(node.values) <= 6:
            yield from (target.exchange(a, b, 0.5) for a, b in zip(node.values, node.values[1:], strict=False))


def _drop_middle_operand(target: MutationTarget, node: ast.BinOp) -> Iterator[MutationProposal]:
    """Write `a * c` and `a + c` for `a + b * c`, where that is read from the left."""
    if isinstance(node.left, ast.BinOp):
        start, end = target.get_span(node.left.left)[1], target.get_span(node.left)[1]
        if target.source[target.get_span(node.left)[0] - 1] != "(":
            yield MutationProposal((TextChange(start, end, ""),), node.lineno)
            first = target.get_span(node.left.right)[0], target.get_span(node.right)[0]
            yield MutationProposal((TextChange(*first, ""),), node.lineno)


def _drop_boolean_value(target: MutationTarget, node: ast.BoolOp) -> Iterator[MutationProposal]:
    word = " and " if isinstance(node.op, ast.And) else " or "
    for left_out in node.values:
        kept = [
            _enclose_operand(target, value) if isinstance(value, ast.BoolOp) else target.get_text(value)
            for value in node.values
            if value is not left_out
        ]
        yield target.replace(node, word.join(kept))


def _replace_operator(
    target: MutationTarget, left: ast.expr, right: ast.expr, pattern: str, others: tuple[str, ...]
) -> Iterator[MutationProposal]:
    """Write each of `others` for the operator between two nodes, which `pattern` finds in the text."""
    start, end = target.get_gap(left, right)
    found = re.search(pattern, target.source[start:end])
    if found is None:
        return
    for rank, other in enumerate(others):
        padded = other if not other.isalpha() or found[0].isalpha() else f" {other} "
        yield MutationProposal(
            (TextChange(start + found.start(), start + found.end(), padded),), left.lineno, 0.8**rank
        )


def _replace_word(target: MutationTarget, gap: tuple[int, int], word: str, other: str) -> TextChange:
    found = re.search(rf"\b{word}\b", target.source[gap[0] : gap[1]])
    at = gap[0] + (found.start() if found else 0)
    return TextChange(at, at + len(word), other)


def _enclose_operand(target: MutationTarget, node: ast.expr) -> str:
    """Return the text of a node, in parentheses unless it is a simple one."""
    text = target.get_text(node)
    return text if isinstance(node, ast.Name | ast.Call | ast.Attribute | ast.Subscript | ast.Constant) else f"({text})"
