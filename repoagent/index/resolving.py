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
from repoagent.index.flow import Flow, analyse_function
from repoagent.index.model import Symbol, SymbolReference
from repoagent.index.reading.text import split_lines
from repoagent.index.retrieval.units import is_non_source

Resolution = Literal["scope", "import", "class", "value", "unique", "name", "outside"]

_MAX_BASES = 60
"""Classes that are searched for one method, at most."""

_MAX_GUESSES = 20
"""Definitions of one name that are given, at most, when nothing says which is meant."""

_BUILTINS: Final = frozenset(dir(builtins))


KIND_LABELS: Final[dict[Resolution, str]] = {
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
class ResolvedReference:
    """A use of a name, and the definitions that it may mean."""

    reference: SymbolReference
    targets: tuple[Symbol, ...]
    """Empty for what is defined outside of the repository."""
    how: Resolution
    """How it was resolved. `scope`: the nearest binding; `import`: through imports; `class`: a method of the class
    around, or of the one that is named; `value`: of the class that a local variable is an instance of, or is annotated
    with; `unique`, `name`: guesses by the name; `outside`: builtins, other packages, local values."""

    @property
    def is_certain(self) -> bool:
        """Whether the source says so, and it is no guess by the name."""
        return self.how not in {"unique", "name"}


class Resolver:
    """Resolves uses of names over one index, and caches what it has worked out."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._get_flow = lru_cache(maxsize=2_000)(self._read_flow)
        self._get_lines = lru_cache(maxsize=200)(self._read_lines)
        self._get_bound_import = lru_cache(maxsize=20_000)(self._resolve_bound_import)
        self._find_symbols = lru_cache(maxsize=5_000)(self._index.find_symbols)
        self.find_bases = lru_cache(maxsize=20_000)(self._resolve_bases)
        """Finds the classes of the repository that a class is derived from directly."""

    def resolve(self, reference: SymbolReference) -> ResolvedReference:
        """Resolve a use of a name."""
        if not reference.path.endswith((".py", ".pyi", ".ipynb")):
            return self._resolve_by_file(reference)
        receiver = self._read_receiver(reference)
        if receiver is None:
            return self._resolve_bare(reference)
        return self._resolve_attribute(reference, receiver)

    def find_callers(self, symbol: Symbol) -> Iterator[ResolvedReference]:
        """Yield the calls that mean `symbol` or may mean it, by path and line; not those that mean something else."""
        for reference in self._find_uses(symbol):
            if reference.kind == "call" or (reference.kind == "name" and symbol.is_function):
                link = self.resolve(reference)
                if symbol in link.targets or (link.how == "name" and not link.targets):
                    yield link

    def find_callees(self, symbol: Symbol) -> Iterator[ResolvedReference]:
        """Yield the calls inside of `symbol`, in the order of its lines, each name once."""
        seen: set[tuple[str, Resolution, tuple[Symbol, ...]]] = set()
        for reference in self._index.list_calls(symbol.path, symbol.start, symbol.end):
            link = self.resolve(reference)
            key = (reference.name, link.how, link.targets)
            if key not in seen:
                seen.add(key)
                yield link

    def _resolve_bases(self, symbol: Symbol) -> tuple[Symbol, ...]:
        return tuple(base for name in symbol.bases for base in self._resolve_name_at(symbol.path, symbol.parent, name))

    def find_subclasses(self, symbol: Symbol) -> tuple[Symbol, ...]:
        """Find the classes that are derived from `symbol`, directly or through others, nearest first."""
        found: dict[Symbol, None] = {}
        waiting = [symbol]
        while waiting:
            base = waiting.pop(0)
            names = self._list_names(base)
            paths = dict.fromkeys(path for name in names for path in self._index.files.find_users(name))
            self._index.files.load(paths)
            for path in paths:
                for candidate in self._index.files[path].symbols:
                    may = any(name.rpartition(".")[2] in names for name in candidate.bases)
                    if may and candidate not in found and base in self.find_bases(candidate):
                        found[candidate] = None
                        waiting.append(candidate)
        return tuple(found)

    def find_member(self, symbol: Symbol, name: str) -> Symbol | None:
        """Find the method or attribute `name` of a class, or of the first of its bases that has it."""
        return next(
            (found for owner in self._walk_lineage(symbol) if (found := self._find_own_member(owner, name))), None
        )

    def find_overrides(self, symbol: Symbol) -> tuple[Symbol, ...]:
        """Find the methods of subclasses that override the method `symbol`."""
        owner = self._index.get_symbol(symbol.path, symbol.parent) if symbol.parent else None
        below = self.find_subclasses(owner) if owner and owner.is_type else ()
        return tuple(found for one in below if (found := self._find_own_member(one, symbol.name)))

    def _find_uses(self, symbol: Symbol) -> list[SymbolReference]:
        """List every use of a name that `symbol` has somewhere, by path and line."""
        found = (use for name in self._list_names(symbol) for use in self._index.find_references(name))
        return sorted(set(found), key=lambda use: (use.path, use.line, use.column))

    def _list_names(self, symbol: Symbol) -> list[str]:
        """List the names that `symbol` has in this repository: its own, and those that imports give it."""
        names = [symbol.name]
        for name in names:  # grows as it goes
            for path in self._index.files.find_users(name):
                for item in self._index.files[path].imports:
                    if item.name == name and item.alias not in {*names, "*"}:
                        names.append(item.alias)
        return names

    # --- Python: bare names

    def _resolve_bare(self, reference: SymbolReference) -> ResolvedReference:
        name = reference.name
        if reference.kind == "import":
            return self._resolve_imported(reference)
        scope = self._index.get_symbol(reference.path, reference.inside) if reference.inside else None
        while scope is not None:
            if scope.is_function and (link := self._resolve_in_function(reference, scope)):
                return link
            scope = self._index.get_symbol(reference.path, scope.parent) if scope.parent else None
        if found := self._index.get_symbol(reference.path, name):
            return ResolvedReference(reference, (found,), "scope")
        if found := self._find_top_variable(reference.path, name):
            return ResolvedReference(reference, (found,), "scope")
        targets = self._get_bound_import(reference.path, name)
        if targets is not None:
            return ResolvedReference(reference, targets, "import" if targets else "outside")
        if name in _BUILTINS:
            return ResolvedReference(reference, (), "outside")
        return self._guess_by_name(reference)

    def _resolve_in_function(self, reference: SymbolReference, scope: Symbol) -> ResolvedReference | None:
        """Resolve a name that this function binds; None if it does not bind it."""
        if found := self._index.get_symbol(reference.path, f"{scope.qualified}.{reference.name}"):
            return ResolvedReference(reference, (found,), "scope")
        flow = self._get_flow(scope)
        if flow is None or reference.name not in flow.locals:
            return None
        bindings = [binding for binding in flow.bindings if binding.name == reference.name]
        if all(binding.kind == "import" for binding in bindings):
            targets = self._get_bound_import(reference.path, reference.name)
            return ResolvedReference(reference, targets or (), "import" if targets else "outside")
        return ResolvedReference(reference, (), "outside")  # a value that was passed in, or worked out

    def _resolve_imported(self, reference: SymbolReference) -> ResolvedReference:
        for item in self._index.files[reference.path].imports:
            if item.line == reference.line and item.name == reference.name:
                targets = self._index.resolve(f"{self._index.resolve_module_name(item)}.{item.name}")
                return ResolvedReference(reference, targets, "import" if targets else "outside")
        return ResolvedReference(reference, (), "outside")

    def _resolve_bound_import(self, path: str, name: str) -> tuple[Symbol, ...] | None:
        """Find what an import binds `name` to: empty for modules and other packages; None if no import binds it."""
        dotted = self._find_imported_name(path, name)
        if dotted:
            return self._index.resolve(dotted)
        for item in self._index.files[path].imports:
            if item.name == "*" and (found := self._index.resolve(f"{self._index.resolve_module_name(item)}.{name}")):
                return found
        return None

    def _find_imported_name(self, path: str, name: str) -> str:
        """Find the absolute dotted name that an import binds `name` to; empty if none does."""
        for item in self._index.files[path].imports:
            if item.alias == name:
                module = self._index.resolve_module_name(item)
                if item.name:
                    return f"{module}.{item.name}"
                return module if "." not in item.module or item.alias != item.module.partition(".")[0] else name
        return ""

    # --- Python: attributes

    def _resolve_attribute(self, reference: SymbolReference, receiver: str) -> ResolvedReference:
        """Resolve an attribute of `receiver`: a dotted name, `super()`, or empty for any other expression."""
        if receiver in {"self", "cls", "super()"}:
            owner = self._find_enclosing_class(reference)
            if owner is not None:
                return self._resolve_in_class(reference, owner, above=receiver == "super()")
        elif receiver:
            if owners := self._infer_class(reference, receiver):
                return self._resolve_in_class(reference, owners)
            targets = self._resolve_receiver(reference, receiver)
            if targets is not None:
                return ResolvedReference(reference, targets, "import" if targets else "outside")
        return self._guess_by_name(reference)

    def _resolve_in_class(self, reference: SymbolReference, owner: Symbol, *, above: bool = False) -> ResolvedReference:
        owners = [base for base in self._walk_lineage(owner) if not (above and base == owner)]
        for one in owners:
            if found := self._find_own_member(one, reference.name):
                return ResolvedReference(
                    reference, (found,), "class" if self._find_enclosing_class(reference) == owner else "value"
                )
        return self._guess_by_name(reference)

    def _resolve_receiver(self, reference: SymbolReference, receiver: str) -> tuple[Symbol, ...] | None:
        """Find what `module.name` and `Class.name` mean; None if the receiver is neither a module nor a class."""
        first, _, rest = receiver.partition(".")
        if self._is_local(reference, first):
            return None
        dotted = self._find_imported_name(reference.path, first)
        owners = self._resolve_name_at(reference.path, reference.inside, receiver)
        for owner in owners:
            if owner.is_type and (found := self.find_member(owner, reference.name)):
                return (found,)
        if not dotted:
            return None
        full = ".".join(filter(None, (dotted, rest, reference.name)))
        if found_symbols := self._index.resolve(full):
            return found_symbols
        # A module of this repository that does not define the name tells nothing; another tells that it is not ours.
        ours = any(self._index.find_module_files(full[: len(full) - len(tail)]) for tail in _list_tails(full))
        return None if ours or owners else ()

    def _infer_class(self, reference: SymbolReference, receiver: str) -> Symbol | None:
        """Infer the class of a local variable, where all its bindings are calls of that class, or annotations."""
        scope = self._index.get_symbol(reference.path, reference.inside) if reference.inside else None
        flow = self._get_flow(scope) if scope and scope.is_function and "." not in receiver else None
        if flow is None or receiver not in flow.locals:
            return None
        values = {binding.value for binding in flow.bindings if binding.name == receiver}
        name = values.pop() if len(values) == 1 else ""
        owners = self._resolve_name_at(reference.path, reference.inside, name) if name else ()
        return owners[0] if len(owners) == 1 and owners[0].is_type else None

    def _is_local(self, reference: SymbolReference, name: str) -> bool:
        scope = self._index.get_symbol(reference.path, reference.inside) if reference.inside else None
        flow = self._get_flow(scope) if scope and scope.is_function else None
        return flow is not None and name in flow.locals

    # --- classes

    def _find_enclosing_class(self, reference: SymbolReference) -> Symbol | None:
        scope = self._index.get_symbol(reference.path, reference.inside) if reference.inside else None
        while scope is not None and not scope.is_type:
            scope = self._index.get_symbol(reference.path, scope.parent) if scope.parent else None
        return scope

    def _walk_lineage(self, symbol: Symbol) -> Iterator[Symbol]:
        """Yield a class and its bases, depth first as written: the method resolution order but for diamonds."""
        seen: dict[Symbol, None] = {}
        waiting = [symbol]
        while waiting and len(seen) < _MAX_BASES:
            one = waiting.pop(0)
            if one not in seen:
                seen[one] = None
                yield one
                waiting = [*self.find_bases(one), *waiting]

    def _find_own_member(self, owner: Symbol, name: str) -> Symbol | None:
        return self._index.get_symbol(owner.path, f"{owner.qualified}.{name}")

    def _resolve_name_at(self, path: str, inside: str, dotted: str) -> tuple[Symbol, ...]:
        """Find the symbols that a dotted name means inside of the symbol `inside` of a file."""
        first, _, rest = dotted.partition(".")
        while True:
            if found := self._index.get_symbol(path, ".".join(filter(None, (inside, dotted)))):
                return (found,)
            if not inside:
                break
            inside = inside.rpartition(".")[0]
        absolute = self._find_imported_name(path, first)
        if absolute:
            return self._index.resolve(".".join(filter(None, (absolute, rest))))
        starred = (item for item in self._index.files[path].imports if item.name == "*")
        found_symbols = (self._index.resolve(f"{self._index.resolve_module_name(item)}.{dotted}") for item in starred)
        return next(filter(None, found_symbols), ())

    # --- other languages, and what nothing else tells

    def _resolve_by_file(self, reference: SymbolReference) -> ResolvedReference:
        """Resolve in other languages than Python: to what the file defines, what it imports, else by the name."""
        facts = self._index.files[reference.path]
        own = tuple(symbol for symbol in facts.symbols if symbol.name == reference.name)
        if len({symbol.qualified for symbol in own}) == 1:
            return ResolvedReference(reference, own[:1], "scope")
        for item in facts.imports:
            if item.alias == reference.name and item.name:
                wanted = {item.name, reference.name} - {"default", "*"}
                paths = self._index.resolve_import(item)
                found = tuple(s for path in paths for s in self._index.files[path].symbols if s.name in wanted)
                if len({symbol.qualified for symbol in found}) == 1:
                    return ResolvedReference(reference, found, "import")
        return self._guess_by_name(reference)

    def _guess_by_name(self, reference: SymbolReference) -> ResolvedReference:
        """Resolve by the name alone; definitions in tests are candidates only for uses in tests."""
        found = [symbol for symbol in self._find_symbols(reference.name) if symbol.name == reference.name]
        found = [symbol for symbol in found if symbol.kind != "variable"] or found
        inner = [symbol for symbol in found if is_non_source(reference.path) or not is_non_source(symbol.path)]
        if len(inner) == 1:
            return ResolvedReference(reference, tuple(inner), "unique")
        return ResolvedReference(reference, tuple(inner[:_MAX_GUESSES]), "name" if inner else "outside")

    # --- the text around

    def _read_receiver(self, reference: SymbolReference) -> str | None:
        """Read what stands before the dot; None if there is no dot, empty if it is no dotted name."""
        lines = self._get_lines(reference.path)
        before = lines[reference.line - 1][: reference.column] if reference.line <= len(lines) else ""
        if not before.rstrip().endswith("."):
            return None
        match = _RECEIVER.search(before)
        if not match:
            return ""
        return "super()" if match[1].startswith("super") and match[1].endswith(")") else match[1]

    def _read_lines(self, path: str) -> list[str]:
        return split_lines(self._index.read_source(path))

    def _find_top_variable(self, path: str, name: str) -> Symbol | None:
        return next((v for v in self._index.files[path].variables if v.qualified == name), None)

    def _read_flow(self, symbol: Symbol) -> Flow | None:
        return analyse_function(self._index.read_lines(symbol.path, symbol.start, symbol.end), symbol.start)


_RECEIVER = re.compile(r"(?<![\w.)\]}'\"])(super\([^()]{0,80}\)|[^\W\d]\w*(?:\.[^\W\d]\w*){0,10})\s*\.\s*$")


def _list_tails(dotted: str) -> Iterator[str]:
    """Yield the endings of a dotted name, with their dots, shortest first, without the whole name."""
    place = dotted.rfind(".")
    while place > 0:
        yield dotted[place:]
        place = dotted.rfind(".", 0, place)
