"""Other values: constants, variables, attributes, and expressions that the function has elsewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import chain

from repoagent.generators.mutation.target import Proposal, Subject

_SEPARATORS = ("", " ", "\n", ", ", ",", "_", "-", ".", "/")


def number(subject: Subject) -> Iterator[Proposal]:
    """A number off by one or with the other sign, the usual ones, and those that the function has elsewhere."""
    known = [text for text in subject.scope.constants if text not in ("True", "False") and text[0] not in "'\""]
    for node in _constants(subject):
        value = node.value
        if isinstance(value, int | float) and not isinstance(value, bool):
            texts = [repr(near) for near in _near(value) if near != value]
            for rank, text in enumerate(dict.fromkeys([*texts, *known])):
                yield subject.put(node, text, 0.85**rank)
            if not isinstance(subject.parent(node), ast.Slice | ast.Subscript):
                others = (f"{float(value)}", "None", "float('inf')", "-float('inf')")
                yield from (subject.put(node, text, 0.15) for text in others)


def _near(value: float) -> Sequence[float]:
    half = value / 2 if isinstance(value, float) else value // 2
    return (value + 1, value - 1, 0, 1, 2, -value, value * 2, value * 10, half)


def truth(subject: Subject) -> Iterator[Proposal]:
    """`False` for `True`, `None` for either; and all the values that are returned turned round at once."""
    found = [node for node in _constants(subject) if isinstance(node.value, bool)]
    for node in found:
        yield subject.put(node, repr(not node.value))
        yield subject.put(node, "None", 0.1)
    returned = [node for node in found if isinstance(subject.parent(node), ast.Return)]
    if 1 < len(returned) <= 6:
        changes = sorted((subject.change(n, repr(not n.value)) for n in returned), key=lambda change: change.start)
        yield Proposal(tuple(changes), returned[0].lineno)


def nothing(subject: Subject) -> Iterator[Proposal]:
    """What stands for nothing: `None`, an empty container, zero."""
    for node in subject.expressions:
        empty = (isinstance(node, ast.List | ast.Tuple) and not node.elts) or (
            isinstance(node, ast.Dict) and not node.keys
        )
        if empty or (isinstance(node, ast.Constant) and node.value in (None, "", 0) and node.value is not False):
            texts = ("None", "[]", "''", "0", "{}", "()", "set()", "False", "[[]]", "[0]", "True", "-1")
            yield from (
                subject.put(node, text, 0.8**rank) for rank, text in enumerate(texts) if text != subject.text(node)
            )


def string(subject: Subject) -> Iterator[Proposal]:
    """Another string: those of the function and the file, in another case, other separators, a bracket's partner,
    without its repeated or its last characters."""
    others = list(dict.fromkeys(_strings(subject)))
    for node in _strings_of(subject):
        value = str(node.value)
        near = [
            value.lower(),
            value.upper(),
            value.strip(),
            value[1:],
            value[:-1],
            value + " ",
            " " + value,
            value[::-1],
            *_halves(value),
        ]
        near += [_PARTNERS[value]] if value in _PARTNERS else []
        near += [s for s in _SEPARATORS if len(value) <= 2]
        near += [*(value.replace(c, "") for c in dict.fromkeys(value[:20]))] if 1 < len(value) <= 20 else []
        like = [other for other in others if len(other) == len(value)]
        near = [*like[:6], *near] if len(value) == 1 else near
        for rank, text in enumerate(dict.fromkeys(t for t in (*near, *others) if t != value)):
            yield subject.put(node, repr(text), 0.93**rank)


def words(subject: Subject) -> Iterator[Proposal]:
    """A string, or a part of it, spelled as the issue or the documentation spells it: near misses only."""
    import difflib

    vocabulary = subject.told.vocabulary
    for node in _strings_of(subject):
        value = str(node.value)
        for word in difflib.get_close_matches(value, vocabulary, n=3, cutoff=0.7):
            if word != value:
                yield subject.put(node, repr(word))
        if len(value) == 1 and not value.isalnum():
            others = (word for word in vocabulary if len(word) == 1 and not word.isalnum() and word != value)
            yield from (subject.put(node, repr(other), 0.3) for other in others)


def quoted(subject: Subject) -> Iterator[Proposal]:
    """A variable for a string that is its name."""
    for node in _strings_of(subject):
        if node.value in subject.scope.variables:
            yield subject.put(node, str(node.value))
            yield from (
                subject.put(node, f"{node.value}.{method}", 0.5) for method in ("encode()", "lower()", "strip()")
            )
            yield subject.put(node, f"str({node.value})", 0.5)


def element(subject: Subject) -> Iterator[Proposal]:
    """A constant less, or a near one more, in a list, a tuple, a set, or between the arguments of `print` and `max`."""
    for node in subject.expressions:
        if isinstance(node, ast.List | ast.Tuple | ast.Set) and isinstance(
            node.ctx if not isinstance(node, ast.Set) else ast.Load(), ast.Load
        ):
            texts = [subject.text(item) for item in node.elts]
            opening, closing = subject.text(node)[:1], subject.text(node)[-1:]
            if opening not in "([{" or not 2 <= len(texts) <= 16:
                continue
            for left_out in range(len(texts)):
                kept = [t for n, t in enumerate(texts) if n != left_out]
                comma = "," if len(kept) == 1 and opening == "(" else ""
                yield subject.put(node, opening + ", ".join(kept) + comma + closing)


def variable(subject: Subject) -> Iterator[Proposal]:
    """Another variable in scope, of like use first; a single letter is often mistaken for another."""
    for node in subject.expressions:
        if isinstance(node, ast.Name) and _is_value(subject, node):
            for name in _others(subject, node):
                yield subject.put(node, name, subject.scope.likeness(node.id, name))


def target(subject: Subject) -> Iterator[Proposal]:
    """Another variable assigned to or counted in; an element or attribute that the value itself is made of; two targets
    exchanged; two names exchanged in a whole statement."""
    for node in subject.expressions:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            above = subject.parent(node)
            fit = 1.0 if isinstance(above, ast.AugAssign) else 0.5
            yield from (
                subject.put(node, name, fit * subject.scope.likeness(node.id, name)) for name in _others(subject, node)
            )
    yield from _kept(subject)
    yield from _exchanged(subject)


def _kept(subject: Subject) -> Iterator[Proposal]:
    """`best[k] = min(best[k], …)` for `seen[k] = min(best[k], …)`: what is read to be compared is what is meant."""
    for node in subject.statements:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Subscript | ast.Attribute):
            continue
        places = (n for n in ast.walk(node.value) if isinstance(n, ast.Subscript | ast.Attribute))
        texts = dict.fromkeys(map(subject.text, places))
        yield from (subject.put(node.targets[0], text) for text in texts if text != subject.text(node.targets[0]))


def elsewhere(subject: Subject) -> Iterator[Proposal]:
    """An expression that stands elsewhere in the function, or the length of a parameter, for a variable, a constant or
    an operand."""
    pool = _pool(subject)
    for node in subject.expressions:
        simple = isinstance(node, ast.Name | ast.Constant | ast.Attribute | ast.Subscript | ast.Call)
        if not simple or not _is_value(subject, node) or isinstance(subject.parent(node), ast.Expr):
            continue
        text = subject.text(node)
        for other, size in pool:
            if other not in text and not (len(other) > 12 and other in _statement_text(subject, node)):
                yield subject.put(node, other, 0.6**size)


def attribute(subject: Subject) -> Iterator[Proposal]:
    """What else the same object is asked for: of the same family, or seen in the file."""
    for node in subject.expressions:
        if not isinstance(node, ast.Attribute):
            continue
        receiver = node.value.id if isinstance(node.value, ast.Name) else ""
        seen = (
            subject.scope.own_attributes if receiver in ("self", "cls") else subject.scope.attributes.get(receiver, ())
        )
        family = [name for names in _FAMILIES for name in names.split() if node.attr in names.split()]
        family += [twin] if (twin := _twin(node.attr)) in subject.scope.asked else []
        for name in dict.fromkeys(chain(family, seen)):
            if name != node.attr:
                yield _renamed(subject, node, name, 1.0 if name in family else 0.5)


def self_forgotten(subject: Subject) -> Iterator[Proposal]:
    """`self.name` for `name`, where the class has one; and the other way round where it is a variable too."""
    for node in subject.expressions:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in subject.scope.own_attributes:
            yield subject.put(node, f"{subject.scope.parameters[0] if subject.scope.parameters else 'self'}.{node.id}")
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.attr in subject.scope.variables
        ):
            yield subject.put(node, node.attr)


def attribute_access(subject: Subject) -> Iterator[Proposal]:
    """`x.attr` for `x`, as the file asks it elsewhere; `x` for `x.attr`."""
    for node in subject.expressions:
        if isinstance(node, ast.Name) and _is_value(subject, node):
            names = subject.scope.own_attributes if node.id == "self" else subject.scope.attributes.get(node.id, ())
            yield from (subject.put(node, f"{node.id}.{name}") for name in names)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield subject.put(node, subject.text(node.value), 0.5)


# --- helpers ----------------------------------------------------------------------------------------------------------


_PARTNERS = {"(": ")", ")": "(", "[": "]", "]": "[", "{": "}", "}": "{", "<": ">", ">": "<"}
_FAMILIES = (
    "lower upper casefold swapcase title capitalize",
    "islower isupper isalpha isdigit isalnum isspace isnumeric istitle isdecimal",
    "strip lstrip rstrip",
    "startswith endswith",
    "find rfind index rindex",
    "split rsplit splitlines partition rpartition",
    "append extend add update appendleft insert push",
    "pop popleft popitem remove discard",
    "keys values items",
    "get pop setdefault",
    "union intersection difference symmetric_difference",
    "issubset issuperset isdisjoint",
    "sort reverse",
    "floor ceil trunc",
    "any all min max sum mean",
    "read readline readlines",
    "year month day hour minute second",
    "real imag",
    "encode decode",
    "match search fullmatch findall",
    "ljust rjust center",
    "argmin argmax",
    "__name__ __qualname__",
)


def _twin(name: str) -> str:
    """The name of what stands behind an attribute, `_data` for `data`, and the other way round."""
    return name[1:] if name.startswith("_") else f"_{name}"


def _constants(subject: Subject) -> Iterator[ast.Constant]:
    for node in subject.expressions:
        if isinstance(node, ast.Constant) and not isinstance(subject.parent(node), ast.JoinedStr):
            yield node


def _strings_of(subject: Subject) -> Iterator[ast.Constant]:
    return (node for node in _constants(subject) if isinstance(node.value, str))


def _strings(subject: Subject) -> Iterator[str]:
    for node in chain(ast.walk(subject.function), subject.scope.module.body):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) <= 60:
            yield node.value


def _halves(value: str) -> Sequence[str]:
    """The half of a string that is one thing twice: `_` for `__`."""
    half = value[: len(value) // 2]
    return (half,) if half and half * 2 == value else ()


def _is_value(subject: Subject, node: ast.expr) -> bool:
    """Whether the node is read for its value, not called, assigned to, or asked for an attribute by a module's name."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return False
    above = subject.parent(node)
    return not (isinstance(above, ast.Call) and node is above.func) and not isinstance(above, ast.ExceptHandler)


