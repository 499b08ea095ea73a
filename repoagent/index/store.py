"""Facts that were found once, kept by content in one SQLite file that several processes may use at once.

It is a cache and no more: where it cannot be opened, read or written, the facts are worked out again. A file that is
broken or of another format is emptied, and `Store.rebuilt` says why.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from repoagent.index.reading.codec import Encoded
from repoagent.places import cache_root

FORMAT = 2
"""Goes up when the tables change their meaning."""

KEPT = 200_000
"""Files whose facts are kept, the newest first."""

KEPT_TREES = 500
"""Work trees that are remembered, the last used first."""

_SUFFIXES: Final = ("", "-wal", "-shm")

_TABLES: Final = (
    "CREATE TABLE facts (key BLOB NOT NULL UNIQUE, defines TEXT, uses TEXT, head TEXT, refs BLOB)",
    "CREATE TABLE layers (kind TEXT NOT NULL, key BLOB NOT NULL, data BLOB, UNIQUE (kind, key))",
    "CREATE TABLE trees (root TEXT PRIMARY KEY, listing BLOB, used REAL)",
)


def default_cache() -> Path:
    """The file facts are kept in, unless told otherwise."""
    return cache_root() / "index.sqlite"


class Store:
    """Facts by key, a key being a digest of what they are facts of; None as the file keeps nothing.

    One connection, opened when it is first needed; to be used by one thread at a time.
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.rebuilt = ""
        """Why the file was emptied, where it was."""
        self._database: sqlite3.Connection | None = None
        self._tried = file is None

    # --- facts

    def names(self, keys: Iterable[bytes]) -> dict[bytes, tuple[str, str]]:
        """What the files behind some of `keys` define and use."""
        rows = self._select("SELECT key, defines, uses FROM facts WHERE key IN ({})", keys)
        return {key: (defines, uses) for key, defines, uses in rows}

    def has(self, key: bytes) -> bool:
        """Whether the facts behind `key` are kept."""
        return bool(self._select("SELECT key FROM facts WHERE key IN ({})", [key]))

    def heads(self, keys: Iterable[bytes]) -> dict[bytes, str]:
        """Symbols and imports of some files, encoded."""
        return dict(self._select("SELECT key, head FROM facts WHERE key IN ({})", keys))

    def references(self, key: bytes) -> bytes | None:
        """The references of one file, encoded."""
        rows = self._select("SELECT refs FROM facts WHERE key IN ({})", [key])
        return rows[0][0] if rows else None

    def all(self) -> dict[bytes, Encoded]:
        """Everything that is kept of files."""
        found: dict[bytes, Encoded] = {}
        with self._reading() as database:
            if database is not None:
                rows = database.execute("SELECT key, defines, uses, head, refs FROM facts")
                found.update({row[0]: Encoded(*row[1:]) for row in rows})
        return found

    def write(self, rows: Mapping[bytes, Encoded]) -> bool:
        """Keep `rows`, and forget the oldest beyond KEPT; whether that could be done."""
        values = [(key, row.defines, row.uses, row.head, row.references) for key, row in rows.items()]
        kept = not values
        with self._changing() as database:
            if database is not None and values:
                database.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?, ?, ?, ?)", values)
                database.execute("DELETE FROM facts WHERE rowid <= (SELECT max(rowid) FROM facts) - ?", (KEPT,))
                kept = True
        return kept

    # --- what is worked out of facts

    def layer(self, kind: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """What was kept of one `kind` for some of `keys`."""
        return dict(self._select("SELECT key, data FROM layers WHERE kind = ? AND key IN ({})", keys, kind))

    def write_layer(self, kind: str, rows: Mapping[bytes, bytes]) -> None:
        """Keep `rows` of one `kind`."""
        with self._changing() as database:
            if database is not None and rows:
                values = [(kind, key, data) for key, data in rows.items()]
                database.executemany("INSERT OR REPLACE INTO layers VALUES (?, ?, ?)", values)
                database.execute("DELETE FROM layers WHERE rowid <= (SELECT max(rowid) FROM layers) - ?", (2 * KEPT,))

    # --- trees

    def tree(self, root: str) -> bytes | None:
        """What was remembered of the work tree at `root`."""
        found: list[bytes] = []
        with self._reading() as database:
            if database is not None:
                found += [row[0] for row in database.execute("SELECT listing FROM trees WHERE root = ?", (root,))]
        return found[0] if found else None

    def write_tree(self, root: str, listing: bytes, now: float) -> None:
        """Remember a work tree, and forget those that were not used for longest."""
        with self._changing() as database:
            if database is not None:
                database.execute("INSERT OR REPLACE INTO trees VALUES (?, ?, ?)", (root, listing, now))
                oldest = "SELECT root FROM trees ORDER BY used DESC LIMIT -1 OFFSET ?"
                database.execute(f"DELETE FROM trees WHERE root IN ({oldest})", (KEPT_TREES,))  # noqa: S608 # a constant

    # --- the file

    def usable(self) -> bool:
        """Whether anything can be kept."""
        return self._connection() is not None

    def size(self) -> tuple[int, int]:
        """Files whose facts are kept, and bytes they take."""
        count = 0
        with self._reading() as database:
            if database is not None:
                count = int(database.execute("SELECT count(*) FROM facts").fetchone()[0])
        return count, sum(path.stat().st_size for path in self._paths() if path.exists())

    def close(self) -> None:
        """Let go of the file; it is opened again when it is needed."""
        if self._database is not None:
            self._database.close()
        self._database, self._tried = None, self.file is None

    def _select(self, statement: str, keys: Iterable[bytes], *before: str) -> list[tuple[Any, ...]]:
        """The rows of a statement whose `{}` becomes question marks for `keys`; `before` are asked for before them."""
        found: list[tuple[Any, ...]] = []
        with self._reading() as database:
            if database is not None:
                for chunk in _chunks(list(keys), 500):
                    found += database.execute(statement.format(",".join("?" * len(chunk))), [*before, *chunk])
        return found

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """The connection; None without a cache. What goes wrong inside ends the block quietly."""
        try:
            yield self._connection()
        except sqlite3.DatabaseError as error:
            self._give_up(error)

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection | None]:
        """The same, in one transaction."""
        with self._reading() as database:
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

    def _connection(self) -> sqlite3.Connection | None:
        if not self._tried and self.file is not None:
            self._tried = True
            self._database = self._connected(self.file)
        return self._database

    def _connected(self, file: Path) -> sqlite3.Connection | None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            return self._prepared(file)
        except (sqlite3.DatabaseError, OSError) as error:
            if not _is_corrupt(error):
                return None
            self._remove(str(error))
        with suppress(sqlite3.Error):
            return self._prepared(file)
        return None

    def _prepared(self, file: Path) -> sqlite3.Connection:
        # Used by whichever thread asks; that only one does at a time is the caller's part.
        database = sqlite3.connect(file, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            if (found := _format(database)) != FORMAT:
                _empty(database)
                self.rebuilt = f"of format {found}, not {FORMAT}" if found else self.rebuilt
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _give_up(self, error: sqlite3.DatabaseError) -> None:
        """Go on without the file; remove it where it is broken."""
        self.close()
        self._tried = True
        if self.file and _is_corrupt(error):
            self._remove(str(error))

    def _remove(self, why: str) -> None:
        self.rebuilt = why
        for path in self._paths():
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _paths(self) -> Sequence[Path]:
        return [self.file.with_name(self.file.name + suffix) for suffix in _SUFFIXES] if self.file else []


def _format(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _empty(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")
    if _format(database) != FORMAT:  # another process may have been faster
        for table in ("facts", "layers", "trees"):
            database.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in _TABLES:
            database.execute(statement)
        database.execute(f"PRAGMA user_version={FORMAT}")
    database.execute("COMMIT")


def _is_corrupt(error: Exception) -> bool:
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)


def _chunks(items: list[bytes], size: int) -> Iterator[list[bytes]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
