"""The index of one repository: built from git-listed files, cached by content, asked by name, place or import."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from repoagent.errors import UserError
from repoagent.index import codec
from repoagent.index.languages import language_of
from repoagent.index.listing import Listed, list_files
from repoagent.index.model import FileFacts, Reference, Symbol
from repoagent.index.modules import Modules
from repoagent.index.store import Store
from repoagent.index.text import decode, is_binary, split_lines
from repoagent.index.worker import read_apart, read_here

SIZE_LIMIT = 1_000_000
"""Bytes; larger files are listed, and neither read nor searched."""

RESOLVE_LIMIT = 200
"""Names that are tried to follow one through re-exports."""

APART_FROM = 300
"""Files to read before it pays to start processes for them."""


class Index:
    """What is defined and used where in the repository at `root`, as it was when the index was built."""

    def __init__(self, root: Path, listed: tuple[Listed, ...], encoded: Mapping[str, str]) -> None:
        self.root = root
        self.listed = listed
        """Every file of the repository, of any kind and size."""
        self.files: Mapping[str, FileFacts] = Files(encoded, codec.decode)
        """The facts of each file in a language the index reads, by path, in the order of the paths."""
        self.definitions: Mapping[str, FileFacts] = Files(encoded, codec.decode_definitions)
        """The same without references: nine times faster for questions that need many files and no uses."""
        self._encoded = encoded
        self._modules = Modules(encoded)
        self._sources: dict[str, str] = {}

    @classmethod
    def build(cls, root: Path, cache: Path | None = None) -> Index:
        """Index the git work tree at `root`; facts are kept in the SQLite file `cache`, None keeps none.

        Raises UserError where `root` is no git work tree.
        """
        root = root.resolve()
        listed = list_files(root)
        return cls(root, listed, _read_all(root, listed, Store(cache)))

    # --- files

    def file(self, path: str) -> FileFacts | None:
        """The facts of `path`; None where it is not indexed."""
        return self.files.get(path)

    def source(self, path: str) -> str:
        """The text of a listed file, as the ranges count it; raises UserError for any other path."""
        if path not in self._sources:
            if path not in self._sizes:
                raise UserError(f"`{path}` is no file of this repository; paths are relative to `{self.root}`.")
            try:
                self._sources[path] = decode((self.root / path).read_bytes())
            except OSError as error:
                raise UserError(
                    f"`{path}` cannot be read any more ({error.strerror}); build the index again."
                ) from error
        return self._sources[path]

    def slice(self, path: str, start: int, end: int) -> str:
        """Lines `start` to `end` of `path`, with their ends."""
        return "".join(split_lines(self.source(path))[start - 1 : end])

    @cached_property
    def text_files(self) -> tuple[str, ...]:
        """The files that are text and no larger than SIZE_LIMIT: what can be shown and searched."""
        return tuple(item.path for item in self.listed if item.size <= SIZE_LIMIT and self._is_text(item.path))

    # --- symbols

    def symbols(self) -> tuple[Symbol, ...]:
        """All symbols, by path and line."""
        return self._symbols

    def find(self, name: str) -> tuple[Symbol, ...]:
        """The symbols called `name` (`method` or `Class.method`), else those so called but for upper and lower case."""
        return self._names.get(name) or self._folded.get(name.casefold(), ())

    def symbol(self, path: str, qualified: str) -> Symbol | None:
        """The symbol `qualified` in `path`; of several (overloads, a property's setter) the longest."""
        facts = self.definitions.get(path)
        found = [symbol for symbol in facts.symbols if symbol.qualified == qualified] if facts else []
        return max(found, key=lambda symbol: symbol.end - symbol.start, default=None)

    def enclosing(self, path: str, line: int) -> Symbol | None:
        """The innermost symbol around `line`; None at module level."""
        facts = self.definitions.get(path)
        around = [symbol for symbol in facts.symbols if symbol.start <= line <= symbol.end] if facts else []
        return around[-1] if around else None

    def resolve(self, dotted: str) -> tuple[Symbol, ...]:
        """The symbols that `package.module.Class.method` means, through re-exports too; empty for a module itself."""
        return tuple(dict.fromkeys(self._resolve(dotted, set())))

    # --- uses

    def references(self, name: str) -> tuple[Reference, ...]:
        """Every use of `name` (the part behind the last dot counts), by path and line; matched by name alone."""
        name = name.rpartition(".")[2]
        hits = [path for path, text in self._encoded.items() if codec.mentions(text, name)]
        return tuple(reference for path in hits for reference in self.files[path].references if reference.name == name)

    def importers(self, path: str) -> frozenset[str]:
        """The files that import the module `path`."""
        return frozenset(self._importers.get(path, ()))

    def module_name(self, path: str) -> str:
        """The dotted name `path` is imported under."""
        return self._modules.name(path)

    def module_files(self, dotted: str) -> tuple[str, ...]:
        """The files that the module `dotted` may mean; empty where it is not of this repository."""
        return self._modules.files(dotted)

    # --- worked out when first asked

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return {item.path: item.size for item in self.listed}

    @cached_property
    def _symbols(self) -> tuple[Symbol, ...]:
        return tuple(symbol for facts in self.definitions.values() for symbol in facts.symbols)

    @cached_property
    def _names(self) -> dict[str, tuple[Symbol, ...]]:
        names: dict[str, tuple[Symbol, ...]] = {}
        for symbol in self._symbols:
            for name in {symbol.name, symbol.qualified}:
                names[name] = (*names.get(name, ()), symbol)
        return names

    @cached_property
    def _folded(self) -> dict[str, tuple[Symbol, ...]]:
        folded: dict[str, tuple[Symbol, ...]] = {}
        for name, symbols in self._names.items():
            folded[name.casefold()] = folded.get(name.casefold(), ()) + symbols
        return folded

    @cached_property
    def _importers(self) -> dict[str, set[str]]:
        importers: dict[str, set[str]] = {}
        for path, facts in self.definitions.items():
            for item in facts.imports:
                for target in self._modules.targets(item):
                    if target != path:
                        importers.setdefault(target, set()).add(path)
        return importers

    def _resolve(self, dotted: str, seen: set[str]) -> Iterator[Symbol]:
        """`seen` holds what was tried: packages import each other, and themselves, with a star."""
        if dotted in seen or len(seen) > RESOLVE_LIMIT:
            return
        seen.add(dotted)
        for path, rest in self._modules.split(dotted):
            found = self.symbol(path, rest) if rest else None
            if found:
                yield found
                return
            if rest:
                yield from self._exported(path, rest, seen)

    def _exported(self, path: str, rest: str, seen: set[str]) -> Iterator[Symbol]:
        """What `rest` means in `path` by its imports."""
        first, _, others = rest.partition(".")
        for item in self.definitions[path].imports:
            if item.name and item.alias in {first, "*"}:
                name = first if item.name == "*" else item.name
                yield from self._resolve(".".join(filter(None, [self._modules.absolute(item), name, others])), seen)

    def _is_text(self, path: str) -> bool:
        try:
            with (self.root / path).open("rb") as file:
                return not is_binary(file.read(8000))
        except OSError:
            return False


class Files(Mapping[str, FileFacts]):
    """Facts by path, decoded when they are first asked for: most questions need those of a few files only."""

    def __init__(self, encoded: Mapping[str, str], decode: Callable[[str, str], FileFacts]) -> None:
        self._encoded = encoded
        self._decode = decode
        self._decoded: dict[str, FileFacts] = {}

    def __getitem__(self, path: str) -> FileFacts:
        if path not in self._decoded:
            self._decoded[path] = self._decode(path, self._encoded[path])
        return self._decoded[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._encoded)

    def __len__(self) -> int:
        return len(self._encoded)


def _read_all(root: Path, listed: tuple[Listed, ...], store: Store) -> dict[str, str]:
    """The encoded facts of every file in a known language, from the cache where it has them."""
    encoded = {item.path: _too_large(item) for item in listed if language_of(item.path)}
    keys = {path: key for path, facts in encoded.items() if not facts and (key := _key(root, path))}
    kept = store.read(set(keys.values()))
    encoded |= {path: kept[key] for path, key in keys.items() if key in kept}
    missing = [path for path, facts in encoded.items() if not facts]
    encoded |= (found := _read(root, missing))
    store.write({keys[path]: facts for path, facts in found.items() if path in keys})
    return encoded


def _too_large(item: Listed) -> str:
    if item.size <= SIZE_LIMIT:
        return ""
    return codec.encode(FileFacts(item.path, skipped=f"larger than {SIZE_LIMIT // 1_000_000} MB"))


def _key(root: Path, path: str) -> str:
    """Names the facts: what they depend on is the content, the language and its version."""
    language = language_of(path)
    try:
        content = (root / path).read_bytes()
    except OSError:
        return ""
    digest = hashlib.blake2b(content, digest_size=20).hexdigest()
    return f"{language.name}-{language.version}-{digest}" if language else ""


def _read(root: Path, paths: list[str]) -> dict[str, str]:
    if len(paths) >= APART_FROM:
        return dict(zip(paths, read_apart(root, paths), strict=True))
    return {path: read_here(root, path) for path in paths}
