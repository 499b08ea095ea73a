"""One session: a directory that a person can read, a crash cannot corrupt, and the next command continues from."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from threading import RLock

from repoagent.domain import dump
from repoagent.errors import UserError
from repoagent.session.atomic import read_bytes, write_bytes
from repoagent.session.places import find_session, link_session, locate_sessions, unlink_session
from repoagent.session.record import HISTORY, LOCK, RECORD, SessionRecord, SessionStatus, is_locked, read_record


class Session:
    """The directory of a session. Artefacts are text files in it, named by relative paths.

    Make one with `create` or `open`. Several threads may write; `lock` keeps other processes from doing so.
    """

    def __init__(self, path: Path, record: SessionRecord) -> None:
        self.path = path
        self._record = record
        self._guard = RLock()

    @classmethod
    def create(
        cls, root: Path | None = None, out: Path | None = None, *, title: str = "", source: str = "", model: str = ""
    ) -> Session:
        """Create a session below `root`, or in the directory `out` with a link below `root`.

        What an earlier session left in `out` is kept in `.history/`. Raises UserError where `out` holds anything else.
        """
        home = root or locate_sessions()
        record = SessionRecord(_make_id(title), datetime.now(UTC), title=title, source=source, model=model)
        path = _claim_directory(out) if out else home / record.id
        write_bytes(path / RECORD, dump(record).encode())
        if out:
            unlink_session(home, path)
            link_session(home / record.id, path)
        return cls(path, record)

    @classmethod
    def open(cls, id_or_path: str | Path, root: Path | None = None) -> Session:
        """Open the session in a directory, or the one below `root` with this beginning of its id; raises UserError."""
        path = find_session(str(id_or_path), root or locate_sessions())
        return cls(path, read_record(path))

    @property
    def id(self) -> str:
        return self._record.id

    @property
    def record(self) -> SessionRecord:
        """The current content of `session.json`."""
        with self._guard:
            return self._record

    def update(
        self,
        *,
        status: SessionStatus | None = None,
        title: str | None = None,
        source: str | None = None,
        model: str | None = None,
        pid: int | None = None,
    ) -> None:
        """Change the given fields of the record, and write it."""
        with self._guard:
            old = self._record
            new = replace(
                old,
                status=status or old.status,
                title=old.title if title is None else title,
                source=old.source if source is None else source,
                model=old.model if model is None else model,
                pid=old.pid if pid is None else pid,
            )
            self._save_record(new)

    # --- artefacts

    def locate(self, name: str) -> Path:
        """Return the path of an artefact; raises ValueError for a name that cannot be an artefact's."""
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or parts[0] in _RESERVED:
            raise ValueError(f"{name!r} is not an artefact's name")
        return self.path.joinpath(*parts)

    def has_artefact(self, name: str) -> bool:
        return self.locate(name).is_file()

    def read(self, name: str) -> str:
        """Read an artefact, line ends and undecodable bytes as they are; raises UserError where it is missing."""
        try:
            return read_bytes(self.locate(name)).decode("utf-8", "surrogateescape")
        except FileNotFoundError as error:
            raise UserError(f"{name} is missing in {self.path}: run again from the step that writes it") from error

    def write(self, name: str, text: str) -> None:
        """Write an artefact atomically; `undo` brings the earlier version back.

        Raises EnvironmentFailed, saying what to free, when the disk is full.
        """
        content, path = text.encode("utf-8", "surrogateescape"), self.locate(name)
        with self._guard:
            if path.is_file() and read_bytes(path) != content:
                self._keep_version(name)
            write_bytes(path, content)
            self._record_hash(name, _compute_digest(content))

    def undo(self, name: str) -> None:
        """Restore the version before the last write; raises UserError where there is none."""
        with self._guard:
            kept = self._list_versions(name)
            if not kept:
                raise UserError(f"{name} has no earlier version in {self.path}")
            content = read_bytes(kept[-1])
            write_bytes(self.locate(name), content)
            kept[-1].unlink()
            self._record_hash(name, _compute_digest(content))

    def compute_hash(self, name: str) -> str:
        """Compute the SHA-256 of an artefact as it is now, in hexadecimal; empty where there is none."""
        path = self.locate(name)
        return _compute_digest(read_bytes(path)) if path.is_file() else ""

    def get_recorded_hash(self, name: str) -> str:
        """Return the SHA-256 of an artefact as it was last written here; empty where it never was."""
        return self.record.hashes.get(name, "")

    def list_edited(self) -> tuple[str, ...]:
        """List the artefacts that somebody else changed or deleted since they were written here."""
        return tuple(name for name, digest in sorted(self.record.hashes.items()) if self.compute_hash(name) != digest)

    def accept(self, *names: str) -> None:
        """Record the hashes of artefacts as they are now, so that they no longer count as edited."""
        with self._guard:
            for name in names:
                self._record_hash(name, self.compute_hash(name))

    # --- who runs it

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the session's lock against other processes; raises UserError, naming the process, where one runs it.

        The status follows: `running` inside, then `finished`, `failed` or `interrupted`, unless it was set otherwise.
        """
        from filelock import FileLock, Timeout

        claim = FileLock(self.path / LOCK, timeout=0)
        try:
            claim.acquire()
        except Timeout as error:
            pid = read_record(self.path).pid
            raise UserError(
                f"the session {self.id} is being run by process {pid}: wait for it, or end it first"
            ) from error
        try:
            with self._guard:
                self._record = read_record(self.path)
            with self._mark_running():
                yield
        finally:
            claim.release()

    @contextmanager
    def _mark_running(self) -> Iterator[None]:
        self.update(status="running", pid=os.getpid())
        ended: SessionStatus = "interrupted"
        try:
            yield
            ended = "finished"
        except Exception:
            ended = "failed"
            raise
        finally:
            self.update(status=ended if self.record.status == "running" else None, pid=0)

    @property
    def is_running(self) -> bool:
        """Whether a process holds the session's lock."""
        return is_locked(self.path)

    # --- inside

    def _save_record(self, record: SessionRecord) -> None:
        write_bytes(self.path / RECORD, dump(record).encode())
        self._record = record

    def _record_hash(self, name: str, digest: str) -> None:
        if self._record.hashes.get(name) != digest:
            self._save_record(replace(self._record, hashes={**self._record.hashes, name: digest}))

    def _keep_version(self, name: str) -> None:
        kept = self._list_versions(name)
        number = int(kept[-1].suffix[1:]) + 1 if kept else 1
        write_bytes(self.path / HISTORY / f"{name}.{number}", read_bytes(self.locate(name)))

    def _list_versions(self, name: str) -> list[Path]:
        """List the earlier versions of an artefact, oldest first."""
        base = self.path / HISTORY / self.locate(name).relative_to(self.path)
        if not base.parent.is_dir():
            return []
        numbered = re.compile(re.escape(base.name) + r"\.\d+")
        return sorted((p for p in base.parent.iterdir() if numbered.fullmatch(p.name)), key=lambda p: int(p.suffix[1:]))


_RESERVED = (RECORD, LOCK, HISTORY)


def _compute_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _make_id(title: str) -> str:
    """Make a unique id that sorts by time and reads like the issue: `20260131-224501-naturalsize-a1b2`."""
    words = re.findall(r"[a-z0-9]+", title.lower())
    slug = "-".join(words)[:24].strip("-") or "session"
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{slug}-{secrets.token_hex(2)}"


def _claim_directory(out: Path) -> Path:
    """Prepare the directory `out`: what an earlier session left at its top is moved into its history."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file: name a directory for --out")
    path = out.absolute()
    present = list(path.iterdir()) if path.exists() else []
    if present and not (path / RECORD).is_file():
        raise UserError(f"{out} is not empty and no session's directory: name another one for --out")
    if is_locked(path):
        raise UserError(f"{out} belongs to a session that is running: name another directory for --out")
    attic = path / HISTORY / f"session.{secrets.token_hex(4)}"
    for entry in present:
        if entry.name not in {LOCK, HISTORY}:
            attic.mkdir(parents=True, exist_ok=True)
            shutil.move(entry, attic / entry.name)
    return path
