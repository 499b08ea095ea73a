"""Other calls: arguments, the function that is called, a call around an expression or none, parts of sequences."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from repoagent.generators.mutation.target import MutationProposal, MutationTarget, TextChange

_FAMILIES = (
    "min max sum sorted",
    "any all",
    "len sum max",
    "sorted reversed list",
    "list set tuple frozenset",
    "int float round str",
    "range enumerate reversed",
    "isinstance issubclass",
    "print repr str",
    "abs int",
    "map filter",
    "floor ceil",
    "ord chr int",
    "bin hex oct str",
    "type isinstance",
    "dict OrderedDict defaultdict Counter",
    "deque list",
)
_WRAPPERS = (
    "abs",
    "len",
    "list",
    "set",
    "sorted",
    "str",
    "int",
    "sum",
    "tuple",
    "reversed",
    "float",
    "max",
    "min",
    "round",
    "bool",
)
_METHODS = (
    "copy()",
    "lower()",
    "upper()",
    "strip()",
    "split()",
    "items()",
    "keys()",
    "values()",
    "encode()",
    "decode()",
    "pop()",
    "isalpha()",
    "isdigit()",
)
_OPPOSITE_PAIRS = (
    "min max",
    "any all",
    "floor ceil",
    "ord chr",
    "lower upper",
    "islower isupper",
    "startswith endswith",
    "find rfind",
    "index rindex",
    "ljust rjust",
    "lstrip rstrip",
    "append pop",
    "popleft pop",
    "appendleft append",
    "keys values",
    "encode decode",
    "issubset issuperset",
    "union intersection",
    "add discard",
    "argmin argmax",
    "nsmallest nlargest",
    "minimum maximum",
    "bisect_left bisect_right",
    "heappush heappop",
)
_OPPOSITES = {
    one: tuple(
        dict.fromkeys(word for pair in _OPPOSITE_PAIRS if one in pair.split() for word in pair.split() if word != one)
    )
    for one in " ".join(_OPPOSITE_PAIRS).split()
}
_CLAMPS = ("max(0, {})", "max({}, 0)", "min(0, {})", "max(1, {})")
_SORT_KEYS = ("len", "str", "abs", "int", "sum")


def replace_function(target: MutationTarget) -> Iterator[MutationProposal]:
    """Call another function of the same family, or one of the file with as many parameters."""
    for node in _find_calls(target):
        if not isinstance(node.func, ast.Name):
            continue
        family = [name for names in _FAMILIES for name in names.split() if node.func.id in names.split()]
        own = [name for name, count in target.scope.callables.items() if count == len(node.args)]
        for name in dict.fromkeys((*family, *own)):
            if name != node.func.id:
                yield target.replace(node.func, name, 1.0 if name in family else 0.5)


def replace_by_opposite(target: MutationTarget) -> Iterator[MutationProposal]:
    """Call the function or method that does the opposite: `min` for `max`, `x.lower()` for `x.upper()`."""
    for node in _find_calls(target):
        name = _get_called_name(node.func)
        for other in _OPPOSITES.get(name, ()):
            yield target.replace(node.func, target.get_text(node.func)[: -len(name)] + other)


def add_argument(target: MutationTarget) -> Iterator[MutationProposal]:
    """Give a call one argument more: a variable or a usual option."""
    for node in _find_calls(target):
        texts = [target.get_text(argument) for argument in node.args]
        end = target.get_span(node)[1] - 1
        comma = ", " if (node.args or node.keywords) and not target.source[:end].rstrip().endswith(",") else ""
        for text, plausibility in _list_further_arguments(target, node):
            if text not in texts:
                yield MutationProposal((TextChange(end, end, comma + text),), node.lineno, plausibility)
        for name in (
            target.scope.find_names(node.lineno) if texts and not isinstance(node.args[0], ast.GeneratorExp) else ()
        ):
            if name not in texts and name != "self":
                at = target.get_span(node.args[0])[0]
                yield MutationProposal((TextChange(at, at, f"{name}, "),), node.lineno, 0.15)


def drop_argument(target: MutationTarget) -> Iterator[MutationProposal]:
    """Give a call one argument less."""
    for node in _find_calls(target):
        spans = sorted(target.get_span(argument) for argument in node.args)
        spans += sorted(
            (target.offsets.find_offset(k.lineno, k.col_offset), target.get_span(k.value)[1]) for k in node.keywords
        )
        for index, (start, end) in enumerate(spans):
            if len(spans) == 1:
                yield MutationProposal((TextChange(start, end, ""),), node.lineno)
            else:
                first, last = (start, spans[index + 1][0]) if index + 1 < len(spans) else (spans[index - 1][1], end)
                yield MutationProposal((TextChange(first, last, ""),), node.lineno)


def swap_arguments(target: MutationTarget) -> Iterator[MutationProposal]:
    """Swap two arguments, or the receiver of a method and its argument."""
    for node in _find_calls(target):
        yield from (target.exchange(a, b) for a, b in zip(node.args, node.args[1:], strict=False))
        yield from (target.exchange(a, b, 0.5) for a, b in zip(node.args, node.args[2:], strict=False))
        if isinstance(node.func, ast.Attribute) and len(node.args) == 1:
            yield target.exchange(node.func.value, node.args[0], 0.5)


def change_sort_options(target: MutationTarget) -> Iterator[MutationProposal]:
    """Reverse an order, negate a sort key, or sort by the key and then by the element."""
    for node in _find_calls(target):
        for given in node.keywords:
            if given.arg == "reverse" and not isinstance(given.value, ast.Constant):
                yield target.replace(given.value, f"not ({target.get_text(given.value)})")
            if given.arg == "key":
                yield from (
                    target.replace(given.value, f"lambda x: -({text})")
                    for text in _get_lambda_body(target, given.value)
                )
                yield from (
                    target.replace(
                        given.value,
                        f"lambda {_get_lambda_parameter(given.value)}: ({text}, {_get_lambda_parameter(given.value)})",
                        0.7,
                    )
                    for text in _get_lambda_body(target, given.value)
                )


def wrap_in_call(target: MutationTarget) -> Iterator[MutationProposal]:
    """Wrap an expression in `abs(x)`, `sorted(x)`, `max(0, x)`, or a function of the file."""
    own = [name for name, count in target.scope.callables.items() if count == 1]
    for node in target.expressions:
        if not _can_be_wrapped(target, node):
            continue
        text = target.get_text(node)
        called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        plausibility = 0.5 if isinstance(node, ast.Constant) else 1.0
        yield from (
            target.replace(node, f"{name}({text})", plausibility * 0.9**rank)
            for rank, name in enumerate((*_WRAPPERS, *own))
            if name != called
        )
        yield from (target.replace(node, form.format(text), plausibility * 0.3) for form in _CLAMPS)
        if isinstance(node, ast.Call):
            yield from (target.replace(node, f"{name}(set({text}))", 0.2) for name in ("sorted", "list", "len"))
        if called and called in [*own, target.function.name]:
            yield target.replace(node, f"{called}({text})", 0.6)


def wrap_both_sides(target: MutationTarget) -> Iterator[MutationProposal]:
    """Wrap both sides of a comparison in the same call: `set(a) == set(b)`, `a.lower() == b.lower()`."""
    for node in target.expressions:
        if (
            isinstance(node, ast.Compare)
            and len(node.comparators) == 1
            and not isinstance(node.comparators[0], ast.Constant)
        ):
            both = (node.left, node.comparators[0])
            for form in (
                "set({})",
                "sorted({})",
                "len({})",
                "abs({})",
                "str({})",
                "int({})",
                "{}.lower()",
                "{}.strip()",
            ):
                changes = tuple(target.build_change(each, form.format(target.get_text(each))) for each in both)
                yield MutationProposal(changes, node.lineno)


def append_method_call(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `x.lower()`, `x.copy()` and others for `x`."""
    for node in target.expressions:
        if _can_be_wrapped(target, node) and not isinstance(node, ast.BinOp | ast.Compare | ast.BoolOp):
            text = target.get_text(node) if not isinstance(node, ast.GeneratorExp) else f"({target.get_text(node)})"
            seen = [f"{name}()" for name in target.scope.attributes.get(text, ())]
            yield from (
                target.replace(node, f"{text}.{method}", 0.9**rank)
                for rank, method in enumerate(dict.fromkeys((*seen, *_METHODS)))
            )


