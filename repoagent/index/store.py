"""Facts that were found once, kept by content in one SQLite file that several processes may use at once.

It is a cache and no more: where it cannot be opened, read or written, the facts are worked out again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from repoagent.places import cache_root

FORMAT = 1
"""Goes up when the rows change their meaning; a file of another format is emptied."""

KEPT = 200_000
"""Rows that are kept, the newest first."""

_SUFFIXES = ("", "-wal", "-shm")


def default_cache() -> Path:
    """The file facts are kept in, unless told otherwise."""
    return cache_root() / "index.sqlite"


class Store:
    """Encoded facts by key; None as the file keeps nothing."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def read(self, keys: Iterable[str]) -> dict[str, str]:
        """The facts kept for some of `keys`."""
        found: dict[str, str] = {}
        with self._open() as database:
            if database is not None:
                for chunk in _chunks(list(keys), 500):
                    marks = ",".join("?" * len(chunk))
                    # The statement holds question marks only.
                    found.update(database.execute(f"SELECT key, facts FROM facts WHERE key IN ({marks})", chunk))  # noqa: S608
        return found

    def write(self, rows: Mapping[str, str]) -> None:
        """Keep `rows`, and forget the oldest beyond KEPT."""
        if not rows:
            return
        with self._open() as database:
            if database is not None:
                database.execute("BEGIN IMMEDIATE")
                database.executemany("INSERT OR REPLACE INTO facts (key, facts) VALUES (?, ?)", rows.items())
                database.execute("DELETE FROM facts WHERE rowid <= (SELECT max(rowid) FROM facts) - ?", (KEPT,))
                database.execute("COMMIT")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        """A connection, closed on leaving; None without a cache. What goes wrong inside ends the block quietly."""
        database = _connect(self._file) if self._file else None
        try:
            yield database
        except sqlite3.DatabaseError as error:
            if self._file and _is_corrupt(error):
                _remove(self._file)
        finally:
            if database is not None:
                database.close()


def _connect(file: Path) -> sqlite3.Connection | None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return _prepared(file)
    except (sqlite3.DatabaseError, OSError) as error:
        if not _is_corrupt(error):
            return None
    _remove(file)
    with suppress(sqlite3.Error):
        return _prepared(file)
    return None


def _prepared(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=30, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        if _format(database) != FORMAT:
            _empty(database)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _format(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _empty(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")
    if _format(database) != FORMAT:  # another process may have been faster
        database.execute("DROP TABLE IF EXISTS facts")
        database.execute("CREATE TABLE facts (key TEXT PRIMARY KEY, facts TEXT NOT NULL)")
        database.execute(f"PRAGMA user_version={FORMAT}")
    database.execute("COMMIT")


def _is_corrupt(error: Exception) -> bool:
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)


def _remove(file: Path) -> None:
    for suffix in _SUFFIXES:
        with suppress(OSError):
            file.with_name(file.name + suffix).unlink(missing_ok=True)


def _chunks(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
