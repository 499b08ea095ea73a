"""Resolve uses of names to definitions: through scopes, imports, classes and their bases; else by the name alone, which
is then said.

A result is certain if the source says so: the nearest binding of a bare name, the import behind it, a method found in
the class or in one of its bases. That something else may stand there when the program runs (a subclass, a patched
module) is not considered. Uncertain results are `unique` (one definition in the repository has the name) or `name`
(several have).
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from repoagent.index.build import Index
from repoagent.index.flow import Flow, flow_of
from repoagent.index.model import Reference, Symbol
from repoagent.index.reading.text import split_lines
from repoagent.index.retrieval.units import is_aside

How = Literal["scope", "import", "class", "value", "unique", "name", "outside"]

_BASES = 60
"""Classes that are searched for one method, at most."""

_MOST = 20
"""Definitions of one name that are given, at most, when nothing says which is meant."""

_BUILTINS: Final = frozenset(dir(builtins))


MEANINGS: Final[dict[How, str]] = {
    "scope": "the nearest binding",
    "import": "by import",
    "class": "by class",
    "value": "by the class of a local variable",
    "unique": "by name, the only one",
    "name": "by name only",
    "outside": "not of this repository",
}
"""What people read for each kind of resolution."""


@dataclass(frozen=True, slots=True)
class Link:
    """A use of a name, and the definitions that it may mean."""

    reference: Reference
    targets: tuple[Symbol, ...]
    """Empty for what is defined outside of the repository."""
    how: How
    """How it was resolved. `scope`: the nearest binding; `import`: through imports; `class`: a method of the class
    around, or of the one that is named; `value`: of the class that a local variable is an instance of, or is annotated
    with; `unique`, `name`: guesses by the name; `outside`: builtins, other packages, local values."""

    @property
    def certain(self) -> bool:
        """Whether the source says so, and it is no guess by the name."""
        return self.how not in {"unique", "name"}


class Resolver:
    """Resolves uses of names over one index, and caches what it has worked out."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._flow = lru_cache(maxsize=2_000)(self._read_flow)
        self._lines = lru_cache(maxsize=200)(self._read_lines)
        self._through_imports = lru_cache(maxsize=20_000)(self._bound_by_import)
        self._find = lru_cache(maxsize=5_000)(self._index.find)
        self.bases = lru_cache(maxsize=20_000)(self._bases)
        """Finds the classes of the repository that a class is derived from directly."""

    def link(self, reference: Reference) -> Link:
        """Resolve a use of a name."""
        if not reference.path.endswith((".py", ".pyi", ".ipynb")):
            return self._by_file(reference)
        receiver = self._receiver(reference)
        if receiver is None:
            return self._bare(reference)
        return self._attribute(reference, receiver)

    def callers(self, symbol: Symbol) -> Iterator[Link]:
        """Yield the calls that mean `symbol` or may mean it, by path and line; not those that mean something else."""
        for reference in self._uses(symbol):
            if reference.kind == "call" or (reference.kind == "name" and symbol.is_function):
                link = self.link(reference)
                if symbol in link.targets or (link.how == "name" and not link.targets):
                    yield link

    def callees(self, symbol: Symbol) -> Iterator[Link]:
        """Yield the calls inside of `symbol`, in the order of its lines, each name once."""
        seen: set[tuple[str, How, tuple[Symbol, ...]]] = set()
        for reference in self._index.calls_in(symbol.path, symbol.start, symbol.end):
            link = self.link(reference)
            key = (reference.name, link.how, link.targets)
            if key not in seen:
                seen.add(key)
                yield link

    def _bases(self, symbol: Symbol) -> tuple[Symbol, ...]:
        return tuple(base for name in symbol.bases for base in self._named(symbol.path, symbol.parent, name))

    def subclasses(self, symbol: Symbol) -> tuple[Symbol, ...]:
        """Find the classes that are derived from `symbol`, directly or through others, nearest first."""
        found: dict[Symbol, None] = {}
        waiting = [symbol]
        while waiting:
            base = waiting.pop(0)
            names = self._called_as(base)
            paths = dict.fromkeys(path for name in names for path in self._index.files.using(name))
            self._index.files.load(paths)
            for path in paths:
                for candidate in self._index.files[path].symbols:
                    may = any(name.rpartition(".")[2] in names for name in candidate.bases)
                    if may and candidate not in found and base in self.bases(candidate):
                        found[candidate] = None
                        waiting.append(candidate)
        return tuple(found)

    def member(self, symbol: Symbol, name: str) -> Symbol | None:
        """Find the method or attribute `name` of a class, or of the first of its bases that has it."""
        return next((found for owner in self._lineage(symbol) if (found := self._own(owner, name))), None)

    def overrides(self, symbol: Symbol) -> tuple[Symbol, ...]:
        """Find the methods of subclasses that override the method `symbol`."""
        owner = self._index.symbol(symbol.path, symbol.parent) if symbol.parent else None
        below = self.subclasses(owner) if owner and owner.is_type else ()
        return tuple(found for one in below if (found := self._own(one, symbol.name)))

    def _uses(self, symbol: Symbol) -> list[Reference]:
        """List every use of a name that `symbol` has somewhere, by path and line."""
        found = (use for name in self._called_as(symbol) for use in self._index.references(name))
        return sorted(set(found), key=lambda use: (use.path, use.line, use.column))

    def _called_as(self, symbol: Symbol) -> list[str]:
        """List the names that `symbol` has in this repository: its own, and those that imports give it."""
        names = [symbol.name]
        for name in names:  # grows as it goes
            for path in self._index.files.using(name):
                for item in self._index.files[path].imports:
                    if item.name == name and item.alias not in {*names, "*"}:
                        names.append(item.alias)
        return names

    # --- Python: bare names

    def _bare(self, reference: Reference) -> Link:
        name = reference.name
        if reference.kind == "import":
            return self._imported(reference)
        scope = self._index.symbol(reference.path, reference.inside) if reference.inside else None
        while scope is not None:
            if scope.is_function and (link := self._in_function(reference, scope)):
                return link
            scope = self._index.symbol(reference.path, scope.parent) if scope.parent else None
        if found := self._index.symbol(reference.path, name):
            return Link(reference, (found,), "scope")
        if found := self._top_variable(reference.path, name):
            return Link(reference, (found,), "scope")
        targets = self._through_imports(reference.path, name)
        if targets is not None:
            return Link(reference, targets, "import" if targets else "outside")
        if name in _BUILTINS:
            return Link(reference, (), "outside")
        return self._guess(reference)

    def _in_function(self, reference: Reference, scope: Symbol) -> Link | None:
        """Resolve a name that this function binds; None if it does not bind it."""
        if found := self._index.symbol(reference.path, f"{scope.qualified}.{reference.name}"):
            return Link(reference, (found,), "scope")
        flow = self._flow(scope)
        if flow is None or reference.name not in flow.locals:
            return None
        bindings = [binding for binding in flow.bindings if binding.name == reference.name]
        if all(binding.kind == "import" for binding in bindings):
            targets = self._through_imports(reference.path, reference.name)
            return Link(reference, targets or (), "import" if targets else "outside")
        return Link(reference, (), "outside")  # a value that was passed in, or worked out

    def _imported(self, reference: Reference) -> Link:
        for item in self._index.files[reference.path].imports:
            if item.line == reference.line and item.name == reference.name:
                targets = self._index.resolve(f"{self._index.absolute(item)}.{item.name}")
                return Link(reference, targets, "import" if targets else "outside")
        return Link(reference, (), "outside")

    def _bound_by_import(self, path: str, name: str) -> tuple[Symbol, ...] | None:
        """Find what an import binds `name` to: empty for modules and other packages; None if no import binds it."""
        dotted = self._dotted(path, name)
        if dotted:
            return self._index.resolve(dotted)
        for item in self._index.files[path].imports:
            if item.name == "*" and (found := self._index.resolve(f"{self._index.absolute(item)}.{name}")):
                return found
        return None

    def _dotted(self, path: str, name: str) -> str:
        """Find the absolute dotted name that an import binds `name` to; empty if none does."""
        for item in self._index.files[path].imports:
            if item.alias == name:
                module = self._index.absolute(item)
                if item.name:
                    return f"{module}.{item.name}"
                return module if "." not in item.module or item.alias != item.module.partition(".")[0] else name
        return ""

    # --- Python: attributes

    def _attribute(self, reference: Reference, receiver: str) -> Link:
        """Resolve an attribute of `receiver`: a dotted name, `super()`, or empty for any other expression."""
        if receiver in {"self", "cls", "super()"}:
            owner = self._class_around(reference)
            if owner is not None:
                return self._of_class(reference, owner, above=receiver == "super()")
        elif receiver:
            if owners := self._value_of(reference, receiver):
                return self._of_class(reference, owners)
            targets = self._behind(reference, receiver)
            if targets is not None:
                return Link(reference, targets, "import" if targets else "outside")
        return self._guess(reference)

    def _of_class(self, reference: Reference, owner: Symbol, *, above: bool = False) -> Link:
        owners = [base for base in self._lineage(owner) if not (above and base == owner)]
        for one in owners:
            if found := self._own(one, reference.name):
                return Link(reference, (found,), "class" if self._class_around(reference) == owner else "value")
        return self._guess(reference)

    def _behind(self, reference: Reference, receiver: str) -> tuple[Symbol, ...] | None:
        """Find what `module.name` and `Class.name` mean; None if the receiver is neither a module nor a class."""
        first, _, rest = receiver.partition(".")
        if self._is_local(reference, first):
            return None
        dotted = self._dotted(reference.path, first)
        owners = self._named(reference.path, reference.inside, receiver)
        for owner in owners:
            if owner.is_type and (found := self.member(owner, reference.name)):
                return (found,)
        if not dotted:
            return None
        full = ".".join(filter(None, (dotted, rest, reference.name)))
        if found_symbols := self._index.resolve(full):
            return found_symbols
        # A module of this repository that does not define the name tells nothing; another tells that it is not ours.
        ours = any(self._index.module_files(full[: len(full) - len(tail)]) for tail in _tails(full))
        return None if ours or owners else ()

    def _value_of(self, reference: Reference, receiver: str) -> Symbol | None:
        """Infer the class of a local variable, where all its bindings are calls of that class, or annotations."""
        scope = self._index.symbol(reference.path, reference.inside) if reference.inside else None
        flow = self._flow(scope) if scope and scope.is_function and "." not in receiver else None
        if flow is None or receiver not in flow.locals:
            return None
        values = {binding.value for binding in flow.bindings if binding.name == receiver}
        name = values.pop() if len(values) == 1 else ""
        owners = self._named(reference.path, reference.inside, name) if name else ()
        return owners[0] if len(owners) == 1 and owners[0].is_type else None

    def _is_local(self, reference: Reference, name: str) -> bool:
        scope = self._index.symbol(reference.path, reference.inside) if reference.inside else None
        flow = self._flow(scope) if scope and scope.is_function else None
        return flow is not None and name in flow.locals

    # --- classes

    def _class_around(self, reference: Reference) -> Symbol | None:
        scope = self._index.symbol(reference.path, reference.inside) if reference.inside else None
        while scope is not None and not scope.is_type:
            scope = self._index.symbol(reference.path, scope.parent) if scope.parent else None
        return scope

    def _lineage(self, symbol: Symbol) -> Iterator[Symbol]:
        """Yield a class and its bases, depth first as written: the method resolution order but for diamonds."""
        seen: dict[Symbol, None] = {}
        waiting = [symbol]
        while waiting and len(seen) < _BASES:
            one = waiting.pop(0)
            if one not in seen:
                seen[one] = None
                yield one
                waiting = [*self.bases(one), *waiting]

    def _own(self, owner: Symbol, name: str) -> Symbol | None:
        return self._index.symbol(owner.path, f"{owner.qualified}.{name}")

    def _named(self, path: str, inside: str, dotted: str) -> tuple[Symbol, ...]:
        """Find the symbols that a dotted name means inside of the symbol `inside` of a file."""
        first, _, rest = dotted.partition(".")
        while True:
            if found := self._index.symbol(path, ".".join(filter(None, (inside, dotted)))):
                return (found,)
            if not inside:
                break
            inside = inside.rpartition(".")[0]
        absolute = self._dotted(path, first)
        if absolute:
            return self._index.resolve(".".join(filter(None, (absolute, rest))))
        starred = (item for item in self._index.files[path].imports if item.name == "*")
        found_symbols = (self._index.resolve(f"{self._index.absolute(item)}.{dotted}") for item in starred)
        return next(filter(None, found_symbols), ())

    # --- other languages, and what nothing else tells

    def _by_file(self, reference: Reference) -> Link:
        """Resolve in other languages than Python: to what the file defines, what it imports, else by the name."""
        facts = self._index.files[reference.path]
        own = tuple(symbol for symbol in facts.symbols if symbol.name == reference.name)
        if len({symbol.qualified for symbol in own}) == 1:
            return Link(reference, own[:1], "scope")
        for item in facts.imports:
            if item.alias == reference.name and item.name:
                wanted = {item.name, reference.name} - {"default", "*"}
                paths = self._index.targets(item)
                found = tuple(s for path in paths for s in self._index.files[path].symbols if s.name in wanted)
                if len({symbol.qualified for symbol in found}) == 1:
                    return Link(reference, found, "import")
        return self._guess(reference)

    def _guess(self, reference: Reference) -> Link:
        """Resolve by the name alone; definitions in tests are candidates only for uses in tests."""
        found = [symbol for symbol in self._find(reference.name) if symbol.name == reference.name]
        found = [symbol for symbol in found if symbol.kind != "variable"] or found
        inner = [symbol for symbol in found if is_aside(reference.path) or not is_aside(symbol.path)]
        if len(inner) == 1:
            return Link(reference, tuple(inner), "unique")
        return Link(reference, tuple(inner[:_MOST]), "name" if inner else "outside")

    # --- the text around

    def _receiver(self, reference: Reference) -> str | None:
        """Read what stands before the dot; None if there is no dot, empty if it is no dotted name."""
        lines = self._lines(reference.path)
        before = lines[reference.line - 1][: reference.column] if reference.line <= len(lines) else ""
        if not before.rstrip().endswith("."):
            return None
        match = _RECEIVER.search(before)
        if not match:
            return ""
        return "super()" if match[1].startswith("super") and match[1].endswith(")") else match[1]

    def _read_lines(self, path: str) -> list[str]:
        return split_lines(self._index.source(path))

    def _top_variable(self, path: str, name: str) -> Symbol | None:
        return next((v for v in self._index.files[path].variables if v.qualified == name), None)

    def _read_flow(self, symbol: Symbol) -> Flow | None:
        return flow_of(self._index.slice(symbol.path, symbol.start, symbol.end), symbol.start)


_RECEIVER = re.compile(r"(?<![\w.)\]}'\"])(super\([^()]{0,80}\)|[^\W\d]\w*(?:\.[^\W\d]\w*){0,10})\s*\.\s*$")


def _tails(dotted: str) -> Iterator[str]:
    """Yield the endings of a dotted name, with their dots, shortest first, without the whole name."""
    place = dotted.rfind(".")
    while place > 0:
        yield dotted[place:]
        place = dotted.rfind(".", 0, place)
