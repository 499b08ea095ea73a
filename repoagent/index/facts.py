"""The facts of all files of a tree: stored ones first, and of the others only what a question needs.

There are two tiers, so that nobody waits. Where facts are not known yet, a question is answered by scanning: the bytes
of the files tell which of them can matter at all, and only these are parsed. `read_pending` reads all other files, in
worker processes; from then on a question costs only the files it is about.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from repoagent.index.listing import ListedFile
from repoagent.index.model import FileFacts, SymbolReference
from repoagent.index.pool import ReaderPool
from repoagent.index.reading.codec import EnclosingSymbols, EncodedFacts, decode_head, decode_references, encode_facts
from repoagent.index.reading.extract import find_value_uses, load_value_query
from repoagent.index.reading.languages import detect_language
from repoagent.index.reading.read import compute_key, decode_text, read_file
from repoagent.index.reading.skipping import explain_skip_by_path
from repoagent.index.store import FactStore

MIN_FILES_FOR_WORKERS = 300
"""Number of files to read from which it pays to start worker processes."""

SETTLED_NANOSECONDS = 100_000_000
"""Nanoseconds since a file's last change before its time stamp is trusted: file systems' clocks are coarse."""

HARMLESS_BYTES = 4_000
"""Bytes of a file that any parser reads in no time. Larger files in other languages than Python are read in a process
that can be stopped: `<T<T<T…` keeps the grammar for C# busy for minutes, while Python's ends on any nonsense."""

ReadProgress = Callable[[int, int], None]
"""Called with the number of files read so far, and the number of files to read."""

_NOTHING: Final = ("", "")


