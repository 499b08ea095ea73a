"""The index of one repository: built from git-listed files, cached by content, asked by name, place or import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

from repoagent.errors import UserError
from repoagent.index.facts import MIN_FILES_FOR_WORKERS, ReadProgress, TreeFacts
from repoagent.index.listing import ListedFile, describe_files, list_files
from repoagent.index.model import FileFacts, Import, Symbol, SymbolReference
from repoagent.index.modules import Modules
from repoagent.index.pool import ReaderPool
from repoagent.index.reading.read import decode_text
from repoagent.index.reading.skipping import SIZE_LIMIT
from repoagent.index.reading.text import is_binary, split_lines
from repoagent.index.store import FactStore

RESOLVE_LIMIT = 200
"""Dotted names that are tried, at most, to follow one name through re-exports."""

MAX_SOURCES = 3_000
"""Texts of files that are kept in memory, at most."""

_BYTES_PER_FILE = 80
"""Bytes of git's own list of files for each file, about."""

_MAX_FOLDED = 50
"""Names that are tried, at most, when upper and lower case are not told apart."""


class Index:
    """What is defined and used where in the repository at `root`, as it was when it was opened.

    Not to be used by two threads at once.
    """

    def __init__(
        self, root: Path, listed: tuple[ListedFile, ...], store: FactStore, files: TreeFacts, modules: Modules
    ) -> None:
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
        return cls._from_git(root, FactStore(cache), None)

    @classmethod
    def build(
        cls, root: Path, cache: Path | None = None, progress: ReadProgress | None = None, layers: Sequence[str] = ()
    ) -> Index:
        """Open the git work tree at `root` and read the facts of every file, reporting `progress`.

        Of a large tree that is new, the `layers` (kinds of `layers.LAYERS`) are worked out in the same go. Raises
        UserError where `root` is no git work tree.
        """
        root = root.resolve()
        store = FactStore(cache)
        pool = None
        if store.file and store.read_tree(str(root)) is None and _is_large(root):
            pool = ReaderPool(root, store.file, layers)  # processes take as long to start as git to list the files
        try:
            index = cls._from_git(root, store, pool)
            index.files.read_pending(progress)
        finally:
            if pool:
                pool.close()
        return index

    @classmethod
    def from_files(cls, root: Path, listed: tuple[ListedFile, ...], store: FactStore | None = None) -> Index:
        """Make an index of just the files in `listed`, whatever git says of them."""
        return cls._from_listing(root, listed, store or FactStore(None), None)

    @classmethod
    def _from_git(cls, root: Path, store: FactStore, pool: ReaderPool | None) -> Index:
        return cls._from_listing(root, list_files(root), store, pool)

    @classmethod
    def _from_listing(
        cls, root: Path, listed: tuple[ListedFile, ...], store: FactStore, pool: ReaderPool | None
    ) -> Index:
        files = TreeFacts(root, listed, store, pool=pool)
        return cls(root, listed, store, files, Modules(files))

    def refresh(self, paths: Iterable[str] | None = None) -> Index:
        """Make the index of the tree after an edit; only what changed is read again.

        `paths` are the files that may have changed, been added or removed; None looks at all of them.
        """
        if paths is None:
            listed = list_files(self.root)
        else:
            asked = set(paths)
            kept = (item for item in self.listed if item.path not in asked)
            listed = tuple(sorted((*kept, *describe_files(self.root, asked))))
        files = TreeFacts(self.root, listed, self.store, before=self.files)
        return Index(
            self.root, listed, self.store, files, self._modules if [*files] == [*self.files] else Modules(files)
        )

    # --- files

    def read_facts(self, path: str) -> FileFacts | None:
        """Read the symbols and imports of `path`; None where it is not indexed."""
        return self.files.get(path)

    def read_source(self, path: str) -> str:
        """Read the text of a listed file, in which the ranges of symbols count; raises UserError for any other path."""
        if path not in self._sources:
            if path not in self._sizes:
                raise UserError(f"`{path}` is no file of this repository; paths are relative to `{self.root}`.")
            try:
                text = decode_text(path, (self.root / path).read_bytes())
            except OSError as error:
                raise UserError(
                    f"`{path}` cannot be read any more ({error.strerror}); build the index again."
                ) from error
            if len(self._sources) >= MAX_SOURCES:
                del self._sources[next(iter(self._sources))]
            self._sources[path] = text
        return self._sources[path]

    def read_lines(self, path: str, start: int, end: int) -> str:
        """Read lines `start` to `end` of `path`, from 1, both included, with their line ends."""
        return "".join(split_lines(self.read_source(path))[start - 1 : end])

    def read_definition(self, symbol: Symbol) -> str:
        """Read the text that defines `symbol`, from its first character to its last."""
        lines = split_lines(self.read_source(symbol.path))[symbol.start - 1 : symbol.end]
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

    def list_symbols(self) -> tuple[Symbol, ...]:
        """List all symbols by path and line; variables are left out. Reads all files."""
        return self._symbols

    def find_symbols(self, name: str) -> tuple[Symbol, ...]:
        """Find the symbols called `name` (`method` or `Class.method`); if there are none, ignore upper and lower case.

        Variables come last.
        """
        return self._find_exact(name) or self._find_ignoring_case(name)

    def get_symbol(self, path: str, qualified: str) -> Symbol | None:
        """Return the symbol `qualified` in `path`; of several (overloads, a property's setter) the longest."""
        if path not in self._qualified:
            facts = self.read_facts(path)
            ordered = sorted(facts.symbols if facts else (), key=lambda symbol: symbol.end - symbol.start)
            self._qualified[path] = {symbol.qualified: symbol for symbol in ordered}
        return self._qualified[path].get(qualified)

    def find_enclosing(self, path: str, line: int) -> Symbol | None:
        """Find the innermost symbol that `line` is part of; None at the top of the file."""
        facts = self.read_facts(path)
        around = [symbol for symbol in facts.symbols if symbol.start <= line <= symbol.end] if facts else []
        return around[-1] if around else None

    def resolve(self, dotted: str) -> tuple[Symbol, ...]:
        """Find the symbols that `package.module.Class.method` means, also through re-exports; none for a module."""
        if dotted not in self._resolved:
            self._resolved[dotted] = tuple(dict.fromkeys(self._resolve(dotted, set())))
        return self._resolved[dotted]

    def find_by_prefix(self, prefix: str, limit: int = 100) -> tuple[Symbol, ...]:
        """Find the symbols whose name starts with `prefix`, sorted by name. Reads all files."""
        names = sorted(name for name in self.files.definers_by_name if name.startswith(prefix))
        return tuple(islice((symbol for name in names for symbol in self._find_exact(name)), limit))

    def suggest_names(self, name: str, limit: int = 5) -> tuple[str, ...]:
        """Suggest the defined names that are most like `name`, best first. Reads all files."""
        from repoagent.index.likeness import rank_similar_names

        return rank_similar_names(name.rpartition(".")[2], self.files.definers_by_name, limit)

    # --- uses

    def find_references(self, name: str) -> tuple[SymbolReference, ...]:
        """Find every use of `name`, by path and line; only the part behind the last dot is compared."""
        name = name.rpartition(".")[2]
        return tuple(use for path in self.files.find_users(name) for use in self.files.find_references(path, name))

    def list_references(self, path: str) -> tuple[SymbolReference, ...]:
        """List the calls, attributes, types and imports in one file."""
        return self.files.find_references(path) if path in self.files else ()

    def list_calls(self, path: str, start: int, end: int) -> tuple[SymbolReference, ...]:
        """List the calls in lines `start` to `end` of one file."""
        if path not in self.files:
            return ()
        found = self.files.find_references(path, lines=range(start, end + 1))
        return tuple(reference for reference in found if reference.kind == "call")

    def find_importers(self, path: str) -> frozenset[str]:
        """Find the files that import the module `path`."""
        found = self._importers_by_path.get(path)
        if found is None:
            names = self._modules.list_mentions(path)
            asking = sorted({user for name in names for user in self.files.find_users(name)} - {path})
            self.files.load(asking)
            found = self._importers_by_path[path] = frozenset(
                user for user in asking if path in self._list_imported_files(user)
            )
        return found

    def find_users(self, name: str) -> frozenset[str]:
        """Find the files that use `name`, import it, or define it."""
        return frozenset(self.files.find_users(name))

    def resolve_module_name(self, item: Import) -> str:
        """Resolve the module that a Python import takes from to its absolute dotted name."""
        return self._modules.resolve_module_name(item)

    def resolve_import(self, item: Import) -> tuple[str, ...]:
        """Find the files of the repository that an import reads; empty for other packages."""
        return self._modules.resolve_import(item)

    def derive_module_name(self, path: str) -> str:
        """Derive the dotted name that `path` is imported under."""
        return self._modules.derive_module_name(path)

    def find_module_files(self, dotted: str) -> tuple[str, ...]:
        """Find the files that the module `dotted` may mean; empty where it is not of this repository."""
        return self._modules.find_module_files(dotted)

    # --- worked out when first asked

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return {item.path: item.size for item in self.listed}

    @cached_property
    def _symbols(self) -> tuple[Symbol, ...]:
        self.files.load(self.files)
        return tuple(symbol for facts in self.files.values() for symbol in facts.symbols)

    @cached_property
    def _importers_by_path(self) -> dict[str, frozenset[str]]:
        return {}

    @cached_property
    def _names_by_fold(self) -> dict[str, list[str]]:
        folded: dict[str, list[str]] = {}
        for name in self.files.definers_by_name:
            folded.setdefault(name.casefold(), []).append(name)
        return folded

    def _find_exact(self, name: str) -> tuple[Symbol, ...]:
        paths = self.files.find_definers(name.rpartition(".")[2])
        self.files.load(paths)
        facts = [self.files[path] for path in paths]
        symbols = [s for file in facts for s in file.symbols if name in {s.name, s.qualified}]
        return (*symbols, *(s for file in facts for s in file.variables if name in {s.name, s.qualified}))

    def _find_ignoring_case(self, name: str) -> tuple[Symbol, ...]:
        known = self._names_by_fold.get(name.rpartition(".")[2].casefold(), ())
        found = dict.fromkeys(symbol for other in known[:_MAX_FOLDED] for symbol in self._find_exact(other))
        folded = name.casefold()
        return tuple(s for s in found if folded in {s.name.casefold(), s.qualified.casefold()})

    def _list_imported_files(self, path: str) -> Iterator[str]:
        for item in self.files[path].imports:
            yield from self._modules.resolve_import(item)

    def _resolve(self, dotted: str, seen: set[str]) -> Iterator[Symbol]:
        """Yield what `dotted` means; `seen` holds names already tried, as packages import each other with a star."""
        if dotted in seen or len(seen) > RESOLVE_LIMIT:
            return
        seen.add(dotted)
        for path, rest in self._modules.split_dotted(dotted):
            found = self.get_symbol(path, rest) if rest else None
            if found:
                yield found
                return
            if rest:
                yield from self._resolve_exported(path, rest, seen)

    def _resolve_exported(self, path: str, rest: str, seen: set[str]) -> Iterator[Symbol]:
        """Yield what the name `rest` means in `path` by its imports."""
        first, _, others = rest.partition(".")
        items = self.files[path].imports
        # What is named is tried before stars, each of which may lead through half of the repository.
        for item in (*(i for i in items if i.alias == first and i.name), *(i for i in items if i.name == "*")):
            name = first if item.name == "*" else item.name
            yield from self._resolve(
                ".".join(filter(None, [self._modules.resolve_module_name(item), name, others])), seen
            )


def _is_large(root: Path) -> bool:
    """Whether the repository has so many files that reading them all takes processes."""
    try:
        return (root / ".git" / "index").stat().st_size > MIN_FILES_FOR_WORKERS * _BYTES_PER_FILE
    except OSError:
        return False
