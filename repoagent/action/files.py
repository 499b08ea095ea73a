"""Read and write what one job hands to the next, as JSON in an artefact. Whoever reads it trusts nothing in it."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from repoagent.domain import Issue, dump, load
from repoagent.errors import UserError
from repoagent.publish import Delivery

T = TypeVar("T")

REQUEST = "request.json"
RESULT = "result.json"
SESSION = "session.tar.gz"
LOG_FILE = "audit.jsonl"
"""The run's log, beside its result."""
_MAX_LOG_BYTES = 200_000_000
_MAX_JSON_BYTES = 4_000_000
"""Bytes of one JSON file."""


@dataclass(frozen=True)
class SolveRequest:
    """What `begin` hands to `solve`: the issue, frozen and without hidden text, and the limits."""

    issue: Issue
    number: int
    base: str
    notices: tuple[str, ...]
    minutes: int
    tokens: int


@dataclass(frozen=True)
class SolveResult:
    """What `solve` hands to `publish`."""

    delivery: Delivery | None
    """None where the run found nothing."""
    stopped: str = ""
    """Why the run ended early; empty where it did not."""


def write_value(folder: Path, name: str, value: object) -> None:
    """Write a value for the next job."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(dump(value), encoding="utf-8")


def read_value(folder: Path, name: str, kind: type[T]) -> T | None:
    """Read what the job before left; None where it left nothing. Raises UserError for what is malformed."""
    content = _read_plain_file(folder, name, _MAX_JSON_BYTES)
    return None if content is None else _load_value(kind, content, name)


def read_log(folder: Path) -> str:
    """Read the log that the job before left; empty where it left none. Raises UserError for what is no plain file."""
    return (_read_plain_file(folder, LOG_FILE, _MAX_LOG_BYTES) or b"").decode("utf-8", "replace")


def _read_plain_file(folder: Path, name: str, largest: int) -> bytes | None:
    """Read a file that is neither a link nor a pipe; None where there is none."""
    try:
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{name} of the job before is no plain file ({error.strerror})") from error
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > largest:
            raise UserError(f"{name} of the job before is no plain file of at most {largest:,} bytes")
        return file.read()


def _load_value(kind: type[T], content: bytes, name: str) -> T:
    try:
        return load(kind, content)
    except (ValidationError, RecursionError) as error:
        raise UserError(f"{name} of the job before is not as it is written here: it is not used") from error


def copy_log(path: Path, folder: Path) -> None:
    """Copy the run's log for the next job, if there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        shutil.copyfile(path, folder / LOG_FILE)


def pack_session(session: Path, folder: Path) -> None:
    """Pack a whole session, for a later run to resume."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / SESSION, "w:gz") as archive:
        archive.add(session, arcname="session")


def unpack_session(folder: Path, into: Path) -> Path | None:
    """Unpack the session that an earlier run left; None where there is none. Raises UserError for a broken archive."""
    if not (folder / SESSION).is_file():
        return None
    into.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(folder / SESSION) as archive:
            archive.extractall(into, filter="data")
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise UserError(f"the session of the earlier run cannot be taken up ({error}): ask for a new run") from error
    return into / "session"
