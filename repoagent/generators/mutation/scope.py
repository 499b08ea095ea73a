"""What may be written inside a function: the names in scope and how each is used, what its objects are asked for, and
the expressions that stand there already (the ingredients of "plastic surgery": Barr et al., 2014)."""

from __future__ import annotations

import ast
import builtins
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from repoagent.index.flow import analyse_function
from repoagent.languages.python.syntax import Function, find_first_line, find_last_line


@dataclass(frozen=True)
class FunctionScope:
    """The surroundings of one function."""

    module: ast.Module
    function: Function
    text: str
    """The lines of the function."""
    owner: ast.ClassDef | None
    """The class, for a method."""

    def find_names(self, line: int) -> Sequence[str]:
        """List variables that may have a value at `line`: parameters, and what is bound above it or in a loop around
        it."""
        return [
            name
            for name, lines in self._binding_lines.items()
            if min(lines) <= line or self._is_bound_in_loop(line, lines)
        ]

    def find_near_names(self, line: int) -> frozenset[str]:
        """Find the variables that the statement at `line` and the loops around it name."""
        found = {n.id for n in ast.walk(self.function) if isinstance(n, ast.Name) and n.lineno == line}
        loops = (n for n in ast.walk(self.function) if isinstance(n, ast.For) and n.lineno <= line <= find_last_line(n))
        return frozenset(found | {n.id for loop in loops for n in ast.walk(loop.target) if isinstance(n, ast.Name)})

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters in their order."""
        arguments = self.function.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        return tuple(argument.arg for argument in every if argument)

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """All names that are bound inside, in an order that does not change from run to run."""
        return tuple(self._binding_lines)

    @cached_property
    def global_names(self) -> tuple[str, ...]:
        """Names that the module assigns at its top level, constants mostly."""
        targets = (t for node in self.module.body if isinstance(node, ast.Assign) for t in node.targets)
        return tuple(dict.fromkeys(t.id for t in targets if isinstance(t, ast.Name)))

    @cached_property
    def callables(self) -> Mapping[str, int]:
        """Functions of the module, nested ones too, by name, with the number of their parameters."""
        nodes = [n for n in ast.walk(self.module) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        methods = {id(n) for c in ast.walk(self.module) if isinstance(c, ast.ClassDef) for n in c.body}
        return {n.name: len(n.args.args) + len(n.args.posonlyargs) for n in nodes if id(n) not in methods}

    @cached_property
    def own_attributes(self) -> tuple[str, ...]:
        """Attributes and methods of the class, as far as its text shows them."""
        if self.owner is None:
            return ()
        methods = [n.name for n in self.owner.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        fields = [t.id for n in self.owner.body for t in _get_targets(n) if isinstance(t, ast.Name)]
        used = [
            n.attr
            for n in ast.walk(self.owner)
            if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id in ("self", "cls")
        ]
        return tuple(dict.fromkeys(name for name in (*used, *fields, *methods) if not name.startswith("__")))

    @cached_property
    def attributes(self) -> Mapping[str, tuple[str, ...]]:
        """By receiver, written as it is in the code, the attributes that it is asked for anywhere in the file."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for node in ast.walk(self.module):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                found[node.value.id][node.attr] = None
        return {receiver: tuple(names) for receiver, names in found.items()}

    @cached_property
    def requested_attributes(self) -> frozenset[str]:
        """The attributes that any object is asked for anywhere in the file."""
        return frozenset(node.attr for node in ast.walk(self.module) if isinstance(node, ast.Attribute))

    @cached_property
    def roles(self) -> Mapping[str, frozenset[str]]:
        """What is done to each variable: `iterated`, `indexed`, `arithmetic`, …; equal roles hint at equal types."""
        found: dict[str, set[str]] = defaultdict(set)
        for node in ast.walk(self.function):
            for name, role in _find_roles(node):
                found[name].add(role)
        return {name: frozenset(roles) for name, roles in found.items()}

    def measure_likeness(self, one: str, other: str) -> float:
        """Return how well one variable may stand for another, from 0 to 1, by what is done to both."""
        left, right = self.roles.get(one, frozenset()), self.roles.get(other, frozenset())
        if not left or not right:
            return 0.6
        return 0.35 + 0.65 * len(left & right) / len(left | right)

    @cached_property
    def constants(self) -> tuple[str, ...]:
        """Literals of the function, as text."""
        nodes = (n for n in ast.walk(self.function) if isinstance(n, ast.Constant))
        return tuple(dict.fromkeys(repr(n.value) for n in nodes if isinstance(n.value, int | float | str)))[:40]

    @cached_property
    def _binding_lines(self) -> Mapping[str, tuple[int, ...]]:
        """The lines that bind each variable; the parameters alone where the flow of the function cannot be worked
        out."""
        first = find_first_line(self.function)
        found: dict[str, list[int]] = {name: [first] for name in self.parameters}
        flow = analyse_function(self.text, first)
        for binding in flow.bindings if flow else ():
            if binding.kind not in ("definition", "import", "delete"):
                found.setdefault(binding.name, []).append(binding.line)
        for name, line in self._find_nested_bindings():
            found.setdefault(name, []).append(line)
        return {name: tuple(lines) for name, lines in found.items()}

    def _find_nested_bindings(self) -> Iterator[tuple[str, int]]:
        """Yield the names that nested functions bind, with their lines."""
        nested = (n for n in ast.walk(self.function) if isinstance(n, Function) and n is not self.function)
        for node in (inner for function in nested for inner in ast.walk(function)):
            if isinstance(node, ast.arg):
                yield node.arg, node.lineno
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id, node.lineno

    def _is_bound_in_loop(self, line: int, lines: Sequence[int]) -> bool:
        """Return whether a loop around `line` holds one of `lines`, which bind a name."""
        return any(
            first <= line <= last and any(first <= at <= last for at in lines) for first, last in self._loop_ranges
        )

    @cached_property
    def _loop_ranges(self) -> Sequence[tuple[int, int]]:
        loops = (n for n in ast.walk(self.function) if isinstance(n, ast.For | ast.While | ast.AsyncFor))
        return [(find_first_line(node), find_last_line(node)) for node in loops]


BUILTINS = frozenset(dir(builtins))


def _get_targets(node: ast.stmt) -> Sequence[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


def _find_roles(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield each name directly below a node with what the node does to it."""
    for role, child in _find_uses(node):
        if isinstance(child, ast.Name):
            yield child.id, role


def _find_uses(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    """Yield each child of a node with what the node does to it."""
    for field, role in _ROLES_BY_FIELD.get(type(node), ()):
        yield role, getattr(node, field)
    match node:
        case ast.Compare():
            yield from (("compared", child) for child in (node.left, *node.comparators))
        case ast.Attribute():
            yield f".{node.attr}", node.value
        case ast.Call():
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            yield from ((f"given to {name}", child) for child in node.args)


_LOOP_FIELDS = (("iter", "iterated"), ("target", "element"))
_ROLES_BY_FIELD: Mapping[type[ast.AST], tuple[tuple[str, str], ...]] = {
    ast.For: _LOOP_FIELDS,
    ast.AsyncFor: _LOOP_FIELDS,
    ast.comprehension: _LOOP_FIELDS,
    ast.Subscript: (("value", "indexed"), ("slice", "index")),
    ast.Slice: (("lower", "index"), ("upper", "index")),
    ast.BinOp: (("left", "arithmetic"), ("right", "arithmetic")),
    ast.AugAssign: (("target", "arithmetic"), ("value", "arithmetic")),
    ast.Call: (("func", "called"),),
    ast.While: (("test", "compared"),),
}
