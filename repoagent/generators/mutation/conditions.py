"""Other conditions: stronger and weaker ones, another one in its place, other branches."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from repoagent.edits.syntax import first_line
from repoagent.generators.mutation.target import Change, Proposal, Subject


def stronger(subject: Subject) -> Iterator[Proposal]:
    """`c and d` for `c`, a filter for a comprehension."""
    yield from _extended(subject, "and")
    for node in subject.expressions:
        for generator in getattr(node, "generators", ()):
            if not generator.ifs:
                names = [n.id for n in ast.walk(generator.target) if isinstance(n, ast.Name)]
                end = subject.span(generator.iter)[1]
                yield from (
                    Proposal((Change(end, end, f" if {test}"),), node.lineno) for test in _tests_of(subject, names)
                )


def weaker(subject: Subject) -> Iterator[Proposal]:
    """`c or d` for `c`, and a comprehension without its filter."""
    yield from _extended(subject, "or")
    for node in subject.expressions:
        for generator in getattr(node, "generators", ()):
            for test in generator.ifs:
                start, end = subject.span(test)
                keyword = subject.source.rfind("if", 0, start)
                yield Proposal((Change(keyword, end, ""),), node.lineno)


def replaced(subject: Subject) -> Iterator[Proposal]:
    """Another condition: a variable for its truth, a comparison of two, one that the function has elsewhere."""
    for node, _ in _conditions(subject):
        for rank, (text, fit) in enumerate(_atoms(subject, node)):
            if text != subject.text(node):
                yield subject.put(node, text, fit * 0.97**rank)


def none_checked(subject: Subject) -> Iterator[Proposal]:
    """A condition that asks something of an object first asks whether there is one (the null check of PAR and TBar)."""
    for node, _ in _conditions(subject):
        inner = subject.text(node)
        asked = [n.value for n in ast.walk(node) if isinstance(n, ast.Attribute | ast.Subscript)]
        for name in dict.fromkeys(subject.text(each) for each in asked if isinstance(each, ast.Name | ast.Attribute)):
            for form in ("{0} is None or {1}", "{0} is not None and {1}", "not {0} or {1}", "{0} and {1}"):
                word = "or" if " or " in form else "and"
                yield subject.put(node, form.format(name, f"({inner})" if _binds_less(node, word) else inner))


def decided(subject: Subject) -> Iterator[Proposal]:
    """A condition for the truth value that is returned."""
    for node in subject.expressions:
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, bool)
            and isinstance(subject.parent(node), ast.Return)
        ):
            for rank, text in enumerate((*tests(subject, node.lineno), *written(subject))):
                yield subject.put(node, text, 0.98**rank)


def none_or_empty(subject: Subject) -> Iterator[Proposal]:
    """`x is None` for `not x`, and the other way round; `isinstance` of more classes."""
    for node, _ in _conditions(subject):
        negated = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        name = node.operand if isinstance(node, ast.UnaryOp) else node
        if isinstance(name, ast.Name | ast.Attribute | ast.Subscript):
            yield subject.put(node, f"{subject.text(name)} is {'' if negated else 'not '}None")
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is | ast.IsNot):
            yield subject.put(node, ("not " if isinstance(node.ops[0], ast.Is) else "") + subject.text(node.left))
    for call in (
        n
        for n in subject.expressions
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "isinstance"
    ):
        if len(call.args) == 2:
            kinds = subject.text(call.args[1]).strip("()")
            yield from (
                subject.put(call.args[1], f"({kinds}, {more})", 0.5)
                for more in ("str", "int", "float", "list", "tuple", "bool", "dict")
                if more not in kinds
            )


def branches(subject: Subject) -> Iterator[Proposal]:
    """`while` for `if`, `if` for `elif`, an `else` whose block runs always."""
    for node in subject.statements:
        if isinstance(node, ast.If):
            yield from _other_if(subject, node)
        elif isinstance(node, ast.While) and not node.orelse:
            yield from _keyword(subject, node, "while", "if")


def exception(subject: Subject) -> Iterator[Proposal]:
    """Another class of exceptions caught or raised."""
    for handler in (n for n in ast.walk(subject.function) if isinstance(n, ast.ExceptHandler) and n.type):
        text = subject.text(handler.type) if handler.type else ""
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
                yield subject.put(handler.type, f"({bare}, {name})")
                yield subject.put(handler.type, name, 0.5)
    for node in (n for n in subject.statements if isinstance(n, ast.Raise) and n.exc):
        called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if isinstance(called, ast.Name):
            yield from (
                subject.put(called, name)
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


def tests(subject: Subject, line: int) -> Sequence[str]:
    """Conditions that may be asked at `line`: the truth of variables, comparisons between them and with constants."""
    near = subject.scope.near(line)
    names = [n for n in sorted(subject.scope.names_at(line), key=lambda n: n not in near) if n not in ("self", "cls")][
        :6
    ]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    found = [f"{a} {sign} {b}" for a, b in pairs if {a, b} <= near for sign in _SIGNS]
    found += [f"not {name}" for name in names] + list(names)
    found += [f"{a} {sign} {b}" for a, b in pairs if not {a, b} <= near for sign in _SIGNS]
    found += [f"{name} {sign} {number}" for name in names for number in ("0", "1") for sign in ("==", "<=", ">", "!=")]
    found += [f"{name} is None" for name in names] + [f"len({name}) <= 1" for name in names]
    return found


_SIGNS = ("==", "!=", "<", ">", "<=", ">=", "in", "not in")


def written(subject: Subject) -> Sequence[str]:
    """Conditions that the function has already, and their negations."""
    nodes = [node for node in subject.expressions if isinstance(node, ast.Compare)]
    texts = [t for node in nodes if len(t := subject.text(node)) <= 60 and "\n" not in t]
    return list(dict.fromkeys([*texts, *(f"not ({text})" for text in texts)]))


def _conditions(subject: Subject) -> Iterator[tuple[ast.expr, ast.AST]]:
    for node in subject.expressions:
        above = subject.parent(node)
        if (isinstance(above, ast.If | ast.While | ast.IfExp | ast.Assert) and node is above.test) or (
            isinstance(above, ast.comprehension) and any(node is test for test in above.ifs)
        ):
            yield node, above


def _extended(subject: Subject, word: str) -> Iterator[Proposal]:
    returned = [
        (n, p)
        for n in subject.expressions
        if isinstance(p := subject.parent(n), ast.Return) and isinstance(n, ast.Compare | ast.BoolOp)
    ]
    for node, _ in (*_conditions(subject), *returned):
        inner = f"({subject.text(node)})" if _binds_less(node, word) else subject.text(node)
        for rank, (text, fit) in enumerate(_atoms(subject, node)):
            if text not in inner:
                yield subject.put(node, f"{inner} {word} {text}", fit * 0.98**rank)
                yield subject.put(node, f"{text} {word} {inner}", 0.5 * fit * 0.98**rank)


def _atoms(subject: Subject, node: ast.expr) -> Sequence[tuple[str, float]]:
    varied = [(text, 0.8) for text in _variations(subject, node)]
    return [
        *varied,
        *((text, 0.8) for text in written(subject)),
        *((text, 0.5) for text in tests(subject, node.lineno)),
    ]


def _variations(subject: Subject, node: ast.expr) -> Iterator[str]:
    """A part of a condition once more, with one of its variables replaced or two of them exchanged."""
    parts = [n for n in ast.walk(node) if isinstance(n, ast.Compare)]
    for compare in parts[:3]:
        text = subject.text(compare)
        names = list(dict.fromkeys(n.id for n in ast.walk(compare) if isinstance(n, ast.Name)))
        for one in names:
            others = [n for n in subject.scope.names_at(node.lineno) if n != one][:6]
            yield from (re.sub(rf"\b{one}\b", other, text) for other in others if other not in names)
        for one, other in ((a, b) for i, a in enumerate(names) for b in names[i + 1 :]):
            yield re.sub(rf"\b({one}|{other})\b", lambda m, one=one, other=other: other if m[0] == one else one, text)  # type: ignore[misc]  # a lambda with defaults


def _binds_less(node: ast.expr, word: str) -> bool:
    return isinstance(node, ast.IfExp | ast.Lambda | ast.NamedExpr) or (
        isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or) and word == "and"
    )


def _tests_of(subject: Subject, names: Sequence[str]) -> Iterator[str]:
    others = [n for n in subject.scope.names_at(subject.function.end_lineno or 0) if n not in names][:6]
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


def _other_if(subject: Subject, node: ast.If) -> Iterator[Proposal]:
    line = subject.offsets.lines[node.lineno - 1].lstrip()
    if line.startswith("elif"):
        yield from _keyword(subject, node, "elif", "if")
        return
    if not node.orelse:
        yield from _keyword(subject, node, "if", "while")
    block = subject.block_of(node)
    place = next((i for i, each in enumerate(block) if each is node), 0)
    before = block[place - 1] if place else None
    if isinstance(before, ast.If) and not before.orelse:
        yield from _keyword(subject, node, "if", "elif")


def _keyword(subject: Subject, node: ast.stmt, word: str, other: str) -> Iterator[Proposal]:
    start = subject.span(node)[0]
    at = (
        start
        if subject.source.startswith(word, start)
        else subject.source.find(word, subject.offsets.starts[first_line(node) - 1])
    )
    yield Proposal((Change(at, at + len(word), other),), node.lineno)
