"""What is known about a session without reading its artefacts: its record, and whether it is running."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from repoagent import __version__
from repoagent.domain import load
from repoagent.errors import UserError
from repoagent.session.atomic import read_bytes

RECORD = "session.json"
LOCK = ".lock"
HISTORY = ".history"

SessionStatus = Literal["new", "running", "waiting", "finished", "failed", "interrupted"]


@dataclass(frozen=True)
class SessionRecord:
    """The content of `session.json`."""

    id: str
    created: datetime
    version: str = __version__
    """The version of the program that made the session."""
    title: str = ""
    """The title of the issue."""
    source: str = ""
    """The repository as the user named it, or its URL."""
    model: str = ""
    status: SessionStatus = "new"
    pid: int = 0
    """The process that runs it, 0 when none does. A crash leaves it behind; `is_locked` knows better."""
    hashes: dict[str, str] = field(default_factory=dict)
    """The SHA-256 of each artefact, as this program wrote it last."""


def read_record(path: Path) -> SessionRecord:
    """Read the `session.json` in a directory; raises UserError where there is none that can be read."""
    from pydantic import ValidationError

    try:
        return load(SessionRecord, read_bytes(path / RECORD))
    except (FileNotFoundError, ValidationError) as error:
        raise UserError(f"{path} is not a session that can be read: remove it, or start a new one") from error


def is_locked(path: Path) -> bool:
    """Whether a process runs the session in `path` now."""
    from filelock import FileLock, Timeout

    if not (path / LOCK).exists():
        return False
    try:
        with FileLock(path / LOCK, timeout=0):
            return False
    except Timeout:
        return True
