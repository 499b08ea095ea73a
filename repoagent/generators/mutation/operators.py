"""Other operators: comparisons, arithmetic, boolean and unary ones, and operands that are one too many."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from repoagent.generators.mutation.target import Change, Proposal, Subject

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


def comparison(target: Subject) -> Iterator[Proposal]:
    """Write `<` for `<=`, `==` for `is`, and the like."""
    for node in target.expressions:
        if isinstance(node, ast.Compare):
            lefts = [node.left, *node.comparators]
            for left, operator, right in zip(lefts, node.ops, node.comparators, strict=False):
                pattern, others = _COMPARISONS[type(operator)]
                yield from _replaced(
                    target, left, right, rf"\b{pattern}\b" if pattern[0].isalpha() else pattern, others
                )


def arithmetic(target: Subject) -> Iterator[Proposal]:
    """Write `-` for `+`, `//` for `/`, `&` for `^`, in expressions and in `+=`."""
    for node in target.expressions:
        if isinstance(node, ast.BinOp):
            sign, others = _ARITHMETIC[type(node.op)]
            yield from _replaced(target, node.left, node.right, re.escape(sign), others)
    for statement in target.statements:
        if isinstance(statement, ast.AugAssign):
            sign, others = _ARITHMETIC[type(statement.op)]
            signs = tuple(f"{other}=" for other in others if not other.isalpha())
            yield from _replaced(target, statement.target, statement.value, re.escape(sign) + "=", (*signs, "="))


def boolean(target: Subject) -> Iterator[Proposal]:
    """Write `or` for `and`, and the reverse."""
    for node in target.expressions:
        if isinstance(node, ast.BoolOp):
            word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
            gaps = [target.between(*pair) for pair in zip(node.values, node.values[1:], strict=False)]
            changes = [_word(target, gap, word, other) for gap in gaps]
            yield Proposal(tuple(changes), node.lineno)
            if len(changes) > 1:
                yield from (Proposal((change,), node.lineno, 0.5) for change in changes)


def negation(target: Subject) -> Iterator[Proposal]:
    """Negate a condition; add or drop a `not` or a sign."""
    for node in target.expressions:
        above = target.parent(node)
        if isinstance(node, ast.UnaryOp):
            yield target.put(node, target.text(node.operand))
        elif (isinstance(above, ast.If | ast.While | ast.IfExp | ast.Assert) and node is above.test) or (
            isinstance(above, ast.comprehension) and any(node is test for test in above.ifs)
        ):
            yield target.put(node, f"not {_enclosed(target, node)}")
        elif isinstance(above, ast.Return | ast.BoolOp) and not isinstance(node, ast.Constant):
            yield target.put(node, f"not {_enclosed(target, node)}", 0.4)
            if isinstance(node, ast.Name | ast.Call | ast.BinOp | ast.Subscript):
                yield target.put(node, f"-{_enclosed(target, node)}", 0.3)
        elif isinstance(above, ast.Assign | ast.Call | ast.BinOp | ast.AugAssign) and isinstance(
            node, ast.Name | ast.Call
        ):
            yield target.put(node, f"-{target.text(node)}", 0.15)


def operand_dropped(target: Subject) -> Iterator[Proposal]:
    """Write `a` or `b` alone for `a + b`, `a and b`, `a if c else b`, and a part alone of a chain of them."""
    for node in target.expressions:
        if isinstance(node, ast.BinOp):
            yield from (target.put(node, target.text(part)) for part in (node.left, node.right))
            yield from _middle_dropped(target, node)
        elif isinstance(node, ast.BoolOp):
            yield from _value_dropped(target, node)
        elif isinstance(node, ast.IfExp):
            yield from (target.put(node, target.text(part)) for part in (node.body, node.orelse))


def operand_added(target: Subject) -> Iterator[Proposal]:
    """Write `a - b` or `a + b` for `a`, where a number is given, returned, compared, or taken for an index."""
    for node in target.expressions:
        if not _may_grow(target, node):
            continue
        text = target.text(node)
        for name in target.scope.names_at(node.lineno):
            likely = target.scope.roles.get(name, frozenset()) & {"arithmetic", "compared", "index"}
            if name != text and name not in ("self", "cls"):
                yield from (target.put(node, f"{text} {sign} {name}", 1.0 if likely else 0.3) for sign in "-+")
                yield target.put(node, f"{text} * {name}", 0.3 if likely else 0.1)


def _may_grow(target: Subject, node: ast.expr) -> bool:
    if not isinstance(node, ast.Name | ast.Call | ast.Subscript) or not isinstance(
        getattr(node, "ctx", ast.Load()), ast.Load
    ):
        return False
    above = target.parent(node)
    called = isinstance(above, ast.Call) and node is not above.func
    return called or isinstance(
        above, ast.Return | ast.Compare | ast.Assign | ast.AugAssign | ast.Slice | ast.Subscript
    )


def operands_swapped(target: Subject) -> Iterator[Proposal]:
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


def regrouped(target: Subject) -> Iterator[Proposal]:
    """Write `a * (b + c)` for `a * b + c`, in case the other precedence was meant."""
    for node in target.expressions:
        if isinstance(node, ast.BinOp) and isinstance(node.left, ast.BinOp):
            start, end = target.span(node)
            middle = target.span(node.left.right)[0]
            if target.text(node.left).count("(") == target.text(node.left).count(")"):
                text = target.source[start:middle] + "(" + target.source[middle:end] + ")"
                yield Proposal((Change(start, end, text),), node.lineno)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) and isinstance(node.operand, ast.BoolOp):
            first = node.operand.values[0]
            yield target.put(
                node,
                "not " + target.text(node.operand).replace(target.text(first), f"({target.text(first)})", 1),
                0.5,
            )


def _middle_dropped(target: Subject, node: ast.BinOp) -> Iterator[Proposal]:
    """Write `a * c` and `a + c` for `a + b * c`, where that is read from the left."""
    if isinstance(node.left, ast.BinOp):
        start, end = target.span(node.left.left)[1], target.span(node.left)[1]
        if target.source[target.span(node.left)[0] - 1] != "(":
            yield Proposal((Change(start, end, ""),), node.lineno)
            first = target.span(node.left.right)[0], target.span(node.right)[0]
            yield Proposal((Change(*first, ""),), node.lineno)


def _value_dropped(target: Subject, node: ast.BoolOp) -> Iterator[Proposal]:
    word = " and " if isinstance(node.op, ast.And) else " or "
    for left_out in node.values:
        kept = [
            _enclosed(target, value) if isinstance(value, ast.BoolOp) else target.text(value)
            for value in node.values
            if value is not left_out
        ]
        yield target.put(node, word.join(kept))


def _replaced(
    target: Subject, left: ast.expr, right: ast.expr, pattern: str, others: tuple[str, ...]
) -> Iterator[Proposal]:
    """Write each of `others` for the operator between two nodes, which `pattern` finds in the text."""
    start, end = target.between(left, right)
    found = re.search(pattern, target.source[start:end])
    if found is None:
        return
    for rank, other in enumerate(others):
        padded = other if not other.isalpha() or found[0].isalpha() else f" {other} "
        yield Proposal((Change(start + found.start(), start + found.end(), padded),), left.lineno, 0.8**rank)


def _word(target: Subject, gap: tuple[int, int], word: str, other: str) -> Change:
    found = re.search(rf"\b{word}\b", target.source[gap[0] : gap[1]])
    at = gap[0] + (found.start() if found else 0)
    return Change(at, at + len(word), other)


def _enclosed(target: Subject, node: ast.expr) -> str:
    """Return the text of a node, in parentheses unless it is a simple one."""
    text = target.text(node)
    return text if isinstance(node, ast.Name | ast.Call | ast.Attribute | ast.Subscript | ast.Constant) else f"({text})"
