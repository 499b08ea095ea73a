"""Other statements: one deleted, moved, repeated, guarded, inserted; other exits from loops and functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from repoagent.edits.syntax import first_line, last_line
from repoagent.generators.mutation.conditions import tests, written
from repoagent.generators.mutation.target import Change, Proposal, Subject


def deleted(target: Subject) -> Iterator[Proposal]:
    """Leave a statement out; run a branch always; run a loop's body once, without the loop."""
    for node in target.statements:
        span = target.own_lines(node)
        if span is None:
            continue
        alone = len(target.block_of(node)) == 1
        text = f"{target.indent(node)}pass\n" if alone else ""
        yield Proposal((Change(*span, text),), node.lineno, 0.6 if hasattr(node, "body") else 1.0)
        if isinstance(node, ast.If) and not node.orelse:
            yield Proposal((Change(*span, _shifted(target, node.body, target.indent(node))),), node.lineno)
        if isinstance(node, ast.If) and node.orelse and first_line(node.orelse[0]) > last_line(node.body[-1]) + 1:
            yield Proposal((Change(*span, _shifted(target, node.orelse, target.indent(node))),), node.lineno, 0.5)


def moved(target: Subject) -> Iterator[Proposal]:
    """Swap two neighbours; move the last or first statement of a block out of it, or the one behind or before a block
    into it."""
    for node in target.statements:
        block = target.block_of(node)
        at = next((n for n, each in enumerate(block) if each is node), 0)
        following = block[at + 1] if at + 1 < len(block) else None
        if following is not None:
            yield from _swapped(target, node, following)
            yield from _moved_in(target, node, following)
        yield from _moved_out(target, node, block, at)


def exits(target: Subject) -> Iterator[Proposal]:
    """Write `break`, `continue`, `return`, `yield` for one another; return another value."""
    names = [n for n in target.scope.variables if n not in ("self", "cls")]
    for node in target.statements:
        if isinstance(node, ast.Break | ast.Continue | ast.Pass):
            words = [
                "break",
                "continue",
                "pass",
                "return",
                *(f"return {value}" for value in ("True", "False", "None", *names[:6])),
            ]
            yield from _in_place(target, node, [word for word in words if word != target.text(node)])
        elif isinstance(node, ast.Return):
            yield from _other_return(target, node, names)
        elif isinstance(node, ast.Expr):
            yield from _other_expression(target, node)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            yield from _in_place(target, node, [f"return {target.text(node.value)}"], 0.4)


def inserted(target: Subject) -> Iterator[Proposal]:
    """Insert an exit, a step of a counter, or a call or an assignment that the function has elsewhere."""
    repeated = [
        n
        for n in target.statements
        if isinstance(n, ast.Assign | ast.AugAssign | ast.Expr) and n.lineno == n.end_lineno
    ]
    texts = list(dict.fromkeys(target.text(node) for node in repeated))[:12]
    for node in target.statements:
        span = target.own_lines(node)
        if span is None:
            continue
        loop = target.loop_around(node)
        is_last = target.block_of(node)[-1] is node
        steps = [f"{name} {sign}= 1" for name in _counters(target) for sign in "+-"]
        words = [*(["break", "continue"] if loop else []), *steps, *texts, *_resets(target)]
        for text in words:
            if text == target.text(node):
                continue
            if not is_last or not isinstance(node, ast.Return | ast.Break | ast.Continue | ast.Raise):
                yield _line(target, span[1], target.indent(node), text, node.lineno, 1.0 if is_last else 0.5)
            if node is target.block_of(node)[0]:
                yield _line(target, span[0], target.indent(node), text, node.lineno, 0.6)