def _others(subject: Subject, node: ast.Name) -> Iterator[str]:
    names = [*subject.scope.names_at(node.lineno), *_of_comprehensions(subject, node)]
    if node.id.isupper():
        names += subject.scope.globals
    yield from (name for name in dict.fromkeys(names) if name != node.id and name not in ("self", "cls"))


def _of_comprehensions(subject: Subject, node: ast.AST) -> Iterator[str]:
    for above in subject.ancestors(node):
        for generator in getattr(above, "generators", ()):
            yield from (n.id for n in ast.walk(generator.target) if isinstance(n, ast.Name))
        if isinstance(above, ast.Lambda):
            yield from (argument.arg for argument in above.args.args)


def _exchanged(subject: Subject) -> Iterator[Proposal]:
    """Two variables exchanged wherever a statement of one line names them."""
    for statement in subject.statements:
        if not isinstance(statement, ast.Assign | ast.AugAssign | ast.Return | ast.Expr):
            continue
        found = [n for n in ast.walk(statement) if isinstance(n, ast.Name) and n.id in subject.scope.variables]
        names = list(dict.fromkeys(n.id for n in found))
        for one, other in ((a, b) for i, a in enumerate(names) for b in names[i + 1 :]):
            if len(names) <= 6:
                changes = [subject.change(n, other if n.id == one else one) for n in found if n.id in (one, other)]
                yield Proposal(tuple(sorted(changes, key=lambda change: change.start)), statement.lineno, 0.4)


def _pool(subject: Subject) -> Sequence[tuple[str, int]]:
    """Small expressions of the function, and what is commonly made of a parameter, with their sizes from 1."""
    found: dict[str, int] = {}
    for node in subject.expressions:
        if isinstance(node, ast.Call | ast.BinOp | ast.Subscript | ast.Attribute | ast.Compare) and isinstance(
            getattr(node, "ctx", ast.Load()), ast.Load
        ):
            text = subject.text(node)
            if len(text) <= 40 and "\n" not in text:
                found.setdefault(
                    text, min(4, 1 + text.count("(") + text.count("[") + len(re.findall(r" [-+*/%<>=]+ ", text)))
                )
    for name in subject.scope.parameters:
        if name not in ("self", "cls"):
            found.setdefault(f"len({name})", 2)
    return sorted(found.items(), key=lambda item: item[1])[:30]


def _statement_text(subject: Subject, node: ast.AST) -> str:
    statement = subject.statement_of(node)
    return "" if hasattr(statement, "body") else subject.text(statement)


def _renamed(subject: Subject, node: ast.Attribute, name: str, fit: float) -> Proposal:
    return subject.put(node, subject.text(node)[: -len(node.attr)] + name, fit)