class TreeFacts(Mapping[str, FileFacts]):
    """The facts of every file in a language the index reads, by path, in the order of the paths; without references."""

    def __init__(
        self,
        root: Path,
        listed: Iterable[ListedFile],
        store: FactStore,
        *,
        pool: ReaderPool | None = None,
        before: TreeFacts | None = None,
    ) -> None:
        """Take facts over from `before`, those of the same tree at an earlier time, for files that did not change."""
        self._root = root
        self._store = store
        self._pool = pool
        self._opened = time.time_ns()
        self._listed = {item.path: item for item in listed if detect_language(item.path)}
        self._pending = dict.fromkeys(self._listed)
        self._keys: dict[str, bytes] = {}
        """By path; empty where the content cannot be read."""
        self._names: dict[str, tuple[str, str]] = {}
        self._heads: dict[str, FileFacts] = {}
        self._unstored: dict[bytes, EncodedFacts] = {}
        """By key: facts that the store could not keep."""
        if before:
            self._take_over(before)
        self._skip_by_path()
        if self._pending:
            self._recall()

    # --- files

    def __getitem__(self, path: str) -> FileFacts:
        if path not in self._listed:
            raise KeyError(path)
        self.load([path])
        return self._heads[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)

    @property
    def pending(self) -> tuple[str, ...]:
        """The files whose facts are not known yet."""
        return tuple(self._pending)

    def look_up(self) -> None:
        """Look up the content of all pending files in the store; nothing is parsed."""
        self._identify(list(self._pending))

    def load_known(self) -> dict[str, FileFacts]:
        """Load the facts of all files that were read, now or earlier."""
        paths = [path for path in self._listed if path not in self._pending]
        self.load(paths)
        return {path: self._heads[path] for path in paths}

    def find_keys(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return the store's key of each file: its content, and how it is read. Unreadable files are left out."""
        wanted = [path for path in paths if path in self._listed]
        self._ensure_known(wanted)
        return {path: self._keys[path] for path in wanted if self._keys.get(path)}

    def load(self, paths: Iterable[str]) -> None:
        """Load the facts of `paths` in one go, which is faster than one by one."""
        wanted = [path for path in paths if path in self._listed and path not in self._heads]
        if wanted:
            self._ensure_known(wanted)
            self._load_heads(wanted)

    def read_pending(self, progress: ReadProgress | None = None) -> None:
        """Read all files whose facts are not known yet."""
        if self._pending:
            started = time.time_ns()
            self._ensure_known(list(self._pending), progress)
            self._remember(started)

    # --- names

    def find_definers(self, name: str) -> list[str]:
        """Find the files that define something called `name`."""
        if not self._pending:
            return self.definers_by_name.get(name, [])
        self._ensure_known(self._scan(name, _compile_definition(name)))
        return [path for path, (defines, _) in self._names.items() if f"\n{name}\n" in defines]

    def find_users(self, name: str) -> list[str]:
        """Find the files that use `name`, import it, or define it."""
        if self._pending:
            self._ensure_known(self._scan(name, _compile_word(name)))
        needle = f"\n{name}\n"
        return [path for path in self._listed if any(needle in names for names in self._names.get(path, _NOTHING))]

    @cached_property
    def definers_by_name(self) -> dict[str, list[str]]:
        """The files that define each name. Reads all files."""
        self.read_pending()
        found: dict[str, list[str]] = {}
        for path in self._listed:
            for name in self._names[path][0].split("\n")[1:-1]:
                found.setdefault(name, []).append(path)
        return found

    def list_used_names(self, path: str) -> tuple[str, ...]:
        """List the names that `path` uses or imports."""
        self._ensure_known([path])
        return tuple(self._names[path][1].split("\n")[1:-1])

    # --- references

    def find_references(self, path: str, name: str = "", lines: range | None = None) -> tuple[SymbolReference, ...]:
        """Find the calls, attributes, types and imports in `path`; with a `name` those of it, and where it is a value.

        With `lines`, only those in that range of lines.
        """
        facts = self[path]
        data = self._load_references(path)
        found = decode_references(facts, data, name, lines) if data else ()
        if not name:
            return found
        return tuple(sorted((*found, *self._find_value_uses(facts, name)), key=lambda use: (use.line, use.column)))

    def _load_references(self, path: str) -> bytes:
        key = self._keys.get(path, b"")
        if key in self._unstored:
            return self._unstored[key].references
        data = self._store.read_references(key) if key else b""
        if data is None:  # another process has pruned it
            return next((encoded.references for encoded in self._read_here([path]).values()), b"")
        return data

    def _find_value_uses(self, facts: FileFacts, name: str) -> Iterator[SymbolReference]:
        """Yield the places where a name that the file defines or imports is passed around as a value."""
        language = detect_language(facts.path)
        symbols = (*facts.symbols, *facts.variables)
        known = any(s.name == name for s in symbols) or any(item.alias in {name, "*"} for item in facts.imports)
        if not known or language is None or load_value_query(language) is None:
            return
        inside = EnclosingSymbols(facts.symbols)
        source = decode_text(facts.path, self._read_content(facts.path) or b"").encode("utf-8", "replace")
        for line, column in find_value_uses(language, source, name):
            around = inside.find_at(line, column)
            yield SymbolReference(facts.path, line, name, "name", around.qualified if around else "", column)

    # --- having facts

    def _ensure_known(self, paths: Sequence[str], progress: ReadProgress | None = None) -> None:
        """Make the names of `paths` known: from the store by their content, else by reading the files."""
        missing = [path for path in paths if path in self._pending]
        if len(missing) >= MIN_FILES_FOR_WORKERS:
            self._read_in_workers(missing, progress)
            missing = [path for path in missing if path in self._pending]
        self._identify(missing)
        if risky := [path for path in missing if path in self._pending and self._is_risky(path)]:
            self._read_in_workers(risky, progress)
        self._store_rows(self._read_here([path for path in missing if path in self._pending]))

    def _is_risky(self, path: str) -> bool:
        """Whether a parser may hang on the file: a parser can only be stopped together with its process."""
        return not path.endswith((".py", ".pyi", ".ipynb")) and self._listed[path].size > HARMLESS_BYTES

    def _identify(self, paths: Sequence[str]) -> None:
        """Compute the keys of files from their content, and take what the store knows of them."""
        for path in paths:
            content = self._read_content(path)
            self._keys[path] = b"" if content is None else compute_key(path, content)
        self._take_from_store(paths)

    def _take_from_store(self, paths: Sequence[str]) -> None:
        """Take the names that the store has for the keys of `paths`."""
        kept = self._store.read_names({self._keys[path] for path in paths if self._keys.get(path)})
        for path in paths:
            names = kept.get(self._keys.get(path, b""))
            if names is not None:
                self._names[path] = names
                self._pending.pop(path, None)

    def _read_here(self, paths: Iterable[str]) -> dict[bytes, EncodedFacts]:
        rows: dict[bytes, EncodedFacts] = {}
        for path in paths:
            content = self._read_content(path)
            if content is None:
                self._mark_skipped(path, "unreadable")
                continue
            key = self._keys[path] = compute_key(path, content)
            encoded = rows[key] = rows.get(key) or encode_facts(read_file(path, content))
            self._names[path] = (encoded.defines, encoded.uses)
            self._heads[path] = decode_head(path, encoded.head)
            self._pending.pop(path, None)
        return rows

    def _store_rows(self, rows: dict[bytes, EncodedFacts]) -> None:
        if rows and not self._store.write_facts(rows):
            self._unstored |= rows

    def _read_in_workers(self, paths: Sequence[str], progress: ReadProgress | None) -> None:
        """Read many files in worker processes, into the store or, where it cannot be written, into a temporary one."""
        if self._store.file and self._store.is_usable():
            self._read_into(self._store.file, paths, progress)
            self._take_from_store(paths)
            return
        with tempfile.TemporaryDirectory(prefix="repoagent-index-") as folder:
            store = FactStore(Path(folder) / "index.sqlite")
            if store.file and store.is_usable():
                self._read_into(store.file, paths, progress)
                self._unstored |= store.read_all()
            store.close()
        for path in paths:
            if encoded := self._unstored.get(self._keys.get(path, b"")):
                self._names[path] = (encoded.defines, encoded.uses)
                self._pending.pop(path, None)

    def _read_into(self, store: Path, paths: Sequence[str], progress: ReadProgress | None) -> None:
        report = (lambda done: progress(done, len(paths))) if progress else None
        pool, self._pool = self._pool or ReaderPool(self._root, store), None
        largest_first = sorted(paths, key=lambda path: -self._listed[path].size)  # so that all end at the same time
        for path, key in pool.read(largest_first, report).items():
            self._keys[path] = key
            if not key:
                self._mark_skipped(path, "unreadable" if self._read_content(path) is None else "the parser gave up")

    def _load_heads(self, paths: Sequence[str]) -> None:
        """Decode symbols and imports of files whose names are known."""
        missing = [path for path in paths if path not in self._heads]
        heads = self._store.read_heads({key for path in missing if (key := self._keys[path]) not in self._unstored})
        for path in missing:
            key = self._keys[path]
            head = self._unstored[key].head if key in self._unstored else heads.get(key)
            try:
                self._heads[path] = decode_head(path, head or "")
            except ValueError:  # another process has pruned it, or the file on disk is damaged
                self._store_rows(self._read_here([path]))

    # --- what is known without reading

    def _take_over(self, before: TreeFacts) -> None:
        for path, item in self._listed.items():
            if path not in before._pending and before._listed.get(path) == item:
                if item.changed >= before._opened - SETTLED_NANOSECONDS:  # it may have changed since without a trace
                    continue
                self._keys[path] = before._keys[path]
                self._names[path] = before._names[path]
                if path in before._heads:
                    self._heads[path] = before._heads[path]
                del self._pending[path]
        self._unstored = before._unstored

    def _skip_by_path(self) -> None:
        for path in list(self._pending):
            item = self._listed[path]
            if reason := explain_skip_by_path(path, item.size):
                self._mark_skipped(path, reason)

    def _mark_skipped(self, path: str, reason: str) -> None:
        """Note that a file is not read, and why; this is never stored, as it depends on more than the content."""
        self._keys[path] = b""
        self._heads[path] = FileFacts(path, skipped=reason)
        self._names[path] = _NOTHING
        self._pending.pop(path, None)

    def _recall(self) -> None:
        """Take from the store the facts of files that have not changed since the stored listing of the tree."""
        for path, size, modified, changed, inode, key in _parse_rows(self._store.read_tree(str(self._root))):
            item = self._listed.get(path)
            same = item and (item.size, item.modified, item.changed, item.inode) == (size, modified, changed, inode)
            if same and path in self._pending:
                self._keys[path] = bytes.fromhex(key)
        self._take_from_store([path for path in self._pending if path in self._keys])

    def _remember(self, started: int) -> None:
        """Store which content each file has, but for files that were touched just now."""
        rows = [
            [item.path, item.size, item.modified, item.changed, item.inode, self._keys[item.path].hex()]
            for item in self._listed.values()
            if self._keys[item.path]
            and self._keys[item.path] not in self._unstored
            and item.changed < started - SETTLED_NANOSECONDS
        ]
        self._store.write_tree(str(self._root), json.dumps(rows).encode(), time.time())

    # --- scanning

    def _scan(self, name: str, pattern: re.Pattern[bytes]) -> list[str]:
        """Find the pending files whose bytes match; files in other languages than Python need only hold the name."""
        word = name.encode("utf-8", "replace")
        found = []
        for path in self._pending:
            content = self._read_content(path)
            if content and word in content and (not path.endswith(".py") or pattern.search(content)):
                found.append(path)
        return found

    def _read_content(self, path: str) -> bytes | None:
        try:
            with open(f"{self._root}/{path}", "rb") as file:  # noqa: PTH123 # thousands of them
                return file.read()
        except OSError:
            return None


def _compile_word(name: str) -> re.Pattern[bytes]:
    return re.compile(rb"(?<!\w)" + re.escape(name.encode("utf-8", "replace")) + rb"(?!\w)")


def _compile_definition(name: str) -> re.Pattern[bytes]:
    """Compile a pattern for where Python may define `name`: too wide rather than too narrow, as parsing decides."""
    word = re.escape(name.encode("utf-8", "replace"))
    return re.compile(
        rb"\b(?:def|class|type)[\s\\]+" + word + rb"(?!\w)|(?:^|[;:])[ \t]*" + word + rb"\s*[:=]", re.MULTILINE
    )


def _parse_rows(listing: bytes | None) -> list[tuple[str, int, int, int, int, str]]:
    try:
        return json.loads(listing) if listing else []
    except ValueError:
        return []