def unwrap_call(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `x` for `f(x)`, `x.m()` and `x.m(y)`."""
    for node in _find_calls(target):
        if len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred):
            yield target.replace(node, target.get_text(node.args[0]))
        if isinstance(node.func, ast.Attribute) and not isinstance(target.get_parent(node), ast.Expr):
            yield target.replace(node, target.get_text(node.func.value))


def shift_by_one(target: MutationTarget) -> Iterator[MutationProposal]:
    """Add or subtract one in an index, a bound, an argument, a returned or compared number."""
    for node in target.expressions:
        above = target.get_parent(node)
        if isinstance(node, ast.Constant) or not isinstance(
            node, ast.Name | ast.Call | ast.BinOp | ast.Attribute | ast.Subscript
        ):
            continue
        if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            continue
        plausibility = _rate_boundary(node, above)
        if plausibility:
            text = (
                f"({target.get_text(node)})"
                if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Add | ast.Sub)
                else target.get_text(node)
            )
            yield target.replace(node, f"{text} + 1", plausibility)
            yield target.replace(node, f"{text} - 1", plausibility)


def change_index(target: MutationTarget) -> Iterator[MutationProposal]:
    """Take the other end of a sequence, a neighbour of an element, or the sequence instead of its element."""
    for node in target.expressions:
        if not isinstance(node, ast.Subscript) or isinstance(node.slice, ast.Slice):
            continue
        receiver = target.get_text(node.value)
        others = ("0", "-1", "1", "-2")
        yield from (target.replace(node.slice, text) for text in others if text != target.get_text(node.slice))
        if isinstance(node.ctx, ast.Load):
            yield target.replace(node, receiver, 0.5)
            yield from (target.replace(node, f"{receiver}[{cut}]", 0.3) for cut in ("1:", ":-1", "::-1"))
        if isinstance(node.slice, ast.Name | ast.BinOp):
            mirrored = f"len({receiver}) - 1 - {target.get_text(node.slice)}"
            yield target.replace(node.slice, mirrored, 0.4)


def change_slice(target: MutationTarget) -> Iterator[MutationProposal]:
    """Take a part of a sequence instead of the whole, other bounds, or the whole instead of a part."""
    for node in target.expressions:
        if isinstance(node, ast.Slice):
            yield from _change_bounds(target, node)
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            yield target.replace(node, target.get_text(node.value), 0.5)
        elif _can_be_sliced(target, node):
            text = target.get_text(node)
            text = (
                text
                if isinstance(node, ast.Name | ast.Call | ast.ListComp | ast.Subscript | ast.Attribute)
                else f"({text})"
            )
            names = [
                n
                for n in target.scope.find_names(node.lineno)
                if "index" in target.scope.roles.get(n, ())
                or n not in target.scope.roles
                or len(n) == 1
                or "arithmetic" in target.scope.roles.get(n, ())
            ]
            cuts = [
                *((cut, 0.7) for cut in ("1:", ":-1", "::-1")),
                *((cut, 0.5) for n in names if n != text for cut in (f"{n}:", f":{n}", f"{n} + 1:")),
            ]
            yield from (target.replace(node, f"{text}[{cut}]", plausibility) for cut, plausibility in cuts)


# --- helpers ----------------------------------------------------------------------------------------------------------


def _find_calls(target: MutationTarget) -> Iterator[ast.Call]:
    yield from (node for node in target.expressions if isinstance(node, ast.Call))


def _get_called_name(function: ast.expr) -> str:
    """Return the last part of what is called; empty where it has no name."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _list_further_arguments(target: MutationTarget, node: ast.Call) -> Iterator[tuple[str, float]]:
    """Yield the text of arguments that a call might lack, and how plausible each is."""
    name = _get_called_name(node.func)
    if name in ("sorted", "sort", "min", "max"):
        given = {each.arg for each in node.keywords}
        options = [*(("reverse=True", 1.0),) * (name in ("sorted", "sort") and "reverse" not in given)]
        options += [(f"key={key}", 0.5) for key in _SORT_KEYS if "key" not in given]
        options += (
            [
                ("key=lambda x: x[0]", 0.4),
                ("key=lambda x: x[1]", 0.4),
                ("key=lambda x: -x", 0.3),
                ("key=lambda x: (len(x), x)", 0.4),
            ]
            if "key" not in given
            else []
        )
        yield from options
    if name in ("max", "min", "get", "pop", "next", "round", "sum", "range", "setdefault", "getattr"):
        yield from ((text, 0.3) for text in ("0", "1", "None", "[]", "default=0", "-1"))
    if name == "encode":
        yield from ((text, 0.5) for text in ("'utf-8'", "'ascii'"))
    expected = target.scope.callables.get(name, 0)
    plausibility = 1.0 if expected > len(node.args) + len(node.keywords) else 0.3
    for variable in target.scope.find_names(node.lineno):
        if variable != "self":
            yield variable, plausibility
            yield f"{variable}={variable}", 0.1


def _get_lambda_body(target: MutationTarget, node: ast.expr) -> Sequence[str]:
    """Return the text of the body of a lambda with one parameter; nothing for other expressions."""
    return (
        (target.get_text(node.body),)
        if (isinstance(node, ast.Lambda) and len(node.args.args) == 1 and node.args.args[0].arg == "x")
        or (isinstance(node, ast.Lambda) and len(node.args.args) == 1)
        else ()
    )


def _get_lambda_parameter(node: ast.expr) -> str:
    """Return the name of a lambda's first parameter; `x` for other expressions."""
    return node.args.args[0].arg if isinstance(node, ast.Lambda) and node.args.args else "x"


def _can_be_wrapped(target: MutationTarget, node: ast.expr) -> bool:
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or isinstance(
        node, ast.Starred | ast.Slice | ast.Lambda | ast.JoinedStr
    ):
        return False
    above = target.get_parent(node)
    if (isinstance(above, ast.Call) and node is above.func) or isinstance(
        above, ast.Attribute | ast.Expr | ast.UnaryOp
    ):
        return False
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(node.value) and isinstance(above, ast.Call | ast.Compare)
    return not isinstance(node, ast.Compare | ast.BoolOp | ast.Dict | ast.Tuple)


def _rate_boundary(node: ast.expr, above: ast.AST) -> float:
    """Return how plausible it is that a number is off by one where it stands, from 0 to 1."""
    if isinstance(above, ast.Slice):
        return 1.0
    if isinstance(above, ast.Subscript) and node is above.slice:
        return 1.0
    if isinstance(above, ast.Call) and node in above.args:
        return 1.0 if isinstance(above.func, ast.Name) and above.func.id == "range" else 0.4
    if isinstance(above, ast.Compare):
        return 0.6
    if isinstance(above, ast.Return | ast.Assign | ast.AugAssign | ast.BinOp | ast.Tuple):
        return 0.4 if not isinstance(node, ast.Attribute) else 0.2
    return 0.0


def _can_be_sliced(target: MutationTarget, node: ast.expr) -> bool:
    above = target.get_parent(node)
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or isinstance(
        above, ast.Attribute | ast.BinOp | ast.Expr
    ):
        return False
    if isinstance(node, ast.Name):
        roles = target.scope.roles.get(node.id, frozenset())
        may_be_number = "arithmetic" in roles and not roles & {"indexed", "iterated", "given to len"}
        return (
            not may_be_number
            and not (isinstance(above, ast.Call) and node is above.func)
            and not (isinstance(above, ast.Subscript) and node is above.slice)
        )
    return isinstance(node, ast.ListComp | ast.Call) and isinstance(
        above, ast.Return | ast.Assign | ast.For | ast.comprehension
    )


def _change_bounds(target: MutationTarget, node: ast.Slice) -> Iterator[MutationProposal]:
    lower, upper = (target.get_text(bound) if bound else "" for bound in (node.lower, node.upper))
    step = f":{target.get_text(node.step)}" if node.step else ""
    names = [n for n in target.scope.find_names(node.lineno) if "index" in target.scope.roles.get(n, ()) or len(n) == 1]
    forms = [f"{lower}:", f":{upper}", f"{upper}:{lower}", f"{upper}:", f":{lower}", "::-1", ":"]
    forms += [f"{low}:{upper}" for low in ("1", "0", *names)] + [f"{lower}:{up}" for up in ("-1", *names)]
    for form in dict.fromkeys(forms):
        yield target.replace(node, form + ("" if form.count(":") > 1 else step), 0.6)
