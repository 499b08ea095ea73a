"""Other calls: arguments, the function that is called, a call around an expression or none, parts of sequences."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from repoagent.generators.mutation.target import Change, Proposal, Subject

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
_AROUND = (
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
_PAIRS = (
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
    one: tuple(dict.fromkeys(word for pair in _PAIRS if one in pair.split() for word in pair.split() if word != one))
    for one in " ".join(_PAIRS).split()
}
_BOUNDED = ("max(0, {})", "max({}, 0)", "min(0, {})", "max(1, {})")
_KEYS = ("len", "str", "abs", "int", "sum")


def function(target: Subject) -> Iterator[Proposal]:
    """Call another function of the same family, or one of the file with as many parameters."""
    for node in _calls(target):
        if not isinstance(node.func, ast.Name):
            continue
        family = [name for names in _FAMILIES for name in names.split() if node.func.id in names.split()]
        own = [name for name, count in target.scope.callables.items() if count == len(node.args)]
        for name in dict.fromkeys((*family, *own)):
            if name != node.func.id:
                yield target.put(node.func, name, 1.0 if name in family else 0.5)


def opposite(target: Subject) -> Iterator[Proposal]:
    """Call the function or method that does the opposite: `min` for `max`, `x.lower()` for `x.upper()`."""
    for node in _calls(target):
        name = _name_of(node.func)
        for other in _OPPOSITES.get(name, ()):
            yield target.put(node.func, target.text(node.func)[: -len(name)] + other)


def argument_more(target: Subject) -> Iterator[Proposal]:
    """Give a call one argument more: a variable or a usual option."""
    for node in _calls(target):
        texts = [target.text(argument) for argument in node.args]
        end = target.span(node)[1] - 1
        comma = ", " if (node.args or node.keywords) and not target.source[:end].rstrip().endswith(",") else ""
        for text, plausibility in _further(target, node):
            if text not in texts:
                yield Proposal((Change(end, end, comma + text),), node.lineno, plausibility)
        for name in (
            target.scope.names_at(node.lineno) if texts and not isinstance(node.args[0], ast.GeneratorExp) else ()
        ):
            if name not in texts and name != "self":
                at = target.span(node.args[0])[0]
                yield Proposal((Change(at, at, f"{name}, "),), node.lineno, 0.15)


def argument_less(target: Subject) -> Iterator[Proposal]:
    """Give a call one argument less."""
    for node in _calls(target):
        spans = sorted(target.span(argument) for argument in node.args)
        spans += sorted((target.offsets.at(k.lineno, k.col_offset), target.span(k.value)[1]) for k in node.keywords)
        for index, (start, end) in enumerate(spans):
            if len(spans) == 1:
                yield Proposal((Change(start, end, ""),), node.lineno)
            else:
                first, last = (start, spans[index + 1][0]) if index + 1 < len(spans) else (spans[index - 1][1], end)
                yield Proposal((Change(first, last, ""),), node.lineno)


def arguments_swapped(target: Subject) -> Iterator[Proposal]:
    """Swap two arguments, or the receiver of a method and its argument."""
    for node in _calls(target):
        yield from (target.exchange(a, b) for a, b in zip(node.args, node.args[1:], strict=False))
        yield from (target.exchange(a, b, 0.5) for a, b in zip(node.args, node.args[2:], strict=False))
        if isinstance(node.func, ast.Attribute) and len(node.args) == 1:
            yield target.exchange(node.func.value, node.args[0], 0.5)


def keyword(target: Subject) -> Iterator[Proposal]:
    """Reverse an order, negate a sort key, or sort by the key and then by the element."""
    for node in _calls(target):
        for given in node.keywords:
            if given.arg == "reverse" and not isinstance(given.value, ast.Constant):
                yield target.put(given.value, f"not ({target.text(given.value)})")
            if given.arg == "key":
                yield from (target.put(given.value, f"lambda x: -({text})") for text in _body_of(target, given.value))
                yield from (
                    target.put(
                        given.value, f"lambda {_parameter(given.value)}: ({text}, {_parameter(given.value)})", 0.7
                    )
                    for text in _body_of(target, given.value)
                )


def call_around(target: Subject) -> Iterator[Proposal]:
    """Wrap an expression in `abs(x)`, `sorted(x)`, `max(0, x)`, or a function of the file."""
    own = [name for name, count in target.scope.callables.items() if count == 1]
    for node in target.expressions:
        if not _may_be_wrapped(target, node):
            continue
        text = target.text(node)
        called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        plausibility = 0.5 if isinstance(node, ast.Constant) else 1.0
        yield from (
            target.put(node, f"{name}({text})", plausibility * 0.9**rank)
            for rank, name in enumerate((*_AROUND, *own))
            if name != called
        )
        yield from (target.put(node, form.format(text), plausibility * 0.3) for form in _BOUNDED)
        if isinstance(node, ast.Call):
            yield from (target.put(node, f"{name}(set({text}))", 0.2) for name in ("sorted", "list", "len"))
        if called and called in [*own, target.function.name]:
            yield target.put(node, f"{called}({text})", 0.6)


def call_around_both(target: Subject) -> Iterator[Proposal]:
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
                changes = tuple(target.change(each, form.format(target.text(each))) for each in both)
                yield Proposal(changes, node.lineno)


def method_added(target: Subject) -> Iterator[Proposal]:
    """Write `x.lower()`, `x.copy()` and others for `x`."""
    for node in target.expressions:
        if _may_be_wrapped(target, node) and not isinstance(node, ast.BinOp | ast.Compare | ast.BoolOp):
            text = target.text(node) if not isinstance(node, ast.GeneratorExp) else f"({target.text(node)})"
            seen = [f"{name}()" for name in target.scope.attributes.get(text, ())]
            yield from (
                target.put(node, f"{text}.{method}", 0.9**rank)
                for rank, method in enumerate(dict.fromkeys((*seen, *_METHODS)))
            )


def call_removed(target: Subject) -> Iterator[Proposal]:
    """Write `x` for `f(x)`, `x.m()` and `x.m(y)`."""
    for node in _calls(target):
        if len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred):
            yield target.put(node, target.text(node.args[0]))
        if isinstance(node.func, ast.Attribute) and not isinstance(target.parent(node), ast.Expr):
            yield target.put(node, target.text(node.func.value))


def off_by_one(target: Subject) -> Iterator[Proposal]:
    """Add or subtract one in an index, a bound, an argument, a returned or compared number."""
    for node in target.expressions:
        above = target.parent(node)
        if isinstance(node, ast.Constant) or not isinstance(
            node, ast.Name | ast.Call | ast.BinOp | ast.Attribute | ast.Subscript
        ):
            continue
        if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            continue
        plausibility = _boundary(node, above)
        if plausibility:
            text = (
                f"({target.text(node)})"
                if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Add | ast.Sub)
                else target.text(node)
            )
            yield target.put(node, f"{text} + 1", plausibility)
            yield target.put(node, f"{text} - 1", plausibility)


def index(target: Subject) -> Iterator[Proposal]:
    """Take the other end of a sequence, a neighbour of an element, or the sequence instead of its element."""
    for node in target.expressions:
        if not isinstance(node, ast.Subscript) or isinstance(node.slice, ast.Slice):
            continue
        receiver = target.text(node.value)
        others = ("0", "-1", "1", "-2")
        yield from (target.put(node.slice, text) for text in others if text != target.text(node.slice))
        if isinstance(node.ctx, ast.Load):
            yield target.put(node, receiver, 0.5)
            yield from (target.put(node, f"{receiver}[{cut}]", 0.3) for cut in ("1:", ":-1", "::-1"))
        if isinstance(node.slice, ast.Name | ast.BinOp):
            mirrored = f"len({receiver}) - 1 - {target.text(node.slice)}"
            yield target.put(node.slice, mirrored, 0.4)


def part(target: Subject) -> Iterator[Proposal]:
    """Take a part of a sequence instead of the whole, other bounds, or the whole instead of a part."""
    for node in target.expressions:
        if isinstance(node, ast.Slice):
            yield from _other_bounds(target, node)
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            yield target.put(node, target.text(node.value), 0.5)
        elif _may_be_cut(target, node):
            text = target.text(node)
            text = (
                text
                if isinstance(node, ast.Name | ast.Call | ast.ListComp | ast.Subscript | ast.Attribute)
                else f"({text})"
            )
            names = [
                n
                for n in target.scope.names_at(node.lineno)
                if "index" in target.scope.roles.get(n, ())
                or n not in target.scope.roles
                or len(n) == 1
                or "arithmetic" in target.scope.roles.get(n, ())
            ]
            cuts = [
                *((cut, 0.7) for cut in ("1:", ":-1", "::-1")),
                *((cut, 0.5) for n in names if n != text for cut in (f"{n}:", f":{n}", f"{n} + 1:")),
            ]
            yield from (target.put(node, f"{text}[{cut}]", plausibility) for cut, plausibility in cuts)


# --- helpers ----------------------------------------------------------------------------------------------------------


def _calls(target: Subject) -> Iterator[ast.Call]:
    yield from (node for node in target.expressions if isinstance(node, ast.Call))


def _name_of(function: ast.expr) -> str:
    """Return the last part of what is called; empty where it has no name."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _further(target: Subject, node: ast.Call) -> Iterator[tuple[str, float]]:
    """Yield the text of arguments that a call might lack, and how plausible each is."""
    name = _name_of(node.func)
    if name in ("sorted", "sort", "min", "max"):
        given = {each.arg for each in node.keywords}
        options = [*(("reverse=True", 1.0),) * (name in ("sorted", "sort") and "reverse" not in given)]
        options += [(f"key={key}", 0.5) for key in _KEYS if "key" not in given]
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
    for variable in target.scope.names_at(node.lineno):
        if variable != "self":
            yield variable, plausibility
            yield f"{variable}={variable}", 0.1


