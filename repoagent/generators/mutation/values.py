"""Other values: constants, variables, attributes, and expressions that the function has elsewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import chain

from repoagent.generators.mutation.target import MutationProposal, MutationTarget

_SEPARATORS = ("", " ", "\n", ", ", ",", "_", "-", ".", "/")


def change_number(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write a number off by one or with the other sign, a usual one, or one that the function has elsewhere."""
    known = [text for text in target.scope.constants if text not in ("True", "False") and text[0] not in "'\""]
    for node in _find_constants(target):
        value = node.value
        if isinstance(value, int | float) and not isinstance(value, bool):
            texts = [repr(near) for near in _list_near_numbers(value) if near != value]
            for rank, text in enumerate(dict.fromkeys([*texts, *known])):
                yield target.replace(node, text, 0.85**rank)
            if not isinstance(target.get_parent(node), ast.Slice | ast.Subscript):
                others = (f"{float(value)}", "None", "float('inf')", "-float('inf')")
                yield from (target.replace(node, text, 0.15) for text in others)


def _list_near_numbers(value: float) -> Sequence[float]:
    half = value / 2 if isinstance(value, float) else value // 2
    return (value + 1, value - 1, 0, 1, 2, -value, value * 2, value * 10, half)


def change_truth_value(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `False` for `True`, `None` for either; invert all the values that are returned at once."""
    found = [node for node in _find_constants(target) if isinstance(node.value, bool)]
    for node in found:
        yield target.replace(node, repr(not node.value))
        yield target.replace(node, "None", 0.1)
    returned = [node for node in found if isinstance(target.get_parent(node), ast.Return)]
    if 1 < len(returned) <= 6:
        changes = sorted((target.build_change(n, repr(not n.value)) for n in returned), key=lambda change: change.start)
        yield MutationProposal(tuple(changes), returned[0].lineno)


def change_string(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write another string: one of the function or the file, one in another case, another separator, a bracket's
    partner, or the string without its repeated or its last characters."""
    others = list(dict.fromkeys(_collect_strings(target)))
    for node in _find_string_constants(target):
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
            *_halve_repetition(value),
        ]
        near += [_BRACKET_PARTNERS[value]] if value in _BRACKET_PARTNERS else []
        near += [s for s in _SEPARATORS if len(value) <= 2]
        near += [*(value.replace(c, "") for c in dict.fromkeys(value[:20]))] if 1 < len(value) <= 20 else []
        like = [other for other in others if len(other) == len(value)]
        near = [*like[:6], *near] if len(value) == 1 else near
        for rank, text in enumerate(dict.fromkeys(t for t in (*near, *others) if t != value)):
            yield target.replace(node, repr(text), 0.93**rank)


def respell_string(target: MutationTarget) -> Iterator[MutationProposal]:
    """Spell a string as the issue or the documentation spells it: near misses only."""
    import difflib

    vocabulary = target.vocabulary.tokens
    for node in _find_string_constants(target):
        value = str(node.value)
        for word in difflib.get_close_matches(value, vocabulary, n=3, cutoff=0.7):
            if word != value:
                yield target.replace(node, repr(word))
        if len(value) == 1 and not value.isalnum():
            others = (word for word in vocabulary if len(word) == 1 and not word.isalnum() and word != value)
            yield from (target.replace(node, repr(other), 0.3) for other in others)


