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


def function(subject: Subject) -> Iterator[Proposal]:
    """Another function of the same family, or of the file with as many parameters."""
    for node in _calls(subject):
        if not isinstance(node.func, ast.Name):
            continue
        family = [name for names in _FAMILIES for name in names.split() if node.func.id in names.split()]
        own = [name for name, count in subject.scope.callables.items() if count == len(node.args)]
        for name in dict.fromkeys((*family, *own)):
            if name != node.func.id:
                yield subject.put(node.func, name, 1.0 if name in family else 0.5)


def opposite(subject: Subject) -> Iterator[Proposal]:
    """The function or method that does the opposite: `min` for `max`, `x.lower()` for `x.upper()`."""
    for node in _calls(subject):
        name = _name_of(node.func)
        for other in _OPPOSITES.get(name, ()):
            yield subject.put(node.func, subject.text(node.func)[: -len(name)] + other)


def argument_more(subject: Subject) -> Iterator[Proposal]:
    """A variable or a usual option given as one argument more."""
    for node in _calls(subject):
        texts = [subject.text(argument) for argument in node.args]
        end = subject.span(node)[1] - 1
        comma = ", " if (node.args or node.keywords) and not subject.source[:end].rstrip().endswith(",") else ""
        for text, fit in _further(subject, node):
            if text not in texts:
                yield Proposal((Change(end, end, comma + text),), node.lineno, fit)
        for name in (
            subject.scope.names_at(node.lineno) if texts and not isinstance(node.args[0], ast.GeneratorExp) else ()
        ):
            if name not in texts and name != "self":
                at = subject.span(node.args[0])[0]
                yield Proposal((Change(at, at, f"{name}, "),), node.lineno, 0.15)


def argument_less(subject: Subject) -> Iterator[Proposal]:
    """One argument less."""
    for node in _calls(subject):
        spans = sorted(subject.span(argument) for argument in node.args)
        spans += sorted((subject.offsets.at(k.lineno, k.col_offset), subject.span(k.value)[1]) for k in node.keywords)
        for index, (start, end) in enumerate(spans):
            if len(spans) == 1:
                yield Proposal((Change(start, end, ""),), node.lineno)
            else:
                first, last = (start, spans[index + 1][0]) if index + 1 < len(spans) else (spans[index - 1][1], end)
                yield Proposal((Change(first, last, ""),), node.lineno)


def arguments_swapped(subject: Subject) -> Iterator[Proposal]:
    """Two arguments in each other's place; the receiver of a method and its argument."""
    for node in _calls(subject):
        yield from (subject.exchange(a, b) for a, b in zip(node.args, node.args[1:], strict=False))
        yield from (subject.exchange(a, b, 0.5) for a, b in zip(node.args, node.args[2:], strict=False))
        if isinstance(node.func, ast.Attribute) and len(node.args) == 1:
            yield subject.exchange(node.func.value, node.args[0], 0.5)


def keyword(subject: Subject) -> Iterator[Proposal]:
    """An option of sorting added or turned round."""
    for node in _calls(subject):
        for given in node.keywords:
            if given.arg == "reverse" and not isinstance(given.value, ast.Constant):
                yield subject.put(given.value, f"not ({subject.text(given.value)})")
            if given.arg == "key":
                yield from (subject.put(given.value, f"lambda x: -({text})") for text in _body_of(subject, given.value))
                yield from (
                    subject.put(
                        given.value, f"lambda {_parameter(given.value)}: ({text}, {_parameter(given.value)})", 0.7
                    )
                    for text in _body_of(subject, given.value)
                )


