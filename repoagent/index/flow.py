"""The data flow of one Python function: scopes, definitions and their uses, branches, slices.

It is worked out when it is asked for, one function at a time.

The chains are those of reaching definitions over a control-flow graph of statements (Aho et al., Compilers, 9.2);
slices follow them and the conditions around (Weiser, 1984). Inside one function only: calls, attributes and aliases are
not followed, and a name that a nested function binds for the outer one counts as bound where that one is defined.
"""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from repoagent.errors import UserError

if TYPE_CHECKING:
    from repoagent.index.build import Index

MAX_STATEMENTS = 3_000
"""Statements of one function, at most; larger functions are generated, and cost time quadratic in their size."""

BindingKind = Literal["parameter", "assignment", "loop", "with", "import", "except", "definition", "delete", "match"]
ControlKind = Literal["if", "while", "for", "try", "except", "with", "match", "case", "assert"]
FunctionExitKind = Literal["return", "raise", "yield", "break", "continue"]

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True, order=True)
class Binding:
    """A place where a local name gets a value."""

    line: int
    name: str
    kind: BindingKind
    value: str = ""
    """The dotted name that is called for the value, as `Shop` in `shop = Shop()`, or the annotation; else empty."""


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """A place where a name is read."""

    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Control:
    """A statement that decides whether others run."""

    kind: ControlKind
    line: int
    end: int
    """Last line of the statements that it decides about."""
    test: str
    """The condition, as source; empty where there is none."""


@dataclass(frozen=True, slots=True)
class FunctionExit:
    """A statement that leaves the function or a loop."""

    kind: FunctionExitKind
    line: int
    value: str
    """What is returned or raised, as source."""


@dataclass(frozen=True)
class Flow:
    """The data flow of one function; lines are those of its file, from 1."""

    parameters: tuple[str, ...]
    bindings: tuple[Binding, ...]
    """In the order of the lines, parameters first."""
    chains: Mapping[Use, tuple[Binding, ...]]
    """For every use of a local name the bindings whose value may arrive there (reaching definitions)."""
    free: tuple[str, ...]
    """Names that are read and not bound here: globals, builtins, names of functions around."""
    outer: tuple[str, ...]
    """Names that are declared global or nonlocal."""
    attributes: tuple[str, ...]
    """What is read or set on the first parameter, `total` for `self.total`."""
    controls: tuple[Control, ...]
    exits: tuple[FunctionExit, ...]
    _around: Mapping[int, tuple[int, ...]] = field(default_factory=dict, repr=False)
    """For each line of a statement the lines that decide whether it runs."""

    @property
    def locals(self) -> frozenset[str]:
        """Names that are bound here, parameters included."""
        return frozenset(binding.name for binding in self.bindings) - frozenset(self.outer)

    def slice_backward(self, line: int) -> tuple[int, ...]:
        """List the lines that decide what `line` computes, itself included."""
        used: dict[int, set[int]] = {}
        for use, bindings in self.chains.items():
            used.setdefault(use.line, set()).update(binding.line for binding in bindings)
        return _compute_closure(line, lambda at: {*used.get(at, ()), *self._around.get(at, ())})

    def slice_forward(self, line: int) -> tuple[int, ...]:
        """List the lines that what `line` computes may have an effect on, itself included."""
        uses: dict[int, set[int]] = {}
        for use, bindings in self.chains.items():
            for binding in bindings:
                uses.setdefault(binding.line, set()).add(use.line)
        inside: dict[int, set[int]] = {}
        for at, around in self._around.items():
            for outer in around:
                inside.setdefault(outer, set()).add(at)
        return _compute_closure(line, lambda at: {*uses.get(at, ()), *inside.get(at, ())})


