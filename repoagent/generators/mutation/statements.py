"""Other statements: one deleted, moved, repeated, guarded, inserted; other exits from loops and functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from repoagent.generators.mutation.conditions import find_conditions, list_conditions
from repoagent.generators.mutation.target import MutationProposal, MutationTarget, TextChange
from repoagent.languages.python.syntax import find_first_line, find_last_line


def delete_statement(target: MutationTarget) -> Iterator[MutationProposal]:
    """Leave a statement out; run a branch always; run a loop's body once, without the loop."""
    for node in target.statements:
        span = target.find_own_lines(node)
        if span is None:
            continue
        alone = len(target.find_block(node)) == 1
        text = f"{target.get_indent(node)}pass\n" if alone else ""
        yield MutationProposal((TextChange(*span, text),), node.lineno, 0.6 if hasattr(node, "body") else 1.0)
        if isinstance(node, ast.If) and not node.orelse:
            yield MutationProposal(
                (TextChange(*span, _reindent_block(target, node.body, target.get_indent(node))),), node.lineno
            )
        if (
            isinstance(node, ast.If)
            and node.orelse
            and find_first_line(node.orelse[0]) > find_last_line(node.body[-1]) + 1
        ):
            yield MutationProposal(
                (TextChange(*span, _reindent_block(target, node.orelse, target.get_indent(node))),), node.lineno, 0.5
            )


def move_statement(target: MutationTarget) -> Iterator[MutationProposal]:
    """Swap two neighbours; move the last or first statement of a block out of it, or the one behind or before a block
    into it."""
    for node in target.statements:
        block = target.find_block(node)
        at = next((n for n, each in enumerate(block) if each is node), 0)
        following = block[at + 1] if at + 1 < len(block) else None
        if following is not None:
            yield from _swap_statements(target, node, following)
            yield from _move_in(target, node, following)
        yield from _move_out(target, node, block, at)


def change_exit(target: MutationTarget) -> Iterator[MutationProposal]:
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
            yield from _replace_statement(target, node, [word for word in words if word != target.get_text(node)])
        elif isinstance(node, ast.Return):
            yield from _change_return(target, node, names)
        elif isinstance(node, ast.Expr):
            yield from _change_expression_statement(target, node)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            yield from _replace_statement(target, node, [f"return {target.get_text(node.value)}"], 0.4)


def insert_statement(target: MutationTarget) -> Iterator[MutationProposal]:
    """Insert an exit, a step of a counter, or a call or an assignment that the function has elsewhere."""
    repeated = [
        n
        for n in target.statements
        if isinstance(n, ast.Assign | ast.AugAssign | ast.Expr) and n.lineno == n.end_lineno
    ]
    texts = list(dict.fromkeys(target.get_text(node) for node in repeated))[:12]
    for node in target.statements:
        span = target.find_own_lines(node)
        if span is None:
            continue
        loop = target.find_loop(node)
        is_last = target.find_block(node)[-1] is node
        steps = [f"{name} {sign}= 1" for name in _find_counters(target) for sign in "+-"]
        words = [*(["break", "continue"] if loop else []), *steps, *texts, *_list_assignments(target)]
        for text in words:
            if text == target.get_text(node):
                continue
            if not is_last or not isinstance(node, ast.Return | ast.Break | ast.Continue | ast.Raise):
                yield _insert_line(target, span[1], target.get_indent(node), text, node.lineno, 1.0 if is_last else 0.5)
            if node is target.find_block(node)[0]:
                yield _insert_line(target, span[0], target.get_indent(node), text, node.lineno, 0.6)


