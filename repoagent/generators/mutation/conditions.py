"""Other conditions: stronger and weaker ones, another one in its place, other branches."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from repoagent.generators.mutation.target import MutationProposal, MutationTarget, TextChange


def strengthen_condition(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `c and d` for `c`; add a filter to a comprehension."""
    yield from _extend_conditions(target, "and")
    for node in target.expressions:
        for generator in getattr(node, "generators", ()):
            if not generator.ifs:
                names = [n.id for n in ast.walk(generator.target) if isinstance(n, ast.Name)]
                end = target.get_span(generator.iter)[1]
                yield from (
                    MutationProposal((TextChange(end, end, f" if {test}"),), node.lineno)
                    for test in _list_element_conditions(target, names)
                )


def weaken_condition(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `c or d` for `c`; drop the filter of a comprehension."""
    yield from _extend_conditions(target, "or")
    for node in target.expressions:
        for generator in getattr(node, "generators", ()):
            for test in generator.ifs:
                start, end = target.get_span(test)
                keyword = target.source.rfind("if", 0, start)
                yield MutationProposal((TextChange(keyword, end, ""),), node.lineno)


def replace_condition(target: MutationTarget) -> Iterator[MutationProposal]:
    """Ask another condition: the truth of a variable, a comparison of two, one that the function has elsewhere."""
    for node, _ in _find_condition_nodes(target):
        for rank, (text, plausibility) in enumerate(_list_alternatives(target, node)):
            if text != target.get_text(node):
                yield target.replace(node, text, plausibility * 0.97**rank)


def add_none_check(target: MutationTarget) -> Iterator[MutationProposal]:
    """Before a condition asks something of an object, ask whether there is one (the null check of PAR and TBar)."""
    for node, _ in _find_condition_nodes(target):
        inner = target.get_text(node)
        asked = [n.value for n in ast.walk(node) if isinstance(n, ast.Attribute | ast.Subscript)]
        for name in dict.fromkeys(
            target.get_text(each) for each in asked if isinstance(each, ast.Name | ast.Attribute)
        ):
            for form in ("{0} is None or {1}", "{0} is not None and {1}", "not {0} or {1}", "{0} and {1}"):
                word = "or" if " or " in form else "and"
                yield target.replace(node, form.format(name, f"({inner})" if _needs_parentheses(node, word) else inner))


def return_condition(target: MutationTarget) -> Iterator[MutationProposal]:
    """Return a condition instead of a truth value."""
    for node in target.expressions:
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, bool)
            and isinstance(target.get_parent(node), ast.Return)
        ):
            for rank, text in enumerate((*list_conditions(target, node.lineno), *find_conditions(target))):
                yield target.replace(node, text, 0.98**rank)


def exchange_none_and_empty(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `x is None` for `not x`, or the reverse; add a class to an `isinstance`."""
    for node, _ in _find_condition_nodes(target):
        negated = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        name = node.operand if isinstance(node, ast.UnaryOp) else node
        if isinstance(name, ast.Name | ast.Attribute | ast.Subscript):
            yield target.replace(node, f"{target.get_text(name)} is {'' if negated else 'not '}None")
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is | ast.IsNot):
            yield target.replace(node, ("not " if isinstance(node.ops[0], ast.Is) else "") + target.get_text(node.left))
    for call in (
        n
        for n in target.expressions
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "isinstance"
    ):
        if len(call.args) == 2:
            kinds = target.get_text(call.args[1]).strip("()")
            yield from (
                target.replace(call.args[1], f"({kinds}, {more})", 0.5)
                for more in ("str", "int", "float", "list", "tuple", "bool", "dict")
                if more not in kinds
            )


def change_exception(target: MutationTarget) -> Iterator[MutationProposal]:
    """Catch or raise another class of exceptions."""
    for handler in (n for n in ast.walk(target.function) if isinstance(n, ast.ExceptHandler) and n.type):
        text = target.get_text(handler.type) if handler.type else ""
        bare = text.strip("()")
        for name in (
            "ValueError",
            "TypeError",
            "KeyError",
            "IndexError",
            "AttributeError",
            "OSError",
            "ZeroDivisionError",
            "ImportError",
            "StopIteration",
            "Exception",
        ):
            if name not in bare and handler.type:
                yield target.replace(handler.type, f"({bare}, {name})")
                yield target.replace(handler.type, name, 0.5)
    for node in (n for n in target.statements if isinstance(n, ast.Raise) and n.exc):
        called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if isinstance(called, ast.Name):
            yield from (
                target.replace(called, name)
                for name in (
                    "ValueError",
                    "TypeError",
                    "KeyError",
                    "IndexError",
                    "AttributeError",
                    "RuntimeError",
                    "NotImplementedError",
                )
                if name != called.id
            )


# --- helpers ----------------------------------------------------------------------------------------------------------