def analyse_function(source: str, first: int = 1) -> Flow | None:
    """Analyse the one function in `source`, which may be indented, and whose first line is `first` in its file.

    None where it cannot be parsed, is no function, or is too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(textwrap.dedent(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    function = tree.body[0] if len(tree.body) == 1 else None
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    if sum(isinstance(node, ast.stmt) for node in ast.walk(function)) > MAX_STATEMENTS:
        return None
    try:
        return _build_flow(function, first - 1)
    except RecursionError:
        return None


def slice_function(index: Index, path: str, line: int, *, forward: bool = False) -> tuple[int, ...]:
    """List the lines of the function around `line` of `path` that decide what it computes; `forward`, that it affects.

    Raises UserError where there is no Python function around it, or it cannot be parsed.
    """
    facts = index.read_facts(path)
    around = [s for s in facts.symbols if s.is_function and s.start <= line <= s.end] if facts else []
    if not around or not path.endswith((".py", ".pyi", ".ipynb")):
        raise UserError(f"line {line} of `{path}` is in no Python function; slices are made inside of one.")
    function = around[-1]
    flow = analyse_function(index.read_lines(path, function.start, function.end), function.start)
    if flow is None:
        raise UserError(f"`{function.qualified}` in `{path}` cannot be parsed, or is too large to slice.")
    return flow.slice_forward(line) if forward else flow.slice_backward(line)


# --- the graph --------------------------------------------------------------------------------------------------------


@dataclass
class _FlowStep:
    """One statement, or the head of one that holds others."""

    line: int
    binds: list[Binding]
    uses: list[Use]
    after: list[_FlowStep] = field(default_factory=list, repr=False)
    reaching: dict[str, frozenset[Binding]] = field(default_factory=dict, repr=False)


def _build_flow(function: ast.FunctionDef | ast.AsyncFunctionDef, offset: int) -> Flow:
    reader = _NameReader(offset)
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [item for item in (arguments.vararg, arguments.kwarg) if item]
    entry = _FlowStep(function.lineno + offset, [reader.bind_parameter(argument) for argument in every], [])
    graph = _FlowGraph(reader)
    graph.add_block(function.body, [entry])
    steps = [entry, *graph.steps]
    _compute_reaching(steps)
    bound = frozenset(binding.name for step in steps for binding in step.binds) - frozenset(reader.outer)
    chains = {
        use: tuple(sorted(step.reaching.get(use.name, ()))) for step in steps for use in step.uses if use.name in bound
    }
    read = dict.fromkeys(use.name for step in steps for use in step.uses)
    return Flow(
        parameters=tuple(argument.arg for argument in every),
        bindings=tuple(sorted({binding for step in steps for binding in step.binds})),
        chains=chains,
        free=tuple(name for name in read if name not in bound),
        outer=tuple(reader.outer),
        attributes=tuple(_collect_attributes(function, every[0].arg) if every else ()),
        controls=tuple(graph.controls),
        exits=tuple(graph.exits),
        _around={step.line: tuple(around) for step, around in zip(graph.steps, graph.around, strict=True)},
    )


def _compute_reaching(steps: Sequence[_FlowStep]) -> None:
    """Compute which bindings reach each step, until nothing changes any more."""
    waiting = list(steps)
    while waiting:
        step = waiting.pop(0)
        leaving = dict(step.reaching)
        for name in {binding.name for binding in step.binds}:
            leaving[name] = frozenset(b for b in step.binds if b.name == name and b.kind != "delete")
        for after in step.after:
            changed = False
            for name, bindings in leaving.items():
                merged = after.reaching.get(name, frozenset()) | bindings
                if merged != after.reaching.get(name):
                    after.reaching[name] = merged
                    changed = True
            if changed and after not in waiting:
                waiting.append(after)


class _FlowGraph:
    """The statements of a function, and which may follow which."""

    def __init__(self, reader: _NameReader) -> None:
        self.steps: list[_FlowStep] = []
        self.around: list[list[int]] = []
        self.controls: list[Control] = []
        self.exits: list[FunctionExit] = []
        self._reader = reader
        self._deciding: list[int] = []
        self._loops: list[tuple[_FlowStep, list[_FlowStep]]] = []
        self._handlers: list[list[_FlowStep]] = []

    def add_block(self, statements: Iterable[ast.stmt], before: list[_FlowStep]) -> list[_FlowStep]:
        """Add statements that follow on `before`; return the steps that they end in."""
        for statement in statements:
            before = self._add_statement(statement, before)
        return before

    def _add_statement(self, node: ast.stmt, before: list[_FlowStep]) -> list[_FlowStep]:
        match node:
            case ast.If():
                return self._add_if(node, before)
            case ast.While() | ast.For() | ast.AsyncFor():
                return self._add_loop(node, before)
            case ast.Try() | ast.TryStar():
                return self._add_try(node, before)
            case ast.With() | ast.AsyncWith():
                return self._add_with(node, before)
            case ast.Match():
                return self._add_match(node, before)
            case _:
                return self._add_simple(node, before)

    def _add_simple(self, node: ast.stmt, before: list[_FlowStep]) -> list[_FlowStep]:
        step = self._add_step(node, [node], before)
        match node:
            case ast.Return() | ast.Raise():
                kind: FunctionExitKind = "return" if isinstance(node, ast.Return) else "raise"
                value = node.value if isinstance(node, ast.Return) else node.exc
                self.exits.append(FunctionExit(kind, step.line, ast.unparse(value) if value else ""))
                return []
            case ast.Break() | ast.Continue() if self._loops:
                head, breaks = self._loops[-1]
                is_break = isinstance(node, ast.Break)
                self.exits.append(FunctionExit("break" if is_break else "continue", step.line, ""))
                if is_break:
                    breaks.append(step)
                else:
                    step.after.append(head)
                return []
            case ast.Assert():
                self.controls.append(Control("assert", step.line, self._find_end(node), ast.unparse(node.test)))
        for inner in (
            ast.walk(node) if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else ()
        ):
            if isinstance(inner, ast.Yield | ast.YieldFrom):
                self.exits.append(FunctionExit("yield", step.line, ast.unparse(inner.value) if inner.value else ""))
        return [step]

    def _add_if(self, node: ast.If, before: list[_FlowStep]) -> list[_FlowStep]:
        step = self._add_head(node, "if", [node.test], before)
        with_body = self._add_body(step, node.body, [step])
        return [*with_body, *(self._add_body(step, node.orelse, [step]) if node.orelse else [step])]

    def _add_loop(self, node: ast.While | ast.For | ast.AsyncFor, before: list[_FlowStep]) -> list[_FlowStep]:
        is_while = isinstance(node, ast.While)
        step = self._add_head(node, "while" if is_while else "for", [node.test] if is_while else [node.iter], before)  # type: ignore[union-attr] # `is_while` decides it
        if not isinstance(node, ast.While):
            step.binds += self._reader.bind_targets(node.target, "loop", node.iter)
        breaks: list[_FlowStep] = []
        self._loops.append((step, breaks))
        for last in self._add_body(step, node.body, [step]):
            last.after.append(step)
        self._loops.pop()
        return [*self._add_body(step, node.orelse, [step]), *breaks] if node.orelse else [step, *breaks]

    def _add_with(self, node: ast.With | ast.AsyncWith, before: list[_FlowStep]) -> list[_FlowStep]:
        step = self._add_head(node, "with", [item.context_expr for item in node.items], before)
        for item in node.items:
            if item.optional_vars:
                step.binds += self._reader.bind_targets(item.optional_vars, "with", item.context_expr)
        return self.add_block(node.body, [step])

    def _add_match(self, node: ast.Match, before: list[_FlowStep]) -> list[_FlowStep]:
        step = self._add_head(node, "match", [node.subject], before)
        ends = [step]
        for case in node.cases:
            head = self._add_step(case.pattern, [case.guard] if case.guard else [], [step])
            head.binds += self._reader.bind_patterns(case.pattern)
            last = case.body[-1]
            self.controls.append(Control("case", head.line, self._find_end(last), ast.unparse(case.pattern)))
            ends += self._add_body(head, case.body, [head])
        return ends

    def _add_try(self, node: ast.Try | ast.TryStar, before: list[_FlowStep]) -> list[_FlowStep]:
        """Add a `try`: any statement of its body may be the last before a handler."""
        start = len(self.steps)
        self.controls.append(Control("try", node.lineno + self._reader.offset, self._find_end(node), ""))
        ends = self.add_block(node.body, before)
        raising = [*before, *self.steps[start:]]
        if node.orelse:
            ends = self.add_block(node.orelse, ends)
        for handler in node.handlers:
            head = self._add_step(handler, [handler.type] if handler.type else [], raising)
            if handler.name:
                head.binds.append(Binding(head.line, handler.name, "except"))
            caught = ast.unparse(handler.type) if handler.type else ""
            self.controls.append(Control("except", head.line, self._find_end(handler), caught))
            ends = [*ends, *self._add_body(head, handler.body, [head])]
        if node.finalbody:
            ends = self.add_block(node.finalbody, [*ends, *(self.steps[start:] if not ends else [])])
        return ends

    def _add_head(
        self, node: ast.stmt, kind: ControlKind, read: Sequence[ast.expr], before: list[_FlowStep]
    ) -> _FlowStep:
        step = self._add_step(node, read, before)
        self.controls.append(Control(kind, step.line, self._find_end(node), ", ".join(map(ast.unparse, read))))
        return step

    def _add_body(self, head: _FlowStep, statements: Sequence[ast.stmt], before: list[_FlowStep]) -> list[_FlowStep]:
        self._deciding.append(head.line)
        ends = self.add_block(statements, before)
        self._deciding.pop()
        return ends

    def _add_step(
        self, node: ast.stmt | ast.pattern | ast.ExceptHandler, read: Sequence[ast.AST], before: list[_FlowStep]
    ) -> _FlowStep:
        step = _FlowStep(node.lineno + self._reader.offset, [], [])
        for part in read:
            binds, uses = self._reader.read(part)
            step.binds += binds
            step.uses += [Use(step.line, name) for name in uses]
        for earlier in before:
            earlier.after.append(step)
        self.steps.append(step)
        self.around.append(list(self._deciding))
        return step

    def _find_end(self, node: ast.stmt | ast.ExceptHandler) -> int:
        return (node.end_lineno or node.lineno) + self._reader.offset


# --- names ------------------------------------------------------------------------------------------------------------


class _NameReader:
    """Finds the names that statements bind and read."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.outer: dict[str, None] = {}

    def bind_parameter(self, argument: ast.arg) -> Binding:
        """Make the binding of a parameter."""
        annotation = _read_dotted_name(argument.annotation) if argument.annotation else ""
        return Binding(argument.lineno + self.offset, argument.arg, "parameter", annotation)

    def read(self, node: ast.AST) -> tuple[list[Binding], list[str]]:
        """Find the names that a statement or an expression binds, and those that it reads."""
        binds: list[Binding] = []
        line = getattr(node, "lineno", 0) + self.offset
        match node:
            case ast.Assign():
                binds = [b for target in node.targets for b in self.bind_targets(target, "assignment", node.value)]
            case ast.AugAssign():
                binds = self.bind_targets(node.target, "assignment", None)
                return binds, [*_collect_reads(node), *([node.target.id] if isinstance(node.target, ast.Name) else [])]
            case ast.AnnAssign() if node.value:
                binds = self.bind_targets(node.target, "assignment", node.value)
            case ast.Import() | ast.ImportFrom():
                names = ((item.asname or item.name.partition(".")[0]) for item in node.names)
                return [Binding(line, name, "import") for name in names], []
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return [Binding(line, node.name, "definition")], list(_collect_free_names(node))
            case ast.Delete():
                binds = [b for target in node.targets for b in self.bind_targets(target, "delete", None)]
            case ast.Global() | ast.Nonlocal():
                self.outer.update(dict.fromkeys(node.names))
        binds += [
            Binding(line, inner.target.id, "assignment") for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr)
        ]
        return binds, list(_collect_reads(node))

    def bind_targets(self, target: ast.AST, kind: BindingKind, value: ast.expr | None) -> list[Binding]:
        """List the bindings that a target of an assignment makes."""
        names = [node for node in ast.walk(target) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)]
        called = _read_dotted_name(value.func) if isinstance(value, ast.Call) and isinstance(target, ast.Name) else ""
        return [Binding(node.lineno + self.offset, node.id, kind, called) for node in names]

    def bind_patterns(self, pattern: ast.pattern) -> list[Binding]:
        """List the bindings that a pattern of `match` makes."""
        line = pattern.lineno + self.offset
        found = []
        for node in ast.walk(pattern):
            name = node.rest if isinstance(node, ast.MatchMapping) else getattr(node, "name", None)
            if isinstance(name, str):
                found.append(Binding(line, name, "match"))
        return found