def end_endless_loop(target: MutationTarget) -> Iterator[MutationProposal]:
    """Add a step or a `break` to a loop whose condition nothing in it changes."""
    for loop in (node for node in target.statements if isinstance(node, ast.While)):
        tested = {n.id for n in ast.walk(loop.test) if isinstance(n, ast.Name)}
        bound = {
            n.id for s in loop.body for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        span = target.find_own_lines(loop.body[-1])
        if span and not tested & bound:
            steps = [f"{name} {step}" for name in sorted(tested) for step in ("-= 1", "+= 1", "//= 2")]
            indent, line = target.get_indent(loop.body[-1]), find_last_line(loop)
            yield from (_insert_line(target, span[1], indent, text, line) for text in (*steps, "break"))


def guard_statement(target: MutationTarget) -> Iterator[MutationProposal]:
    """Return early under a condition, at the beginning or before a loop; put a statement under a condition."""
    values = _list_early_results(target)
    body = target.function.body
    first = next((n for n in body if n in target.statements), body[0])
    for place in [n for n in body if n is first or isinstance(n, ast.While | ast.For | ast.Return)][:3]:
        span = target.find_own_lines(place)
        for test in _list_guards(target) if span else ():
            yield from (_build_guard(target, span[0] if span else 0, place, test, value) for value in values)
    for node in target.statements:
        span = target.find_own_lines(node)
        if span and isinstance(node, ast.Expr | ast.Assign | ast.AugAssign | ast.Return | ast.Break | ast.Continue):
            for rank, test in enumerate((*find_conditions(target), *_list_choices(target, node.lineno))):
                yield _put_under_condition(target, node, span, test, 0.97**rank)


def replace_mutable_default(target: MutationTarget) -> Iterator[MutationProposal]:
    """Share no list or dictionary between calls: a mutable default becomes None and is made anew in each."""
    arguments = target.function.args
    named = [*arguments.posonlyargs, *arguments.args]
    first = next((n for n in target.function.body if n in target.statements), None)
    span = target.find_own_lines(first) if first is not None else None
    for argument, value in zip(named[len(named) - len(arguments.defaults) :], arguments.defaults, strict=True):
        if isinstance(value, ast.List | ast.Dict | ast.Call | ast.Set) and first is not None and span:
            indent = target.get_indent(first)
            made = f"{argument.arg} = {target.get_text(value)}"
            text = f"{indent}if {argument.arg} is None:\n{indent}{target.indent_unit}{made}\n"
            yield MutationProposal(
                (TextChange(*target.get_span(value), "None"), TextChange(span[0], span[0], text)), value.lineno
            )


def change_yield(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `yield from x` for `yield x`, and the reverse."""
    for node in target.expressions:
        if isinstance(node, ast.Yield) and node.value:
            yield target.replace(node, f"yield from {target.get_text(node.value)}")
        elif isinstance(node, ast.YieldFrom):
            yield target.replace(node, f"yield {target.get_text(node.value)}")


# --- helpers ----------------------------------------------------------------------------------------------------------


def _reindent_block(target: MutationTarget, block: Sequence[ast.stmt], indent: str) -> str:
    """Return the lines of a block, indented as `indent`."""
    lines = target.offsets.lines[find_first_line(block[0]) - 1 : find_last_line(block[-1])]
    old = target.get_indent(block[0])
    return "".join(indent + line.removeprefix(old) if line.strip() else line for line in lines)


def _swap_statements(target: MutationTarget, one: ast.stmt, other: ast.stmt) -> Iterator[MutationProposal]:
    first, second = target.find_own_lines(one), target.find_own_lines(other)
    if first and second and target.source[second[0] : second[1]].endswith("\n"):
        text = (
            target.source[second[0] : second[1]]
            + target.source[first[1] : second[0]]
            + target.source[first[0] : first[1]]
        )
        yield MutationProposal((TextChange(first[0], second[1], text),), one.lineno)


def _move_in(target: MutationTarget, node: ast.stmt, following: ast.stmt) -> Iterator[MutationProposal]:
    """Make the statement behind a block its last; make the one before a loop its first."""
    outer, inner = target.find_own_lines(node), target.find_own_lines(following)
    body, later = getattr(node, "body", None), getattr(following, "body", None)
    if (
        outer
        and inner
        and isinstance(body, list)
        and not getattr(node, "orelse", ())
        and not hasattr(following, "body")
    ):
        text = _reindent_block(target, [following], target.get_indent(body[-1]))
        yield MutationProposal((TextChange(*inner, text),), following.lineno)
    if (
        outer
        and inner
        and isinstance(later, list)
        and not hasattr(node, "body")
        and isinstance(following, ast.For | ast.While)
    ):
        head = target.offsets.starts[find_first_line(later[0]) - 1]
        text = target.source[outer[1] : head] + _reindent_block(target, [node], target.get_indent(later[0]))
        yield MutationProposal((TextChange(outer[0], head, text),), node.lineno)


def _move_out(target: MutationTarget, node: ast.stmt, block: Sequence[ast.stmt], at: int) -> Iterator[MutationProposal]:
    """Move the last statement of a block behind it, with less indentation, or its first before a loop."""
    above, span = target.get_parent(node), target.find_own_lines(node)
    if not isinstance(above, ast.stmt) or above is target.function or span is None or len(block) < 2:
        return
    outer = target.find_own_lines(above)
    if at == len(block) - 1 and outer and outer[1] == span[1]:
        yield MutationProposal(
            (TextChange(*span, _reindent_block(target, [node], target.get_indent(above))),), node.lineno
        )
    if at == 0 and outer and isinstance(above, ast.For | ast.While):
        head = target.source[outer[0] : span[0]]
        yield MutationProposal(
            (TextChange(outer[0], span[1], _reindent_block(target, [node], target.get_indent(above)) + head),),
            node.lineno,
        )


def _replace_statement(
    target: MutationTarget, node: ast.stmt, texts: Sequence[str], plausibility: float = 1.0
) -> Iterator[MutationProposal]:
    yield from (
        MutationProposal((TextChange(*target.get_span(node), text),), node.lineno, plausibility) for text in texts
    )


def _change_return(target: MutationTarget, node: ast.Return, names: Sequence[str]) -> Iterator[MutationProposal]:
    values = [name for name in names if node.value is None or name != target.get_text(node.value)]
    yield from _replace_statement(target, node, [f"return {value}" for value in values], 0.6)
    yield from _replace_statement(
        target, node, ["return", "return []", "return 0", "return True", "return False", "return ''", "return -1"], 0.3
    )
    if node.value is not None:
        text = target.get_text(node.value)
        yield from _replace_statement(
            target, node, [f"return [{text}]", f"return ({text},)", f"yield {text}", f"yield from {text}"], 0.3
        )
        yield from (
            p
            for name in names
            for p in _replace_statement(
                target, node, [f"return {name} + {text}", f"return {text} + {name}", f"return {text}, {name}"], 0.3
            )
        )
        if isinstance(node.value, ast.Call) and _is_recursive(target, node.value):
            yield from (
                p
                for n in names
                for p in _replace_statement(target, node, [f"return {text} + {n}", f"return [{n}] + {text}"], 0.3)
            )


def _change_expression_statement(target: MutationTarget, node: ast.Expr) -> Iterator[MutationProposal]:
    text = target.get_text(node)
    if isinstance(node.value, ast.Yield | ast.YieldFrom):
        return
    yield from _replace_statement(target, node, [f"return {text}", f"yield from {text}"])
    if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        receiver = target.get_text(node.value.func.value)
        yield from _replace_statement(target, node, [f"{receiver} = {text}"])


def _is_recursive(target: MutationTarget, call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == target.function.name


def _find_counters(target: MutationTarget) -> Sequence[str]:
    """List variables that are counted or compared, not those of a `for`."""
    return [
        n
        for n, roles in target.scope.roles.items()
        if n in target.scope.variables and roles & {"arithmetic", "compared", "index"} and "element" not in roles
    ][:8]


def _list_assignments(target: MutationTarget) -> Sequence[str]:
    """List statements that set variables: assignments between them, and `append` and `add` for those that collect."""
    every = [n for n in target.scope.variables if n not in ("self", "cls")][:8]
    names = [n for n in every if n not in target.scope.parameters][:5]
    pairs = [f"{a} = {b}" for a in names for b in every if a != b]
    lists = [n for n in every if get_roles(target, n) & {".append", ".pop", ".extend"}]
    calls = [f"{a}.append({b})" for a in lists for b in every if a != b]
    adds = [
        f"{a}.add({b})"
        for a in names
        for b in (*names, *target.scope.parameters)
        if a != b and get_roles(target, a) & {".add", ".update"}
    ]
    return [*calls, *adds, *pairs][:50]


def get_roles(target: MutationTarget, name: str) -> frozenset[str]:
    """Return what is done to a variable."""
    return target.scope.roles.get(name, frozenset())


def _insert_line(
    target: MutationTarget, at: int, indent: str, text: str, line: int, plausibility: float = 1.0
) -> MutationProposal:
    ended = at == 0 or target.source[at - 1] == "\n"
    return MutationProposal((TextChange(at, at, f"{'' if ended else chr(10)}{indent}{text}\n"),), line, plausibility)


def _list_early_results(target: MutationTarget) -> Sequence[str]:
    """List what a function may return early; what it returns elsewhere comes first."""
    given = [
        target.get_text(n.value)
        for n in target.statements
        if isinstance(n, ast.Return) and n.value and len(target.get_text(n.value)) < 25
    ]
    known = [v for v in given if all(name in target.scope.parameters for name in _find_names(v))]
    return list(
        dict.fromkeys(
            [*known, "None", "[]", "0", "False", "True", "''", *target.scope.parameters[:3], "-1", "[[]]", "{}", "1"]
        )
    )[:10]


def _find_names(text: str) -> Sequence[str]:
    """List the names in an expression; none where the text does not parse."""
    try:
        return [n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)]
    except (SyntaxError, ValueError):
        return []


def _list_guards(target: MutationTarget) -> Sequence[str]:
    """List conditions about parameters under which a function may return early."""
    parameters = [n for n in target.scope.parameters if n not in ("self", "cls")][:4]
    found = [f"not {n}" for n in parameters] + [f"{n} is None" for n in parameters]
    found += [f"{n} {sign} {value}" for n in parameters for sign in ("==", "<=", "<") for value in ("0", "1")]
    found += [f"{a} == {b}" for i, a in enumerate(parameters) for b in parameters[i + 1 :]]
    found += [f"len({n}) {sign}" for n in parameters for sign in ("<= 1", "< 2", "== 0")]
    return [*found, *find_conditions(target)[:6]]


def _list_choices(target: MutationTarget, line: int) -> Sequence[str]:
    return list_conditions(target, line)[:60]


def _build_guard(target: MutationTarget, at: int, place: ast.stmt, test: str, value: str) -> MutationProposal:
    indent = target.get_indent(place)
    text = f"{indent}if {test}:\n{indent}{target.indent_unit}return {value}\n"
    return MutationProposal((TextChange(at, at, text),), place.lineno)


def _put_under_condition(
    target: MutationTarget, node: ast.stmt, span: tuple[int, int], test: str, plausibility: float
) -> MutationProposal:
    indent = target.get_indent(node)
    text = f"{indent}if {test}:\n{_reindent_block(target, [node], indent + target.indent_unit)}"
    return MutationProposal((TextChange(*span, text),), node.lineno, plausibility)