def call_around(subject: Subject) -> Iterator[Proposal]:
    """`abs(x)`, `sorted(x)`, `x.copy()`, `max(0, x)`, or a function of the file, around an expression."""
    own = [name for name, count in subject.scope.callables.items() if count == 1]
    for node in subject.expressions:
        if not _may_be_wrapped(subject, node):
            continue
        text = subject.text(node)
        called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        fit = 0.5 if isinstance(node, ast.Constant) else 1.0
        yield from (
            subject.put(node, f"{name}({text})", fit * 0.9**rank)
            for rank, name in enumerate((*_AROUND, *own))
            if name != called
        )
        yield from (subject.put(node, form.format(text), fit * 0.3) for form in _BOUNDED)
        if isinstance(node, ast.Call):
            yield from (subject.put(node, f"{name}(set({text}))", 0.2) for name in ("sorted", "list", "len"))
        if called and called in [*own, subject.function.name]:
            yield subject.put(node, f"{called}({text})", 0.6)


def call_around_both(subject: Subject) -> Iterator[Proposal]:
    """The same call around both sides of a comparison: `set(a) == set(b)`, `a.lower() == b.lower()`."""
    for node in subject.expressions:
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
                changes = tuple(subject.change(each, form.format(subject.text(each))) for each in both)
                yield Proposal(changes, node.lineno)


def method_added(subject: Subject) -> Iterator[Proposal]:
    """`x.lower()`, `x.copy()` and others for `x`."""
    for node in subject.expressions:
        if _may_be_wrapped(subject, node) and not isinstance(node, ast.BinOp | ast.Compare | ast.BoolOp):
            text = subject.text(node) if not isinstance(node, ast.GeneratorExp) else f"({subject.text(node)})"
            seen = [f"{name}()" for name in subject.scope.attributes.get(text, ())]
            yield from (
                subject.put(node, f"{text}.{method}", 0.9**rank)
                for rank, method in enumerate(dict.fromkeys((*seen, *_METHODS)))
            )


def call_removed(subject: Subject) -> Iterator[Proposal]:
    """`x` for `f(x)`, `x.m()` and `x.m(y)`."""
    for node in _calls(subject):
        if len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred):
            yield subject.put(node, subject.text(node.args[0]))
        if isinstance(node.func, ast.Attribute) and not isinstance(subject.parent(node), ast.Expr):
            yield subject.put(node, subject.text(node.func.value))


def off_by_one(subject: Subject) -> Iterator[Proposal]:
    """One more or one less in an index, a bound, an argument, a returned or compared number."""
    for node in subject.expressions:
        above = subject.parent(node)
        if isinstance(node, ast.Constant) or not isinstance(
            node, ast.Name | ast.Call | ast.BinOp | ast.Attribute | ast.Subscript
        ):
            continue
        if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            continue
        fit = _boundary(node, above)
        if fit:
            text = (
                f"({subject.text(node)})"
                if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Add | ast.Sub)
                else subject.text(node)
            )
            yield subject.put(node, f"{text} + 1", fit)
            yield subject.put(node, f"{text} - 1", fit)


def index(subject: Subject) -> Iterator[Proposal]:
    """The other end of a sequence, a neighbour of an element, the sequence instead of its element."""
    for node in subject.expressions:
        if not isinstance(node, ast.Subscript) or isinstance(node.slice, ast.Slice):
            continue
        receiver = subject.text(node.value)
        others = ("0", "-1", "1", "-2")
        yield from (subject.put(node.slice, text) for text in others if text != subject.text(node.slice))
        if isinstance(node.ctx, ast.Load):
            yield subject.put(node, receiver, 0.5)
            yield from (subject.put(node, f"{receiver}[{cut}]", 0.3) for cut in ("1:", ":-1", "::-1"))
        if isinstance(node.slice, ast.Name | ast.BinOp):
            mirrored = f"len({receiver}) - 1 - {subject.text(node.slice)}"
            yield subject.put(node.slice, mirrored, 0.4)


