"""Other statements: one deleted, moved, repeated, guarded, inserted; other exits from loops and functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from repoagent.edits.syntax import first_line, last_line
from repoagent.generators.mutation.conditions import tests, written
from repoagent.generators.mutation.target import Change, Proposal, Subject


def deleted(subject: Subject) -> Iterator[Proposal]:
    """A statement left out; a branch that runs always; a loop's body alone."""
    for node in subject.statements:
        span = subject.own_lines(node)
        if span is None:
            continue
        alone = len(subject.block_of(node)) == 1
        text = f"{subject.indent(node)}pass\n" if alone else ""
        yield Proposal((Change(*span, text),), node.lineno, 0.6 if hasattr(node, "body") else 1.0)
        if isinstance(node, ast.If) and not node.orelse:
            yield Proposal((Change(*span, _shifted(subject, node.body, subject.indent(node))),), node.lineno)
        if isinstance(node, ast.If) and node.orelse and first_line(node.orelse[0]) > last_line(node.body[-1]) + 1:
            yield Proposal((Change(*span, _shifted(subject, node.orelse, subject.indent(node))),), node.lineno, 0.5)


def moved(subject: Subject) -> Iterator[Proposal]:
    """Two neighbours in each other's place; the last or first statement of a block moved out; the statement behind or
    before a block moved in."""
    for node in subject.statements:
        block = subject.block_of(node)
        at = next((n for n, each in enumerate(block) if each is node), 0)
        following = block[at + 1] if at + 1 < len(block) else None
        if following is not None:
            yield from _swapped(subject, node, following)
            yield from _moved_in(subject, node, following)
        yield from _moved_out(subject, node, block, at)


def exits(subject: Subject) -> Iterator[Proposal]:
    """`break`, `continue`, `return`, `yield` for one another; what a function gives back."""
    names = [n for n in subject.scope.variables if n not in ("self", "cls")]
    for node in subject.statements:
        if isinstance(node, ast.Break | ast.Continue | ast.Pass):
            words = [
                "break",
                "continue",
                "pass",
                "return",
                *(f"return {value}" for value in ("True", "False", "None", *names[:6])),
            ]
            yield from _in_place(subject, node, [word for word in words if word != subject.text(node)])
        elif isinstance(node, ast.Return):
            yield from _other_return(subject, node, names)
        elif isinstance(node, ast.Expr):
            yield from _other_expression(subject, node)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            yield from _in_place(subject, node, [f"return {subject.text(node.value)}"], 0.4)


def inserted(subject: Subject) -> Iterator[Proposal]:
    """A statement more: an exit, a step of a counter, a call or an assignment that the function has elsewhere."""
    repeated = [
        n
        for n in subject.statements
        if isinstance(n, ast.Assign | ast.AugAssign | ast.Expr) and n.lineno == n.end_lineno
    ]
    texts = list(dict.fromkeys(subject.text(node) for node in repeated))[:12]
    for node in subject.statements:
        span = subject.own_lines(node)
        if span is None:
            continue
        loop = subject.loop_around(node)
        is_last = subject.block_of(node)[-1] is node
        steps = [f"{name} {sign}= 1" for name in _counters(subject) for sign in "+-"]
        words = [*(["break", "continue"] if loop else []), *steps, *texts, *_resets(subject)]
        for text in words:
            if text == subject.text(node):
                continue
            if not is_last or not isinstance(node, ast.Return | ast.Break | ast.Continue | ast.Raise):
                yield _line(subject, span[1], subject.indent(node), text, node.lineno, 1.0 if is_last else 0.5)
            if node is subject.block_of(node)[0]:
                yield _line(subject, span[0], subject.indent(node), text, node.lineno, 0.6)


