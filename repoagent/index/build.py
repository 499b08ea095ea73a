"""The index of one repository: built from git-listed files, cached by content, asked by name, place or import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

from repoagent.errors import UserError
from repoagent.index.facts import APART_FROM, Facts, Progress
from repoagent.index.listing import Listed, list_files, look_at
from repoagent.index.model import FileFacts, Import, Reference, Symbol
from repoagent.index.modules import Modules
from repoagent.index.pool import Pool
from repoagent.index.reading.read import text_of
from repoagent.index.reading.skipping import SIZE_LIMIT
from repoagent.index.reading.text import is_binary, split_lines
from repoagent.index.store import Store

RESOLVE_LIMIT = 200
"""Dotted names that are tried, at most, to follow one name through re-exports."""

SOURCES = 3_000
"""Texts of files that are kept in memory, at most."""

_BYTES_PER_FILE = 80
"""Bytes of git's own list of files for each file, about."""

_FOLDED = 50
"""Names that are tried, at most, when upper and lower case are not told apart."""


class Index:
    """What is defined and used where in the repository at `root`, as it was when it was opened.

    Not to be used by two threads at once.
    """

    def __init__(self, root: Path, listed: tuple[Listed, ...], store: Store, files: Facts, modules: Modules) -> None:
        self.root = root
        self.listed = listed
        """Every file of the repository, of any kind and size."""
        self.files = files
        """The facts of each file in a language the index reads, by path, in the order of the paths."""
        self.store = store
        self._modules = modules
        self._sources: dict[str, str] = {}
        self._resolved: dict[str, tuple[Symbol, ...]] = {}
        self._qualified: dict[str, dict[str, Symbol]] = {}

    @classmethod
    def open(cls, root: Path, cache: Path | None = None) -> Index:
        """Open the git work tree at `root` without reading more than the SQLite file `cache` holds (None for no cache).

        Questions are then answered from what is known and by scanning. Raises UserError where `root` is no git work
        tree.
        """
        root = root.resolve()
        return cls._opened(root, Store(cache), None)

    @classmethod
    def build(
        cls, root: Path, cache: Path | None = None, progress: Progress | None = None, layers: Sequence[str] = ()
    ) -> Index:
        """Open the git work tree at `root` and read the facts of every file, reporting `progress`.

        Of a large tree that is new, the `layers` (kinds of `layers.LAYERS`) are worked out in the same go. Raises
        UserError where `root` is no git work tree.
        """
        root = root.resolve()
        store = Store(cache)
        pool = None
        if store.file and store.tree(str(root)) is None and _is_large(root):
            pool = Pool(root, store.file, layers)  # processes take as long to start as git to list the files
        try:
            index = cls._opened(root, store, pool)
            index.files.complete(progress)
        finally:
            if pool:
                pool.close()
        return index

    @classmethod
    def of(cls, root: Path, listed: tuple[Listed, ...], store: Store | None = None) -> Index:
        """Make an index of just the files in `listed`, whatever git says of them."""
        return cls._of(root, listed, store or Store(None), None)

    @classmethod
    def _opened(cls, root: Path, store: Store, pool: Pool | None) -> Index:
        return cls._of(root, list_files(root), store, pool)

    @classmethod
    def _of(cls, root: Path, listed: tuple[Listed, ...], store: Store, pool: Pool | None) -> Index:
        files = Facts(root, listed, store, pool=pool)
        return cls(root, listed, store, files, Modules(files))

    def updated(self, paths: Iterable[str] | None = None) -> Index:
        """Make the index of the tree after an edit; only what changed is read again.

        `paths` are the files that may have changed, been added or removed; None looks at all of them.
        """
        if paths is None:
            listed = list_files(self.root)
        else:
            asked = set(paths)
            kept = (item for item in self.listed if item.path not in asked)
            listed = tuple(sorted((*kept, *look_at(self.root, asked))))
        files = Facts(self.root, listed, self.store, before=self.files)
        return Index(
            self.root, listed, self.store, files, self._modules if [*files] == [*self.files] else Modules(files)
        )

    # --- files

    def file(self, path: str) -> FileFacts | None:
        """Read the symbols and imports of `path`; None where it is not indexed."""
        return self.files.get(path)

    def source(self, path: str) -> str:
        """Read the text of a listed file, in which the ranges of symbols count; raises UserError for any other path."""
        if path not in self._sources:
            if path not in self._sizes:
                raise UserError(f"`{path}` is no file of this repository; paths are relative to `{self.root}`.")
            try:
                text = text_of(path, (self.root / path).read_bytes())
            except OSError as error:
                raise UserError(
                    f"`{path}` cannot be read any more ({error.strerror}); build the index again."
                ) from error
            if len(self._sources) >= SOURCES:
                del self._sources[next(iter(self._sources))]
            self._sources[path] = text
        return self._sources[path]

    def slice(self, path: str, start: int, end: int) -> str:
        """Read lines `start` to `end` of `path`, from 1, both included, with their line ends."""
        return "".join(split_lines(self.source(path))[start - 1 : end])

    def text(self, symbol: Symbol) -> str:
        """Read the text that defines `symbol`, from its first character to its last."""
        lines = split_lines(self.source(symbol.path))[symbol.start - 1 : symbol.end]
        if not lines:
            return ""
        lines[-1] = lines[-1][: symbol.end_column]
        lines[0] = lines[0][symbol.column :]
        return "".join(lines)

    def is_text(self, path: str) -> bool:
        """Whether `path` is a file that can be shown and searched: text, and no larger than SIZE_LIMIT."""
        if self._sizes.get(path, SIZE_LIMIT + 1) > SIZE_LIMIT:
            return False
        try:
            with (self.root / path).open("rb") as file:
                return not is_binary(file.read(8000))
        except OSError:
            return False

    # --- symbols

    def symbols(self) -> tuple[Symbol, ...]:
        """List all symbols by path and line; variables are left out. Reads all files."""
        return self._symbols

    def find(self, name: str) -> tuple[Symbol, ...]:
        """Find the symbols called `name` (`method` or `Class.method`); if there are none, ignore upper and lower case.

        Variables come last.
        """
        return self._named(name) or self._folded(name)

    def symbol(self, path: str, qualified: str) -> Symbol | None:
        """Return the symbol `qualified` in `path`; of several (overloads, a property's setter) the longest."""
        if path not in self._qualified:
            facts = self.file(path)
            ordered = sorted(facts.symbols if facts else (), key=lambda symbol: symbol.end - symbol.start)
            self._qualified[path] = {symbol.qualified: symbol for symbol in ordered}
        return self._qualified[path].get(qualified)

    def enclosing(self, path: str, line: int) -> Symbol | None:
        """Find the innermost symbol that `line` is part of; None at the top of the file."""
        facts = self.file(path)
        around = [symbol for symbol in facts.symbols if symbol.start <= line <= symbol.end] if facts else []
        return around[-1] if around else None

    def resolve(self, dotted: str) -> tuple[Symbol, ...]:
        """Find the symbols that `package.module.Class.method` means, also through re-exports; none for a module."""
        if dotted not in self._resolved:
            self._resolved[dotted] = tuple(dict.fromkeys(self._resolve(dotted, set())))
        return self._resolved[dotted]

    def prefixed(self, prefix: str, limit: int = 100) -> tuple[Symbol, ...]:
        """Find the symbols whose name starts with `prefix`, sorted by name. Reads all files."""
        names = sorted(name for name in self.files.defined if name.startswith(prefix))
        return tuple(islice((symbol for name in names for symbol in self._named(name)), limit))

    def nearest(self, name: str, limit: int = 5) -> tuple[str, ...]:
        """Suggest the defined names that are most like `name`, best first. Reads all files."""
        from repoagent.index.likeness import most_like

        return most_like(name.rpartition(".")[2], self.files.defined, limit)

    # --- uses

    def references(self, name: str) -> tuple[Reference, ...]:
        """Find every use of `name`, by path and line; only the part behind the last dot is compared."""
        name = name.rpartition(".")[2]
        return tuple(use for path in self.files.using(name) for use in self.files.references(path, name))

    def references_in(self, path: str) -> tuple[Reference, ...]:
        """List the calls, attributes, types and imports in one file."""
        return self.files.references(path) if path in self.files else ()

    def calls_in(self, path: str, start: int, end: int) -> tuple[Reference, ...]:
        """List the calls in lines `start` to `end` of one file."""
        if path not in self.files:
            return ()
        found = self.files.references(path, lines=range(start, end + 1))
        return tuple(reference for reference in found if reference.kind == "call")

    def importers(self, path: str) -> frozenset[str]:
        """Find the files that import the module `path`."""
        found = self._importers.get(path)
        if found is None:
            names = self._modules.mentions(path)
            asking = sorted({user for name in names for user in self.files.using(name)} - {path})
            self.files.load(asking)
            found = self._importers[path] = frozenset(user for user in asking if path in self._imported(user))
        return found

    def users(self, name: str) -> frozenset[str]:
        """Find the files that use `name`, import it, or define it."""
        return frozenset(self.files.using(name))

    def absolute(self, item: Import) -> str:
        """Resolve the module that a Python import takes from to its absolute dotted name."""
        return self._modules.absolute(item)

    def targets(self, item: Import) -> tuple[str, ...]:
        """Find the files of the repository that an import reads; empty for other packages."""
        return self._modules.targets(item)

    def module_name(self, path: str) -> str:
        """Derive the dotted name that `path` is imported under."""
        return self._modules.name(path)

    def module_files(self, dotted: str) -> tuple[str, ...]:
        """Find the files that the module `dotted` may mean; empty where it is not of this repository."""
        return self._modules.files(dotted)

    # --- worked out when first asked

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return {item.path: item.size for item in self.listed}

    @cached_property
    def _symbols(self) -> tuple[Symbol, ...]:
        self.files.load(self.files)
        return tuple(symbol for facts in self.files.values() for symbol in facts.symbols)

    @cached_property
    def _importers(self) -> dict[str, frozenset[str]]:
        return {}

    @cached_property
    def _by_fold(self) -> dict[str, list[str]]:
        folded: dict[str, list[str]] = {}
        for name in self.files.defined:
            folded.setdefault(name.casefold(), []).append(name)
        return folded

    def _named(self, name: str) -> tuple[Symbol, ...]:
        paths = self.files.defining(name.rpartition(".")[2])
        self.files.load(paths)
        facts = [self.files[path] for path in paths]
        symbols = [s for file in facts for s in file.symbols if name in {s.name, s.qualified}]
        return (*symbols, *(s for file in facts for s in file.variables if name in {s.name, s.qualified}))

    def _folded(self, name: str) -> tuple[Symbol, ...]:
        known = self._by_fold.get(name.rpartition(".")[2].casefold(), ())
        found = dict.fromkeys(symbol for other in known[:_FOLDED] for symbol in self._named(other))
        folded = name.casefold()
        return tuple(s for s in found if folded in {s.name.casefold(), s.qualified.casefold()})

    def _imported(self, path: str) -> Iterator[str]:
        for item in self.files[path].imports:
            yield from self._modules.targets(item)

    def _resolve(self, dotted: str, seen: set[str]) -> Iterator[Symbol]:
        """Yield what `dotted` means; `seen` holds names already tried, as packages import each other with a star."""
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
        """Yield what the name `rest` means in `path` by its imports."""
        first, _, others = rest.partition(".")
        items = self.files[path].imports
        # What is named is tried before stars, each of which may lead through half of the repository.
        for item in (*(i for i in items if i.alias == first and i.name), *(i for i in items if i.name == "*")):
            name = first if item.name == "*" else item.name
            yield from self._resolve(".".join(filter(None, [self._modules.absolute(item), name, others])), seen)


def _is_large(root: Path) -> bool:
    """Whether the repository has so many files that reading them all takes processes."""
    try:
        return (root / ".git" / "index").stat().st_size > APART_FROM * _BYTES_PER_FILE
    except OSError:
        return False
