"""Record what happens as events: appended to a file that survives a crash, and passed to listeners."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

EventValue = str | int | float | bool | None | list[str]


@dataclass(frozen=True)
class Event:
    """One thing that happened."""

    kind: str
    """Dotted: `node.started`, `candidate.tested`, `model.called`, …"""
    data: dict[str, EventValue]
    at: float = field(default_factory=time.time)
    """Seconds since the epoch."""


Listener = Callable[[Event], None]


class Trace:
    """Appends events to a JSON-lines file, and passes them to the listeners. Safe to use from several threads.

    The file is flushed to the disk with each event, so that a killed run has recorded all that it did. A line cut by a
    crash is skipped by `read`. Where the disk is full the run goes on and the event reaches the listeners only.
    """

    def __init__(self, path: Path | None = None, listeners: tuple[Listener, ...] = ()) -> None:
        self._path = path
        self._listeners = listeners
        self._lock = Lock()
        self._begun = False
        self.lost = 0
        """Events that could not be written."""

    def emit(self, kind: str, **data: EventValue) -> None:
        """Record that `kind` happened."""
        event = Event(kind, data)
        with self._lock:
            self._append(event)
            for listener in self._listeners:
                listener(event)

    def _append(self, event: Event) -> None:
        if self._path is None:
            return
        line = json.dumps({"at": round(event.at, 3), "kind": event.kind, **event.data}, ensure_ascii=False)
        try:
            with self._path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(("\n" if self._is_torn() else "") + line + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self.lost += 1

    def _is_torn(self) -> bool:
        """Whether the file ends in the middle of a line, and the next event needs a new one; checked only once."""
        if self._path is None or self._begun:
            return False
        self._begun = True
        with self._path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(size - 1, 0))
            return size > 0 and file.read(1) != b"\n"


def read_events(path: Path) -> list[Event]:
    """Read the events in a file, oldest first; lines that a crash cut short are left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")  # texts hold other ends of lines
    return [event for line in lines if (event := _parse_event(line))]


def _parse_event(line: str) -> Event | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or not isinstance(row.get("kind"), str) or not isinstance(row.get("at"), int | float):
        return None
    return Event(row.pop("kind"), row, row.pop("at"))