def unquote_variable(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write a variable for a string that is its name."""
    for node in _find_string_constants(target):
        if node.value in target.scope.variables:
            yield target.replace(node, str(node.value))
            yield from (
                target.replace(node, f"{node.value}.{method}", 0.5) for method in ("encode()", "lower()", "strip()")
            )
            yield target.replace(node, f"str({node.value})", 0.5)


def drop_element(target: MutationTarget) -> Iterator[MutationProposal]:
    """Leave an element out of a list, a tuple or a set."""
    for node in target.expressions:
        if isinstance(node, ast.List | ast.Tuple | ast.Set) and isinstance(
            node.ctx if not isinstance(node, ast.Set) else ast.Load(), ast.Load
        ):
            texts = [target.get_text(item) for item in node.elts]
            opening, closing = target.get_text(node)[:1], target.get_text(node)[-1:]
            if opening not in "([{" or not 2 <= len(texts) <= 16:
                continue
            for left_out in range(len(texts)):
                kept = [t for n, t in enumerate(texts) if n != left_out]
                comma = "," if len(kept) == 1 and opening == "(" else ""
                yield target.replace(node, opening + ", ".join(kept) + comma + closing)


def replace_variable(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write another variable in scope, of like use first; a single letter is often mistaken for another."""
    for node in target.expressions:
        if isinstance(node, ast.Name) and _is_value(target, node):
            for name in _list_other_variables(target, node):
                yield target.replace(node, name, target.scope.measure_likeness(node.id, name))


def change_assignment_target(target: MutationTarget) -> Iterator[MutationProposal]:
    """Assign to or count in another variable, or in an element or attribute that the value is made of; exchange two
    names in a whole statement."""
    for node in target.expressions:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            above = target.get_parent(node)
            plausibility = 1.0 if isinstance(above, ast.AugAssign) else 0.5
            yield from (
                target.replace(node, name, plausibility * target.scope.measure_likeness(node.id, name))
                for name in _list_other_variables(target, node)
            )
    yield from _assign_to_read_place(target)
    yield from _exchange_variables(target)


def _assign_to_read_place(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `best[k] = min(best[k], …)` for `seen[k] = min(best[k], …)`: what is read to be compared is what is
    meant."""
    for node in target.statements:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Subscript | ast.Attribute):
            continue
        places = (n for n in ast.walk(node.value) if isinstance(n, ast.Subscript | ast.Attribute))
        texts = dict.fromkeys(map(target.get_text, places))
        yield from (target.replace(node.targets[0], text) for text in texts if text != target.get_text(node.targets[0]))


def reuse_expression(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write an expression that stands elsewhere in the function, or the length of a parameter, for a variable, a
    constant or an operand."""
    pool = _collect_small_expressions(target)
    for node in target.expressions:
        simple = isinstance(node, ast.Name | ast.Constant | ast.Attribute | ast.Subscript | ast.Call)
        if not simple or not _is_value(target, node) or isinstance(target.get_parent(node), ast.Expr):
            continue
        text = target.get_text(node)
        for other, size in pool:
            if other not in text and not (len(other) > 12 and other in _get_statement_text(target, node)):
                yield target.replace(node, other, 0.6**size)


def replace_attribute(target: MutationTarget) -> Iterator[MutationProposal]:
    """Ask an object for another attribute: of the same family, or seen in the file."""
    for node in target.expressions:
        if not isinstance(node, ast.Attribute):
            continue
        receiver = node.value.id if isinstance(node.value, ast.Name) else ""
        seen = target.scope.own_attributes if receiver in ("self", "cls") else target.scope.attributes.get(receiver, ())
        family = [name for names in _FAMILIES for name in names.split() if node.attr in names.split()]
        family += [twin] if (twin := _toggle_underscore(node.attr)) in target.scope.requested_attributes else []
        for name in dict.fromkeys(chain(family, seen)):
            if name != node.attr:
                yield _rename_attribute(target, node, name, 1.0 if name in family else 0.5)


def add_self(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `self.name` for `name` where the class has one, and the reverse where it is a variable too."""
    for node in target.expressions:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in target.scope.own_attributes:
            yield target.replace(node, f"{target.scope.parameters[0] if target.scope.parameters else 'self'}.{node.id}")
        elif (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in target.scope.variables
        ):
            yield target.replace(node, node.attr)


def change_attribute_access(target: MutationTarget) -> Iterator[MutationProposal]:
    """Write `x.attr` for `x`, as the file asks it elsewhere; write `x` for `x.attr`."""
    for node in target.expressions:
        if isinstance(node, ast.Name) and _is_value(target, node):
            names = target.scope.own_attributes if node.id == "self" else target.scope.attributes.get(node.id, ())
            yield from (target.replace(node, f"{node.id}.{name}") for name in names)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield target.replace(node, target.get_text(node.value), 0.5)


# --- helpers ----------------------------------------------------------------------------------------------------------


_BRACKET_PARTNERS = {"(": ")", ")": "(", "[": "]", "]": "[", "{": "}", "}": "{", "<": ">", ">": "<"}
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


def _toggle_underscore(name: str) -> str:
    """Return the name of what stands behind an attribute, `_data` for `data`, and the reverse."""
    return name[1:] if name.startswith("_") else f"_{name}"


def _find_constants(target: MutationTarget) -> Iterator[ast.Constant]:
    for node in target.expressions:
        if isinstance(node, ast.Constant) and not isinstance(target.get_parent(node), ast.JoinedStr):
            yield node


def _find_string_constants(target: MutationTarget) -> Iterator[ast.Constant]:
    return (node for node in _find_constants(target) if isinstance(node.value, str))


def _collect_strings(target: MutationTarget) -> Iterator[str]:
    """Yield the short strings of the function, and those that stand alone in the module."""
    for node in chain(ast.walk(target.function), target.scope.module.body):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) <= 60:
            yield node.value


def _halve_repetition(value: str) -> Sequence[str]:
    """Return the half of a string that is one thing twice: `_` for `__`."""
    half = value[: len(value) // 2]
    return (half,) if half and half * 2 == value else ()


def _is_value(target: MutationTarget, node: ast.expr) -> bool:
    """Return whether the node is read for its value, not called, assigned to, or asked for an attribute by a module's
    name."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return False
    above = target.get_parent(node)
    return not (isinstance(above, ast.Call) and node is above.func) and not isinstance(above, ast.ExceptHandler)


def _list_other_variables(target: MutationTarget, node: ast.Name) -> Iterator[str]:
    names = [*target.scope.find_names(node.lineno), *_list_comprehension_variables(target, node)]
    if node.id.isupper():
        names += target.scope.global_names
    yield from (name for name in dict.fromkeys(names) if name != node.id and name not in ("self", "cls"))


def _list_comprehension_variables(target: MutationTarget, node: ast.AST) -> Iterator[str]:
    for above in target.iterate_ancestors(node):
        for generator in getattr(above, "generators", ()):
            yield from (n.id for n in ast.walk(generator.target) if isinstance(n, ast.Name))
        if isinstance(above, ast.Lambda):
            yield from (argument.arg for argument in above.args.args)


def _exchange_variables(target: MutationTarget) -> Iterator[MutationProposal]:
    """Exchange two variables wherever a statement of one line names them."""
    for statement in target.statements:
        if not isinstance(statement, ast.Assign | ast.AugAssign | ast.Return | ast.Expr):
            continue
        found = [n for n in ast.walk(statement) if isinstance(n, ast.Name) and n.id in target.scope.variables]
        names = list(dict.fromkeys(n.id for n in found))
        for one, other in ((a, b) for i, a in enumerate(names) for b in names[i + 1 :]):
            if len(names) <= 6:
                changes = [target.build_change(n, other if n.id == one else one) for n in found if n.id in (one, other)]
                yield MutationProposal(tuple(sorted(changes, key=lambda change: change.start)), statement.lineno, 0.4)


def _collect_small_expressions(target: MutationTarget) -> Sequence[tuple[str, int]]:
    """List small expressions of the function, and what is commonly made of a parameter, with their sizes from 1."""
    found: dict[str, int] = {}
    for node in target.expressions:
        if isinstance(node, ast.Call | ast.BinOp | ast.Subscript | ast.Attribute | ast.Compare) and isinstance(
            getattr(node, "ctx", ast.Load()), ast.Load
        ):
            text = target.get_text(node)
            if len(text) <= 40 and "\n" not in text:
                found.setdefault(
                    text, min(4, 1 + text.count("(") + text.count("[") + len(re.findall(r" [-+*/%<>=]+ ", text)))
                )
    for name in target.scope.parameters:
        if name not in ("self", "cls"):
            found.setdefault(f"len({name})", 2)
    return sorted(found.items(), key=lambda item: item[1])[:30]


def _get_statement_text(target: MutationTarget, node: ast.AST) -> str:
    statement = target.find_statement(node)
    return "" if hasattr(statement, "body") else target.get_text(statement)


def _rename_attribute(target: MutationTarget, node: ast.Attribute, name: str, plausibility: float) -> MutationProposal:
    return target.replace(node, target.get_text(node)[: -len(node.attr)] + name, plausibility)
