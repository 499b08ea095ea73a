"""A cache of facts by content, in one SQLite file that several processes may use at once.

Where it cannot be opened, read or written, the facts are worked out again. A file that is broken or of another format
is emptied, and `FactStore.rebuild_reason` says why.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from repoagent.index.reading.codec import EncodedFacts
from repoagent.places import locate_cache_root

FORMAT = 2
"""Goes up when the tables change their meaning."""

MAX_KEPT_FILES = 200_000
"""Files whose facts are kept, at most; the oldest are forgotten."""

MAX_KEPT_TREES = 500
"""Work trees that are remembered, at most; those not used for longest are forgotten."""

_SUFFIXES: Final = ("", "-wal", "-shm")

_TABLES: Final = (
    "CREATE TABLE facts (key BLOB NOT NULL UNIQUE, defines TEXT, uses TEXT, head TEXT, refs BLOB)",
    "CREATE TABLE layers (kind TEXT NOT NULL, key BLOB NOT NULL, data BLOB, UNIQUE (kind, key))",
    "CREATE TABLE trees (root TEXT PRIMARY KEY, listing BLOB, used REAL)",
)


def locate_cache() -> Path:
    """Return the default path of the SQLite file."""
    return locate_cache_root() / "index.sqlite"


class FactStore:
    """Facts by key, the digest of the content that they are facts of. With None as `file` nothing is kept.

    It has one connection, which is opened when it is first needed, and is to be used by one thread at a time.
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.rebuild_reason = ""
        """Why the file was emptied; empty if it was not."""
        self._database: sqlite3.Connection | None = None
        self._tried = file is None

    # --- facts

    def read_names(self, keys: Iterable[bytes]) -> dict[bytes, tuple[str, str]]:
        """Read the names that the files of `keys` define and use; unknown keys are left out."""
        rows = self._select("SELECT key, defines, uses FROM facts WHERE key IN ({})", keys)
        return {key: (defines, uses) for key, defines, uses in rows}

    def has_facts(self, key: bytes) -> bool:
        """Whether the facts of `key` are stored."""
        return bool(self._select("SELECT key FROM facts WHERE key IN ({})", [key]))

    def read_heads(self, keys: Iterable[bytes]) -> dict[bytes, str]:
        """Read the encoded symbols and imports of some files; unknown keys are left out."""
        return dict(self._select("SELECT key, head FROM facts WHERE key IN ({})", keys))

    def read_references(self, key: bytes) -> bytes | None:
        """Read the encoded references of one file; None where they are not stored."""
        rows = self._select("SELECT refs FROM facts WHERE key IN ({})", [key])
        return rows[0][0] if rows else None

    def read_all(self) -> dict[bytes, EncodedFacts]:
        """Read the facts of all files."""
        found: dict[bytes, EncodedFacts] = {}
        with self._open_for_reading() as database:
            if database is not None:
                rows = database.execute("SELECT key, defines, uses, head, refs FROM facts")
                found.update({row[0]: EncodedFacts(*row[1:]) for row in rows})
        return found

    def write_facts(self, rows: Mapping[bytes, EncodedFacts]) -> bool:
        """Store `rows`, and forget the oldest beyond MAX_KEPT_FILES; return whether it worked."""
        values = [(key, row.defines, row.uses, row.head, row.references) for key, row in rows.items()]
        kept = not values
        with self._open_for_writing() as database:
            if database is not None and values:
                database.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?, ?, ?, ?)", values)
                database.execute(
                    "DELETE FROM facts WHERE rowid <= (SELECT max(rowid) FROM facts) - ?", (MAX_KEPT_FILES,)
                )
                kept = True
        return kept

    # --- what is worked out of facts

    def read_layer(self, kind: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Read the derived data of one `kind` for `keys`; unknown keys are left out."""
        return dict(self._select("SELECT key, data FROM layers WHERE kind = ? AND key IN ({})", keys, kind))

    def write_layer(self, kind: str, rows: Mapping[bytes, bytes]) -> None:
        """Store the derived data `rows` of one `kind`."""
        with self._open_for_writing() as database:
            if database is not None and rows:
                values = [(kind, key, data) for key, data in rows.items()]
                database.executemany("INSERT OR REPLACE INTO layers VALUES (?, ?, ?)", values)
                database.execute(
                    "DELETE FROM layers WHERE rowid <= (SELECT max(rowid) FROM layers) - ?", (2 * MAX_KEPT_FILES,)
                )

    # --- trees

    def read_tree(self, root: str) -> bytes | None:
        """Read the stored listing of the work tree at `root`; None where there is none."""
        found: list[bytes] = []
        with self._open_for_reading() as database:
            if database is not None:
                found += [row[0] for row in database.execute("SELECT listing FROM trees WHERE root = ?", (root,))]
        return found[0] if found else None

    def write_tree(self, root: str, listing: bytes, now: float) -> None:
        """Store the listing of a work tree, and forget the trees not used for longest."""
        with self._open_for_writing() as database:
            if database is not None:
                database.execute("INSERT OR REPLACE INTO trees VALUES (?, ?, ?)", (root, listing, now))
                oldest = "SELECT root FROM trees ORDER BY used DESC LIMIT -1 OFFSET ?"
                database.execute(f"DELETE FROM trees WHERE root IN ({oldest})", (MAX_KEPT_TREES,))  # noqa: S608 # a constant

    # --- the file

    def is_usable(self) -> bool:
        """Whether anything can be stored."""
        return self._get_connection() is not None

    def measure_size(self) -> tuple[int, int]:
        """Count the files whose facts are stored, and the bytes that the cache takes on the disk."""
        count = 0
        with self._open_for_reading() as database:
            if database is not None:
                count = int(database.execute("SELECT count(*) FROM facts").fetchone()[0])
        return count, sum(path.stat().st_size for path in self._list_paths() if path.exists())

    def close(self) -> None:
        """Close the connection; it is opened again when it is needed."""
        if self._database is not None:
            self._database.close()
        self._database, self._tried = None, self.file is None

    def _select(self, statement: str, keys: Iterable[bytes], *before: str) -> list[tuple[Any, ...]]:
        """Run a statement whose `{}` becomes question marks for `keys`; the values in `before` precede them."""
        found: list[tuple[Any, ...]] = []
        with self._open_for_reading() as database:
            if database is not None:
                for chunk in _split_chunks(list(keys), 500):
                    found += database.execute(statement.format(",".join("?" * len(chunk))), [*before, *chunk])
        return found

    @contextmanager
    def _open_for_reading(self) -> Iterator[sqlite3.Connection | None]:
        """Give the connection, None without a cache. An error of the database ends the block without being raised."""
        try:
            yield self._get_connection()
        except sqlite3.DatabaseError as error:
            self._give_up(error)

    @contextmanager
    def _open_for_writing(self) -> Iterator[sqlite3.Connection | None]:
        """Give the connection in one transaction that is rolled back on any error."""
        with self._open_for_reading() as database:
            if database is None:
                yield None
                return
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
                raise

    def _get_connection(self) -> sqlite3.Connection | None:
        if not self._tried and self.file is not None:
            self._tried = True
            self._database = self._connect(self.file)
        return self._database

    def _connect(self, file: Path) -> sqlite3.Connection | None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            return self._prepare(file)
        except (sqlite3.DatabaseError, OSError) as error:
            if not _is_corrupt(error):
                return None
            self._remove_files(str(error))
        with suppress(sqlite3.Error):
            return self._prepare(file)
        return None

    def _prepare(self, file: Path) -> sqlite3.Connection:
        # Any thread may use it; the caller sees to it that only one does at a time.
        database = sqlite3.connect(file, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            if (found := _read_format(database)) != FORMAT:
                _recreate_tables(database)
                self.rebuild_reason = f"of format {found}, not {FORMAT}" if found else self.rebuild_reason
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _give_up(self, error: sqlite3.DatabaseError) -> None:
        """Continue without the file; remove it where it is broken."""
        self.close()
        self._tried = True
        if self.file and _is_corrupt(error):
            self._remove_files(str(error))

    def _remove_files(self, why: str) -> None:
        self.rebuild_reason = why
        for path in self._list_paths():
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _list_paths(self) -> Sequence[Path]:
        return [self.file.with_name(self.file.name + suffix) for suffix in _SUFFIXES] if self.file else []


def _read_format(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _recreate_tables(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")
    if _read_format(database) != FORMAT:  # another process may have been faster
        for table in ("facts", "layers", "trees"):
            database.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in _TABLES:
            database.execute(statement)
        database.execute(f"PRAGMA user_version={FORMAT}")
    database.execute("COMMIT")


def _is_corrupt(error: Exception) -> bool:
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)


def _split_chunks(items: list[bytes], size: int) -> Iterator[list[bytes]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