def _body_of(target: Subject, node: ast.expr) -> Sequence[str]:
    """Return the text of the body of a lambda with one parameter; nothing for other expressions."""
    return (
        (target.text(node.body),)
        if (isinstance(node, ast.Lambda) and len(node.args.args) == 1 and node.args.args[0].arg == "x")
        or (isinstance(node, ast.Lambda) and len(node.args.args) == 1)
        else ()
    )


def _parameter(node: ast.expr) -> str:
    """Return the name of a lambda's first parameter; `x` for other expressions."""
    return node.args.args[0].arg if isinstance(node, ast.Lambda) and node.args.args else "x"


def _may_be_wrapped(target: Subject, node: ast.expr) -> bool:
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or isinstance(
        node, ast.Starred | ast.Slice | ast.Lambda | ast.JoinedStr
    ):
        return False
    above = target.parent(node)
    if (isinstance(above, ast.Call) and node is above.func) or isinstance(
        above, ast.Attribute | ast.Expr | ast.UnaryOp
    ):
        return False
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(node.value) and isinstance(above, ast.Call | ast.Compare)
    return not isinstance(node, ast.Compare | ast.BoolOp | ast.Dict | ast.Tuple)


def _boundary(node: ast.expr, above: ast.AST) -> float:
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


def _may_be_cut(target: Subject, node: ast.expr) -> bool:
    above = target.parent(node)
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


def _other_bounds(target: Subject, node: ast.Slice) -> Iterator[Proposal]:
    lower, upper = (target.text(bound) if bound else "" for bound in (node.lower, node.upper))
    step = f":{target.text(node.step)}" if node.step else ""
    names = [n for n in target.scope.names_at(node.lineno) if "index" in target.scope.roles.get(n, ()) or len(n) == 1]
    forms = [f"{lower}:", f":{upper}", f"{upper}:{lower}", f"{upper}:", f":{lower}", "::-1", ":"]
    forms += [f"{low}:{upper}" for low in ("1", "0", *names)] + [f"{lower}:{up}" for up in ("-1", *names)]
    for form in dict.fromkeys(forms):
        yield target.put(node, form + ("" if form.count(":") > 1 else step), 0.6)