def part(subject: Subject) -> Iterator[Proposal]:
    """A part of a sequence instead of the whole, another bound, the whole instead of a part."""
    for node in subject.expressions:
        if isinstance(node, ast.Slice):
            yield from _other_bounds(subject, node)
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            yield subject.put(node, subject.text(node.value), 0.5)
        elif _may_be_cut(subject, node):
            text = subject.text(node)
            text = (
                text
                if isinstance(node, ast.Name | ast.Call | ast.ListComp | ast.Subscript | ast.Attribute)
                else f"({text})"
            )
            names = [
                n
                for n in subject.scope.names_at(node.lineno)
                if "index" in subject.scope.roles.get(n, ())
                or n not in subject.scope.roles
                or len(n) == 1
                or "arithmetic" in subject.scope.roles.get(n, ())
            ]
            cuts = [
                *((cut, 0.7) for cut in ("1:", ":-1", "::-1")),
                *((cut, 0.5) for n in names if n != text for cut in (f"{n}:", f":{n}", f"{n} + 1:")),
            ]
            yield from (subject.put(node, f"{text}[{cut}]", fit) for cut, fit in cuts)


# --- helpers ----------------------------------------------------------------------------------------------------------


def _calls(subject: Subject) -> Iterator[ast.Call]:
    yield from (node for node in subject.expressions if isinstance(node, ast.Call))


def _name_of(function: ast.expr) -> str:
    """The last part of what is called; empty where it has no name."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _further(subject: Subject, node: ast.Call) -> Iterator[tuple[str, float]]:
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
    expected = subject.scope.callables.get(name, 0)
    fit = 1.0 if expected > len(node.args) + len(node.keywords) else 0.3
    for variable in subject.scope.names_at(node.lineno):
        if variable != "self":
            yield variable, fit
            yield f"{variable}={variable}", 0.1


def _body_of(subject: Subject, node: ast.expr) -> Sequence[str]:
    return (
        (subject.text(node.body),)
        if (isinstance(node, ast.Lambda) and len(node.args.args) == 1 and node.args.args[0].arg == "x")
        or (isinstance(node, ast.Lambda) and len(node.args.args) == 1)
        else ()
    )


def _parameter(node: ast.expr) -> str:
    return node.args.args[0].arg if isinstance(node, ast.Lambda) and node.args.args else "x"


def _may_be_wrapped(subject: Subject, node: ast.expr) -> bool:
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or isinstance(
        node, ast.Starred | ast.Slice | ast.Lambda | ast.JoinedStr
    ):
        return False
    above = subject.parent(node)
    if (isinstance(above, ast.Call) and node is above.func) or isinstance(
        above, ast.Attribute | ast.Expr | ast.UnaryOp
    ):
        return False
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(node.value) and isinstance(above, ast.Call | ast.Compare)
    return not isinstance(node, ast.Compare | ast.BoolOp | ast.Dict | ast.Tuple)


def _boundary(node: ast.expr, above: ast.AST) -> float:
    """How likely a number is off by one where it stands."""
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


def _may_be_cut(subject: Subject, node: ast.expr) -> bool:
    above = subject.parent(node)
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or isinstance(
        above, ast.Attribute | ast.BinOp | ast.Expr
    ):
        return False
    if isinstance(node, ast.Name):
        roles = subject.scope.roles.get(node.id, frozenset())
        may_be_number = "arithmetic" in roles and not roles & {"indexed", "iterated", "given to len"}
        return (
            not may_be_number
            and not (isinstance(above, ast.Call) and node is above.func)
            and not (isinstance(above, ast.Subscript) and node is above.slice)
        )
    return isinstance(node, ast.ListComp | ast.Call) and isinstance(
        above, ast.Return | ast.Assign | ast.For | ast.comprehension
    )


def _other_bounds(subject: Subject, node: ast.Slice) -> Iterator[Proposal]:
    lower, upper = (subject.text(bound) if bound else "" for bound in (node.lower, node.upper))
    step = f":{subject.text(node.step)}" if node.step else ""
    names = [n for n in subject.scope.names_at(node.lineno) if "index" in subject.scope.roles.get(n, ()) or len(n) == 1]
    forms = [f"{lower}:", f":{upper}", f"{upper}:{lower}", f"{upper}:", f":{lower}", "::-1", ":"]
    forms += [f"{low}:{upper}" for low in ("1", "0", *names)] + [f"{lower}:{up}" for up in ("-1", *names)]
    for form in dict.fromkeys(forms):
        yield subject.put(node, form + ("" if form.count(":") > 1 else step), 0.6)