def endless(target: Subject) -> Iterator[Proposal]:
    """Add a step or a `break` to a loop whose condition nothing in it changes."""
    for loop in (node for node in target.statements if isinstance(node, ast.While)):
        tested = {n.id for n in ast.walk(loop.test) if isinstance(n, ast.Name)}
        bound = {
            n.id for s in loop.body for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        span = target.own_lines(loop.body[-1])
        if span and not tested & bound:
            steps = [f"{name} {step}" for name in sorted(tested) for step in ("-= 1", "+= 1", "//= 2")]
            indent, line = target.indent(loop.body[-1]), last_line(loop)
            yield from (_line(target, span[1], indent, text, line) for text in (*steps, "break"))


def returned(target: Subject) -> Iterator[Proposal]:
    """Return a value at the end of a function that ends without a `return`."""
    last = target.function.body[-1]
    span = target.own_lines(last)
    if span is None or isinstance(last, ast.Return | ast.Raise):
        return
    values = [
        "True",
        "False",
        *(n for n in target.scope.variables if n not in ("self", "cls")),
        "None",
        "[]",
        "-1",
        "self",
    ]
    yield from (_line(target, span[1], target.indent(last), f"return {value}", last.lineno) for value in values)


def guarded(target: Subject) -> Iterator[Proposal]:
    """Return early under a condition, at the beginning or before a loop; put a statement under a condition."""
    values = _results(target)
    body = target.function.body
    first = next((n for n in body if n in target.statements), body[0])
    for place in [n for n in body if n is first or isinstance(n, ast.While | ast.For | ast.Return)][:3]:
        span = target.own_lines(place)
        for test in _guards(target) if span else ():
            yield from (_guard(target, span[0] if span else 0, place, test, value) for value in values)
    for node in target.statements:
        span = target.own_lines(node)
        if span and isinstance(node, ast.Expr | ast.Assign | ast.AugAssign | ast.Return | ast.Break | ast.Continue):
            for rank, test in enumerate((*written(target), *_choices(target, node.lineno))):
                yield _under(target, node, span, test, 0.97**rank)


def defaults(target: Subject) -> Iterator[Proposal]:
    """Share no list or dictionary between calls: a mutable default becomes None and is made anew in each."""
    arguments = target.function.args
    named = [*arguments.posonlyargs, *arguments.args]
    first = next((n for n in target.function.body if n in target.statements), None)
    span = target.own_lines(first) if first is not None else None
    for argument, value in zip(named[len(named) - len(arguments.defaults) :], arguments.defaults, strict=True):
        if isinstance(value, ast.List | ast.Dict | ast.Call | ast.Set) and first is not None and span:
            indent = target.indent(first)
            made = f"{argument.arg} = {target.text(value)}"
            text = f"{indent}if {argument.arg} is None:\n{indent}{target.unit}{made}\n"
            yield Proposal((Change(*target.span(value), "None"), Change(span[0], span[0], text)), value.lineno)


def yielding(target: Subject) -> Iterator[Proposal]:
    """Write `yield from x` for `yield x`, and the reverse."""
    for node in target.expressions:
        if isinstance(node, ast.Yield) and node.value:
            yield target.put(node, f"yield from {target.text(node.value)}")
        elif isinstance(node, ast.YieldFrom):
            yield target.put(node, f"yield {target.text(node.value)}")


# --- helpers ----------------------------------------------------------------------------------------------------------


def _shifted(target: Subject, block: Sequence[ast.stmt], indent: str) -> str:
    """Return the lines of a block, indented as `indent`."""
    lines = target.offsets.lines[first_line(block[0]) - 1 : last_line(block[-1])]
    old = target.indent(block[0])
    return "".join(indent + line.removeprefix(old) if line.strip() else line for line in lines)


def _swapped(target: Subject, one: ast.stmt, other: ast.stmt) -> Iterator[Proposal]:
    first, second = target.own_lines(one), target.own_lines(other)
    if first and second and target.source[second[0] : second[1]].endswith("\n"):
        text = (
            target.source[second[0] : second[1]]
            + target.source[first[1] : second[0]]
            + target.source[first[0] : first[1]]
        )
        yield Proposal((Change(first[0], second[1], text),), one.lineno)


def _moved_in(target: Subject, node: ast.stmt, following: ast.stmt) -> Iterator[Proposal]:
    """Make the statement behind a block its last; make the one before a loop its first."""
    outer, inner = target.own_lines(node), target.own_lines(following)
    body, later = getattr(node, "body", None), getattr(following, "body", None)
    if (
        outer
        and inner
        and isinstance(body, list)
        and not getattr(node, "orelse", ())
        and not hasattr(following, "body")
    ):
        text = _shifted(target, [following], target.indent(body[-1]))
        yield Proposal((Change(*inner, text),), following.lineno)
    if (
        outer
        and inner
        and isinstance(later, list)
        and not hasattr(node, "body")
        and isinstance(following, ast.For | ast.While)
    ):
        head = target.offsets.starts[first_line(later[0]) - 1]
        text = target.source[outer[1] : head] + _shifted(target, [node], target.indent(later[0]))
        yield Proposal((Change(outer[0], head, text),), node.lineno)


def _moved_out(target: Subject, node: ast.stmt, block: Sequence[ast.stmt], at: int) -> Iterator[Proposal]:
    """Move the last statement of a block behind it, with less indentation, or its first before a loop."""
    above, span = target.parent(node), target.own_lines(node)
    if not isinstance(above, ast.stmt) or above is target.function or span is None or len(block) < 2:
        return
    outer = target.own_lines(above)
    if at == len(block) - 1 and outer and outer[1] == span[1]:
        yield Proposal((Change(*span, _shifted(target, [node], target.indent(above))),), node.lineno)
    if at == 0 and outer and isinstance(above, ast.For | ast.While):
        head = target.source[outer[0] : span[0]]
        yield Proposal((Change(outer[0], span[1], _shifted(target, [node], target.indent(above)) + head),), node.lineno)


def _in_place(target: Subject, node: ast.stmt, texts: Sequence[str], plausibility: float = 1.0) -> Iterator[Proposal]:
    yield from (Proposal((Change(*target.span(node), text),), node.lineno, plausibility) for text in texts)


def _other_return(target: Subject, node: ast.Return, names: Sequence[str]) -> Iterator[Proposal]:
    values = [name for name in names if node.value is None or name != target.text(node.value)]
    yield from _in_place(target, node, [f"return {value}" for value in values], 0.6)
    yield from _in_place(
        target, node, ["return", "return []", "return 0", "return True", "return False", "return ''", "return -1"], 0.3
    )
    if node.value is not None:
        text = target.text(node.value)
        yield from _in_place(
            target, node, [f"return [{text}]", f"return ({text},)", f"yield {text}", f"yield from {text}"], 0.3
        )
        yield from (
            p
            for name in names
            for p in _in_place(
                target, node, [f"return {name} + {text}", f"return {text} + {name}", f"return {text}, {name}"], 0.3
            )
        )
        if isinstance(node.value, ast.Call) and _is_own(target, node.value):
            yield from (
                p
                for n in names
                for p in _in_place(target, node, [f"return {text} + {n}", f"return [{n}] + {text}"], 0.3)
            )


def _other_expression(target: Subject, node: ast.Expr) -> Iterator[Proposal]:
    text = target.text(node)
    if isinstance(node.value, ast.Yield | ast.YieldFrom):
        return
    yield from _in_place(target, node, [f"return {text}", f"yield from {text}"])
    if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        receiver = target.text(node.value.func.value)
        yield from _in_place(target, node, [f"{receiver} = {text}"])


def _is_own(target: Subject, call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == target.function.name


def _counters(target: Subject) -> Sequence[str]:
    """List variables that are counted or compared, not those of a `for`."""
    return [
        n
        for n, roles in target.scope.roles.items()
        if n in target.scope.variables and roles & {"arithmetic", "compared", "index"} and "element" not in roles
    ][:8]


def _resets(target: Subject) -> Sequence[str]:
    """List statements that set variables: assignments between them, and `append` and `add` for those that collect."""
    every = [n for n in target.scope.variables if n not in ("self", "cls")][:8]
    names = [n for n in every if n not in target.scope.parameters][:5]
    pairs = [f"{a} = {b}" for a in names for b in every if a != b]
    lists = [n for n in every if roles_of(target, n) & {".append", ".pop", ".extend"}]
    calls = [f"{a}.append({b})" for a in lists for b in every if a != b]
    adds = [
        f"{a}.add({b})"
        for a in names
        for b in (*names, *target.scope.parameters)
        if a != b and roles_of(target, a) & {".add", ".update"}
    ]
    return [*calls, *adds, *pairs][:50]


def roles_of(target: Subject, name: str) -> frozenset[str]:
    """Return what is done to a variable."""
    return target.scope.roles.get(name, frozenset())


def _line(target: Subject, at: int, indent: str, text: str, line: int, plausibility: float = 1.0) -> Proposal:
    ended = at == 0 or target.source[at - 1] == "\n"
    return Proposal((Change(at, at, f"{'' if ended else chr(10)}{indent}{text}\n"),), line, plausibility)


def _results(target: Subject) -> Sequence[str]:
    """List what a function may return early; what it returns elsewhere comes first."""
    given = [
        target.text(n.value)
        for n in target.statements
        if isinstance(n, ast.Return) and n.value and len(target.text(n.value)) < 25
    ]
    known = [v for v in given if all(name in target.scope.parameters for name in _names(v))]
    return list(
        dict.fromkeys(
            [*known, "None", "[]", "0", "False", "True", "''", *target.scope.parameters[:3], "-1", "[[]]", "{}", "1"]
        )
    )[:10]


def _names(text: str) -> Sequence[str]:
    """List the names in an expression; none where the text does not parse."""
    try:
        return [n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)]
    except (SyntaxError, ValueError):
        return []


def _guards(target: Subject) -> Sequence[str]:
    """List conditions about parameters under which a function may return early."""
    parameters = [n for n in target.scope.parameters if n not in ("self", "cls")][:4]
    found = [f"not {n}" for n in parameters] + [f"{n} is None" for n in parameters]
    found += [f"{n} {sign} {value}" for n in parameters for sign in ("==", "<=", "<") for value in ("0", "1")]
    found += [f"{a} == {b}" for i, a in enumerate(parameters) for b in parameters[i + 1 :]]
    found += [f"len({n}) {sign}" for n in parameters for sign in ("<= 1", "< 2", "== 0")]
    return [*found, *written(target)[:6]]


def _choices(target: Subject, line: int) -> Sequence[str]:
    return tests(target, line)[:60]


def _guard(target: Subject, at: int, place: ast.stmt, test: str, value: str) -> Proposal:
    indent = target.indent(place)
    text = f"{indent}if {test}:\n{indent}{target.unit}return {value}\n"
    return Proposal((Change(at, at, text),), place.lineno)


def _under(target: Subject, node: ast.stmt, span: tuple[int, int], test: str, plausibility: float) -> Proposal:
    indent = target.indent(node)
    text = f"{indent}if {test}:\n{_shifted(target, [node], indent + target.unit)}"
    return Proposal((Change(*span, text),), node.lineno, plausibility)
