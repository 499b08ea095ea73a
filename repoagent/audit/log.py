"""The audit log: a file of JSON lines in which each entry holds the hash of the one before, so that changes show.

Whoever can write the file can also make a whole new one; therefore the last hash also stands in the run's report, and
in the pull request, where it is out of reach.
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

AUDIT_FILE = "audit.jsonl"
START_HASH = "0" * 64
"""The hash that the first entry is chained to."""
MAX_TEXT_CHARACTERS = 20_000
"""Characters of one text, at most; longer texts are cut, and their hash is added."""

AuditValue = str | int | float | bool | list[str] | None


class AuditChainBroken(UserError):
    """An audit log was changed: an entry does not follow from the one before, or cannot be read."""


class AuditLog:
    """Appends entries to an audit log. Safe to use from several threads."""

    def __init__(self, path: Path, known: Iterable[str] = (), clock: Callable[[], float] = time.time) -> None:
        """Continue the log at `path`; `known` are values to redact whatever they look like. Raises AuditChainBroken."""
        self._path = path
        self._known = tuple(known)
        self._clock = clock
        self._lock = Lock()
        _drop_torn_line(path)
        self.head, self._count = verify_file(path)
        """The hash of the last entry."""

    def write(self, kind: str, **data: AuditValue) -> None:
        """Append an entry. Raises EnvironmentFailed where it cannot be written: nothing may be done unrecorded."""
        with self._lock:
            redacted = {name: self._redact_value(value) for name, value in data.items()}
            facts = {"number": self._count, "at": round(self._clock(), 3), "kind": kind}
            entry = {**facts, **redacted, "previous": self.head}
            line = _format_entry(entry)
            self._append(line)
            self.head, self._count = _compute_hash(line), self._count + 1

    def _redact_value(self, value: AuditValue) -> AuditValue:
        if isinstance(value, list):
            return [_cut_text(redact(each, self._known)) for each in value]
        return _cut_text(redact(value, self._known)) if isinstance(value, str) else value

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
    """What a log holds whose entries follow from each other."""

    head: str
    """The hash of the last entry."""
    count: int
    kinds: Mapping[str, int]
    """How many entries there are of each kind."""
    reported: Mapping[str, Any]
    """The last entry about a result, empty without one."""


RESULT_KIND = "result.reported"
"""The kind of entry that holds the result of a run: its outcome, and the hash of its patch."""


def record_result(log: AuditLog, outcome: str, patch: str) -> None:
    """Append the result of a run: its outcome, and the hash of its patch."""
    log.write(RESULT_KIND, outcome=outcome, patch_sha256=_compute_hash(patch))


def is_reported(chain: Chain, outcome: str, patch: str) -> bool:
    """Whether this is the last result in a log."""
    last = chain.reported
    return bool(last) and (last.get("outcome"), last.get("patch_sha256")) == (outcome, _compute_hash(patch))


def verify_file(path: Path) -> tuple[str, int]:
    """Check a log file, and return its last hash and number of entries; raises AuditChainBroken."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    found = parse_chain(text, str(path))
    return found.head, found.count


def parse_chain(text: str, name: str) -> Chain:
    """Check a log's text, and return what it holds; raises AuditChainBroken for the log `name`."""
    head, count, kinds = START_HASH, 0, Counter[str]()
    reported: dict[str, Any] = {}
    for line, entry in _parse_entries(text, name):
        if entry.get("previous") != head or entry.get("number") != count:
            raise AuditChainBroken(f"entry {count} of {name} does not follow from the one before: the log was changed")
        head, count = _compute_hash(line), count + 1
        kinds[str(entry.get("kind"))] += 1
        reported = entry if entry.get("kind") == RESULT_KIND else reported
    return Chain(head, count, kinds, reported)


def _parse_entries(text: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each line and its entry; a last line that a crash cut short is left out."""
    whole = text.rpartition("\n")[0]
    for number, line in enumerate(whole.split("\n") if whole else ()):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise AuditChainBroken(f"entry {number} of {name} cannot be read: the log was changed") from error
        if not isinstance(entry, dict):
            raise AuditChainBroken(f"entry {number} of {name} is no entry: the log was changed")
        yield line, entry


def _drop_torn_line(path: Path) -> None:
    """Remove a last line that a crash cut short, so that the next entry stands on a line of its own."""
    content = path.read_bytes() if path.exists() else b""
    if content and not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


def _format_entry(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=True, separators=(",", ":"))


def _compute_hash(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def _cut_text(text: str) -> str:
    if len(text) <= MAX_TEXT_CHARACTERS:
        return text
    return f"{text[:MAX_TEXT_CHARACTERS]}… [{len(text)} characters, sha256 {_compute_hash(text)}]"