def _collect_reads(node: ast.AST) -> Iterator[str]:
    """Yield the names that are read in `node`, without those bound inside of comprehensions and lambdas."""
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load):
            yield node.id
        return
    own: set[str] = set()
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        own = {n.id for generator in node.generators for n in ast.walk(generator.target) if isinstance(n, ast.Name)}
    elif isinstance(node, ast.Lambda):
        own = _collect_arguments(node)
    for child in ast.iter_child_nodes(node):
        yield from (name for name in _collect_reads(child) if name not in own)


def _collect_free_names(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[str]:
    """Yield the names that a nested definition takes from around it."""
    bound = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    bound |= _collect_arguments(node) if not isinstance(node, ast.ClassDef) else set()
    yield from (name for name in dict.fromkeys(_collect_reads(node)) if name not in bound)


def _collect_arguments(node: FunctionNode) -> set[str]:
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return {argument.arg for argument in every if argument}


def _collect_attributes(function: ast.AST, first: str) -> list[str]:
    found = (
        node.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == first
    )
    return list(dict.fromkeys(found))


def _read_dotted_name(node: ast.expr) -> str:
    """Read `a.b.c` as text, also out of quotes; empty for any other expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value if node.value.replace(".", "").isidentifier() else ""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _compute_closure(line: int, following: object) -> tuple[int, ...]:
    seen: set[int] = set()
    waiting = [line]
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            waiting += following(at)  # type: ignore[operator]
    return tuple(sorted(seen))