def list_conditions(target: MutationTarget, line: int) -> Sequence[str]:
    """List conditions that may be asked at `line`: the truth of variables, comparisons between them and with
    constants."""
    near = target.scope.find_near_names(line)
    names = [n for n in sorted(target.scope.find_names(line), key=lambda n: n not in near) if n not in ("self", "cls")][
        :6
    ]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    found = [f"{a} {sign} {b}" for a, b in pairs if {a, b} <= near for sign in _COMPARISON_SIGNS]
    found += [f"not {name}" for name in names] + list(names)
    found += [f"{a} {sign} {b}" for a, b in pairs if not {a, b} <= near for sign in _COMPARISON_SIGNS]
    found += [f"{name} {sign} {number}" for name in names for number in ("0", "1") for sign in ("==", "<=", ">", "!=")]
    found += [f"{name} is None" for name in names] + [f"len({name}) <= 1" for name in names]
    return found


_COMPARISON_SIGNS = ("==", "!=", "<", ">", "<=", ">=", "in", "not in")


def find_conditions(target: MutationTarget) -> Sequence[str]:
    """List the conditions that the function has already, and their negations."""
    nodes = [node for node in target.expressions if isinstance(node, ast.Compare)]
    texts = [t for node in nodes if len(t := target.get_text(node)) <= 60 and "\n" not in t]
    return list(dict.fromkeys([*texts, *(f"not ({text})" for text in texts)]))


def _find_condition_nodes(target: MutationTarget) -> Iterator[tuple[ast.expr, ast.AST]]:
    """Yield each expression that is asked for its truth, with the node that asks."""
    for node in target.expressions:
        above = target.get_parent(node)
        if (isinstance(above, ast.If | ast.While | ast.IfExp | ast.Assert) and node is above.test) or (
            isinstance(above, ast.comprehension) and any(node is test for test in above.ifs)
        ):
            yield node, above


def _extend_conditions(target: MutationTarget, word: str) -> Iterator[MutationProposal]:
    """Join each condition with another one by `word`, which is `and` or `or`."""
    returned = [
        (n, p)
        for n in target.expressions
        if isinstance(p := target.get_parent(n), ast.Return) and isinstance(n, ast.Compare | ast.BoolOp)
    ]
    for node, _ in (*_find_condition_nodes(target), *returned):
        inner = f"({target.get_text(node)})" if _needs_parentheses(node, word) else target.get_text(node)
        for rank, (text, plausibility) in enumerate(_list_alternatives(target, node)):
            if text not in inner:
                yield target.replace(node, f"{inner} {word} {text}", plausibility * 0.98**rank)
                yield target.replace(node, f"{text} {word} {inner}", 0.5 * plausibility * 0.98**rank)


def _list_alternatives(target: MutationTarget, node: ast.expr) -> Sequence[tuple[str, float]]:
    """List conditions that might stand in the place of `node` or beside it, and how plausible each is."""
    varied = [(text, 0.8) for text in _vary_comparisons(target, node)]
    return [
        *varied,
        *((text, 0.8) for text in find_conditions(target)),
        *((text, 0.5) for text in list_conditions(target, node.lineno)),
    ]


def _vary_comparisons(target: MutationTarget, node: ast.expr) -> Iterator[str]:
    """Yield each comparison of a condition with one of its variables replaced, or two of them exchanged."""
    parts = [n for n in ast.walk(node) if isinstance(n, ast.Compare)]
    for compare in parts[:3]:
        text = target.get_text(compare)
        names = list(dict.fromkeys(n.id for n in ast.walk(compare) if isinstance(n, ast.Name)))
        for one in names:
            others = [n for n in target.scope.find_names(node.lineno) if n != one][:6]
            yield from (re.sub(rf"\b{one}\b", other, text) for other in others if other not in names)
        for one, other in ((a, b) for i, a in enumerate(names) for b in names[i + 1 :]):
            yield re.sub(rf"\b({one}|{other})\b", lambda m, one=one, other=other: other if m[0] == one else one, text)  # type: ignore[misc]  # a lambda with defaults


def _needs_parentheses(node: ast.expr, word: str) -> bool:
    """Return whether `node` falls apart beside the operator `word`."""
    return isinstance(node, ast.IfExp | ast.Lambda | ast.NamedExpr) or (
        isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or) and word == "and"
    )


def _list_element_conditions(target: MutationTarget, names: Sequence[str]) -> Iterator[str]:
    """Yield conditions about `names`, the variables of a comprehension."""
    others = [n for n in target.scope.find_names(target.function.end_lineno or 0) if n not in names][:6]
    for name in names:
        yield from (
            name,
            f"{name} > 0",
            f"{name} % 2 == 0",
            f"{name} % 2 == 1",
            f"{name} is not None",
            f"{name} != 0",
            f"{name} < 0",
            f"{name} >= 0",
        )
        yield from (f"{name} {sign} {other}" for other in others for sign in ("in", "not in", "!=", "==", "<", ">"))