def endless(subject: Subject) -> Iterator[Proposal]:
    """A step or an end for a loop whose condition nothing in it changes."""
    for loop in (node for node in subject.statements if isinstance(node, ast.While)):
        tested = {n.id for n in ast.walk(loop.test) if isinstance(n, ast.Name)}
        bound = {
            n.id for s in loop.body for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        span = subject.own_lines(loop.body[-1])
        if span and not tested & bound:
            steps = [f"{name} {step}" for name in sorted(tested) for step in ("-= 1", "+= 1", "//= 2")]
            indent, line = subject.indent(loop.body[-1]), last_line(loop)
            yield from (_line(subject, span[1], indent, text, line) for text in (*steps, "break"))


def returned(subject: Subject) -> Iterator[Proposal]:
    """What a function that ends without a `return` should give back."""
    last = subject.function.body[-1]
    span = subject.own_lines(last)
    if span is None or isinstance(last, ast.Return | ast.Raise):
        return
    values = [
        "True",
        "False",
        *(n for n in subject.scope.variables if n not in ("self", "cls")),
        "None",
        "[]",
        "-1",
        "self",
    ]
    yield from (_line(subject, span[1], subject.indent(last), f"return {value}", last.lineno) for value in values)


def guarded(subject: Subject) -> Iterator[Proposal]:
    """An early return at the beginning or before a loop, under a condition; a statement under a condition."""
    values = _results(subject)
    body = subject.function.body
    first = next((n for n in body if n in subject.statements), body[0])
    for place in [n for n in body if n is first or isinstance(n, ast.While | ast.For | ast.Return)][:3]:
        span = subject.own_lines(place)
        for test in _guards(subject) if span else ():
            yield from (_guard(subject, span[0] if span else 0, place, test, value) for value in values)
    for node in subject.statements:
        span = subject.own_lines(node)
        if span and isinstance(node, ast.Expr | ast.Assign | ast.AugAssign | ast.Return | ast.Break | ast.Continue):
            for rank, test in enumerate((*written(subject), *_choices(subject, node.lineno))):
                yield _under(subject, node, span, test, 0.97**rank)


def defaults(subject: Subject) -> Iterator[Proposal]:
    """No list or dictionary shared between calls: a default that can change becomes None and is made anew."""
    arguments = subject.function.args
    named = [*arguments.posonlyargs, *arguments.args]
    first = next((n for n in subject.function.body if n in subject.statements), None)
    span = subject.own_lines(first) if first is not None else None
    for argument, value in zip(named[len(named) - len(arguments.defaults) :], arguments.defaults, strict=True):
        if isinstance(value, ast.List | ast.Dict | ast.Call | ast.Set) and first is not None and span:
            indent = subject.indent(first)
            made = f"{argument.arg} = {subject.text(value)}"
            text = f"{indent}if {argument.arg} is None:\n{indent}{subject.unit}{made}\n"
            yield Proposal((Change(*subject.span(value), "None"), Change(span[0], span[0], text)), value.lineno)


def yielding(subject: Subject) -> Iterator[Proposal]:
    """`yield from x` for `yield x`, and the other way round."""
    for node in subject.expressions:
        if isinstance(node, ast.Yield) and node.value:
            yield subject.put(node, f"yield from {subject.text(node.value)}")
        elif isinstance(node, ast.YieldFrom):
            yield subject.put(node, f"yield {subject.text(node.value)}")


# --- helpers ----------------------------------------------------------------------------------------------------------


def _shifted(subject: Subject, block: Sequence[ast.stmt], indent: str) -> str:
    """The lines of a block, indented as `indent`."""
    lines = subject.offsets.lines[first_line(block[0]) - 1 : last_line(block[-1])]
    old = subject.indent(block[0])
    return "".join(indent + line.removeprefix(old) if line.strip() else line for line in lines)


def _swapped(subject: Subject, one: ast.stmt, other: ast.stmt) -> Iterator[Proposal]:
    first, second = subject.own_lines(one), subject.own_lines(other)
    if first and second and subject.source[second[0] : second[1]].endswith("\n"):
        text = (
            subject.source[second[0] : second[1]]
            + subject.source[first[1] : second[0]]
            + subject.source[first[0] : first[1]]
        )
        yield Proposal((Change(first[0], second[1], text),), one.lineno)


def _moved_in(subject: Subject, node: ast.stmt, following: ast.stmt) -> Iterator[Proposal]:
    """The statement behind a block becomes its last; the one before a loop its first."""
    outer, inner = subject.own_lines(node), subject.own_lines(following)
    body, later = getattr(node, "body", None), getattr(following, "body", None)
    if (
        outer
        and inner
        and isinstance(body, list)
        and not getattr(node, "orelse", ())
        and not hasattr(following, "body")
    ):
        text = _shifted(subject, [following], subject.indent(body[-1]))
        yield Proposal((Change(*inner, text),), following.lineno)
    if (
        outer
        and inner
        and isinstance(later, list)
        and not hasattr(node, "body")
        and isinstance(following, ast.For | ast.While)
    ):
        head = subject.offsets.starts[first_line(later[0]) - 1]
        text = subject.source[outer[1] : head] + _shifted(subject, [node], subject.indent(later[0]))
        yield Proposal((Change(outer[0], head, text),), node.lineno)


def _moved_out(subject: Subject, node: ast.stmt, block: Sequence[ast.stmt], at: int) -> Iterator[Proposal]:
    """The last statement of a block stands behind it, with less indentation; its first before a loop."""
    above, span = subject.parent(node), subject.own_lines(node)
    if not isinstance(above, ast.stmt) or above is subject.function or span is None or len(block) < 2:
        return
    outer = subject.own_lines(above)
    if at == len(block) - 1 and outer and outer[1] == span[1]:
        yield Proposal((Change(*span, _shifted(subject, [node], subject.indent(above))),), node.lineno)
    if at == 0 and outer and isinstance(above, ast.For | ast.While):
        head = subject.source[outer[0] : span[0]]
        yield Proposal(
            (Change(outer[0], span[1], _shifted(subject, [node], subject.indent(above)) + head),), node.lineno
        )


def _in_place(subject: Subject, node: ast.stmt, texts: Sequence[str], fit: float = 1.0) -> Iterator[Proposal]:
    yield from (Proposal((Change(*subject.span(node), text),), node.lineno, fit) for text in texts)


def _other_return(subject: Subject, node: ast.Return, names: Sequence[str]) -> Iterator[Proposal]:
    values = [name for name in names if node.value is None or name != subject.text(node.value)]
    yield from _in_place(subject, node, [f"return {value}" for value in values], 0.6)
    yield from _in_place(
        subject, node, ["return", "return []", "return 0", "return True", "return False", "return ''", "return -1"], 0.3
    )
    if node.value is not None:
        text = subject.text(node.value)
        yield from _in_place(
            subject, node, [f"return [{text}]", f"return ({text},)", f"yield {text}", f"yield from {text}"], 0.3
        )
        yield from (
            p
            for name in names
            for p in _in_place(
                subject, node, [f"return {name} + {text}", f"return {text} + {name}", f"return {text}, {name}"], 0.3
            )
        )
        if isinstance(node.value, ast.Call) and _is_own(subject, node.value):
            yield from (
                p
                for n in names
                for p in _in_place(subject, node, [f"return {text} + {n}", f"return [{n}] + {text}"], 0.3)
            )


def _other_expression(subject: Subject, node: ast.Expr) -> Iterator[Proposal]:
    text = subject.text(node)
    if isinstance(node.value, ast.Yield | ast.YieldFrom):
        return
    yield from _in_place(subject, node, [f"return {text}", f"yield from {text}"])
    if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        receiver = subject.text(node.value.func.value)
        yield from _in_place(subject, node, [f"{receiver} = {text}"])


def _is_own(subject: Subject, call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == subject.function.name


def _counters(subject: Subject) -> Sequence[str]:
    """Variables that are counted or compared, not those of a `for`."""
    return [
        n
        for n, roles in subject.scope.roles.items()
        if n in subject.scope.variables and roles & {"arithmetic", "compared", "index"} and "element" not in roles
    ][:8]


def _resets(subject: Subject) -> Sequence[str]:
    """Assignments of the variables that loops change: of others that are bound, too."""
    every = [n for n in subject.scope.variables if n not in ("self", "cls")][:8]
    names = [n for n in every if n not in subject.scope.parameters][:5]
    pairs = [f"{a} = {b}" for a in names for b in every if a != b]
    lists = [n for n in every if roles_of(subject, n) & {".append", ".pop", ".extend"}]
    calls = [f"{a}.append({b})" for a in lists for b in every if a != b]
    adds = [
        f"{a}.add({b})"
        for a in names
        for b in (*names, *subject.scope.parameters)
        if a != b and roles_of(subject, a) & {".add", ".update"}
    ]
    return [*calls, *adds, *pairs][:50]


def roles_of(subject: Subject, name: str) -> frozenset[str]:
    """What is done to a variable."""
    return subject.scope.roles.get(name, frozenset())


def _line(subject: Subject, at: int, indent: str, text: str, line: int, fit: float = 1.0) -> Proposal:
    ended = at == 0 or subject.source[at - 1] == "\n"
    return Proposal((Change(at, at, f"{'' if ended else chr(10)}{indent}{text}\n"),), line, fit)


def _results(subject: Subject) -> Sequence[str]:
    """What a function gives back early: what it gives back elsewhere, first of all."""
    given = [
        subject.text(n.value)
        for n in subject.statements
        if isinstance(n, ast.Return) and n.value and len(subject.text(n.value)) < 25
    ]
    known = [v for v in given if all(name in subject.scope.parameters for name in _names(v))]
    return list(
        dict.fromkeys(
            [*known, "None", "[]", "0", "False", "True", "''", *subject.scope.parameters[:3], "-1", "[[]]", "{}", "1"]
        )
    )[:10]


def _names(text: str) -> Sequence[str]:
    try:
        return [n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)]
    except (SyntaxError, ValueError):
        return []


def _guards(subject: Subject) -> Sequence[str]:
    parameters = [n for n in subject.scope.parameters if n not in ("self", "cls")][:4]
    found = [f"not {n}" for n in parameters] + [f"{n} is None" for n in parameters]
    found += [f"{n} {sign} {value}" for n in parameters for sign in ("==", "<=", "<") for value in ("0", "1")]
    found += [f"{a} == {b}" for i, a in enumerate(parameters) for b in parameters[i + 1 :]]
    found += [f"len({n}) {sign}" for n in parameters for sign in ("<= 1", "< 2", "== 0")]
    return [*found, *written(subject)[:6]]


def _choices(subject: Subject, line: int) -> Sequence[str]:
    return tests(subject, line)[:60]


def _guard(subject: Subject, at: int, place: ast.stmt, test: str, value: str) -> Proposal:
    indent = subject.indent(place)
    text = f"{indent}if {test}:\n{indent}{subject.unit}return {value}\n"
    return Proposal((Change(at, at, text),), place.lineno)


def _under(subject: Subject, node: ast.stmt, span: tuple[int, int], test: str, fit: float) -> Proposal:
    indent = subject.indent(node)
    text = f"{indent}if {test}:\n{_shifted(subject, [node], indent + subject.unit)}"
    return Proposal((Change(*span, text),), node.lineno, fit)
