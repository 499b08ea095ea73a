"""A file of JSON lines in which each entry holds the hash of the one before: what was changed or cut out shows.

Whoever can write the file can also make a whole new one; the last hash is therefore also told to the run's report, and
to the pull request, where it is out of reach.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from repoagent.errors import EnvironmentFailed, UserError
from repoagent.redaction import redact

FILE = "audit.jsonl"
START = "0" * 64
"""What the first entry is chained to."""
LONGEST = 20_000
"""Characters of one text that are kept; of longer ones the hash tells the rest."""

Value = str | int | float | bool | list[str] | None


class Broken(UserError):
    """The chain does not hold."""


class AuditLog:
    """Appends entries. Safe to use from several threads."""

    def __init__(self, path: Path, known: Iterable[str] = (), clock: Callable[[], float] = time.time) -> None:
        """`known` are values that are secret whatever they look like."""
        self._path = path
        self._known = tuple(known)
        self._clock = clock
        self._lock = Lock()
        _drop_torn_line(path)
        self.head, self._count = verify(path)
        """The hash of the last entry."""

    def write(self, kind: str, **data: Value) -> None:
        """Note what was done. Raises EnvironmentFailed where that cannot be noted: nothing is to go on unseen."""
        with self._lock:
            shown = {name: self._shown(value) for name, value in data.items()}
            entry = {"number": self._count, "at": round(self._clock(), 3), "kind": kind, **shown, "previous": self.head}
            line = _canonical(entry)
            self._append(line)
            self.head, self._count = _hash(line), self._count + 1

    def _shown(self, value: Value) -> Value:
        if isinstance(value, list):
            return [_cut(redact(each, self._known)) for each in value]
        return _cut(redact(value, self._known)) if isinstance(value, str) else value

    def _append(self, line: str) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise EnvironmentFailed(f"cannot write {self._path}: {error.strerror}. Free some space there") from error


@dataclass(frozen=True)
class Chain:
    """A log whose entries follow from each other."""

    head: str
    """The hash of the last entry."""
    count: int
    kinds: Mapping[str, int]
    """How many entries there are of each kind."""
    reported: Mapping[str, Any]
    """The last entry about a result, empty without one."""


REPORTED = "result.reported"
"""The kind of entry that says what a run has come to: its outcome, and the hash of its patch."""


def report(log: AuditLog, outcome: str, patch: str) -> None:
    """Note what a run has come to."""
    log.write(REPORTED, outcome=outcome, patch_sha256=_hash(patch))


def is_reported(chain: Chain, outcome: str, patch: str) -> bool:
    """Whether a log ends with this result."""
    told = chain.reported
    return bool(told) and (told.get("outcome"), told.get("patch_sha256")) == (outcome, _hash(patch))


def verify(path: Path) -> tuple[str, int]:
    """The last hash and the number of entries of a chain that holds; raises Broken, naming the first bad entry."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    found = chain(text, str(path))
    return found.head, found.count


def chain(text: str, name: str) -> Chain:
    """The chain in a log's text; raises Broken, naming the first bad entry."""
    head, count, kinds = START, 0, Counter[str]()
    reported: dict[str, Any] = {}
    for line, entry in _entries(text, name):
        if entry.get("previous") != head or entry.get("number") != count:
            raise Broken(f"entry {count} of {name} does not follow from the one before: the log was changed")
        head, count = _hash(line), count + 1
        kinds[str(entry.get("kind"))] += 1
        reported = entry if entry.get("kind") == REPORTED else reported
    return Chain(head, count, kinds, reported)


def _entries(text: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries; a last line that a crash cut short is none."""
    whole = text.rpartition("\n")[0]
    for number, line in enumerate(whole.split("\n") if whole else ()):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Broken(f"entry {number} of {name} cannot be read: the log was changed") from error
        if not isinstance(entry, dict):
            raise Broken(f"entry {number} of {name} is no entry: the log was changed")
        yield line, entry


def _drop_torn_line(path: Path) -> None:
    """So that the next entry stands on a line of its own."""
    content = path.read_bytes() if path.exists() else b""
    if content and not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


def _canonical(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=True, separators=(",", ":"))


def _hash(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}… [{len(text)} characters, sha256 {_hash(text)}]"
