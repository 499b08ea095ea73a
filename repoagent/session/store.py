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
from repoagent.session.places import default_root, find, link, unlink
from repoagent.session.record import HISTORY, LOCK, RECORD, Record, Standing, is_locked, read_record


class Session:
    """The directory of a session. Artefacts are text files in it, named by relative paths.

    Make one with `create` or `open`. Several threads may write; `lock` keeps other processes from doing so.
    """

    def __init__(self, path: Path, record: Record) -> None:
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
        home = root or default_root()
        record = Record(_new_id(title), datetime.now(UTC), title=title, source=source, model=model)
        path = _claim(out) if out else home / record.id
        write_bytes(path / RECORD, dump(record).encode())
        if out:
            unlink(home, path)
            link(home / record.id, path)
        return cls(path, record)

    @classmethod
    def open(cls, id_or_path: str | Path, root: Path | None = None) -> Session:
        """Open the session in a directory, or the one below `root` with this beginning of its id; raises UserError."""
        path = find(str(id_or_path), root or default_root())
        return cls(path, read_record(path))

    @property
    def id(self) -> str:
        return self._record.id

    @property
    def record(self) -> Record:
        """The current content of `session.json`."""
        with self._guard:
            return self._record

    def update(
        self,
        *,
        status: Standing | None = None,
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
            self._save(new)

    # --- artefacts

    def file(self, name: str) -> Path:
        """Return the path of an artefact; raises ValueError for a name that cannot be an artefact's."""
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or parts[0] in _RESERVED:
            raise ValueError(f"{name!r} is not an artefact's name")
        return self.path.joinpath(*parts)

    def exists(self, name: str) -> bool:
        return self.file(name).is_file()

    def read(self, name: str) -> str:
        """Read an artefact, line ends and undecodable bytes as they are; raises UserError where it is missing."""
        try:
            return read_bytes(self.file(name)).decode("utf-8", "surrogateescape")
        except FileNotFoundError as error:
            raise UserError(f"{name} is missing in {self.path}: run again from the step that writes it") from error

    def write(self, name: str, text: str) -> None:
        """Write an artefact atomically; `undo` brings the earlier version back.

        Raises EnvironmentFailed, saying what to free, when the disk is full.
        """
        content, path = text.encode("utf-8", "surrogateescape"), self.file(name)
        with self._guard:
            if path.is_file() and read_bytes(path) != content:
                self._keep(name)
            write_bytes(path, content)
            self._remember(name, _digest(content))

    def undo(self, name: str) -> None:
        """Restore the version before the last write; raises UserError where there is none."""
        with self._guard:
            kept = self._versions(name)
            if not kept:
                raise UserError(f"{name} has no earlier version in {self.path}")
            content = read_bytes(kept[-1])
            write_bytes(self.file(name), content)
            kept[-1].unlink()
            self._remember(name, _digest(content))

    def hash(self, name: str) -> str:
        """Compute the SHA-256 of an artefact as it is now, in hexadecimal; empty where there is none."""
        path = self.file(name)
        return _digest(read_bytes(path)) if path.is_file() else ""

    def recorded(self, name: str) -> str:
        """Return the SHA-256 of an artefact as it was last written here; empty where it never was."""
        return self.record.hashes.get(name, "")

    def edited(self) -> tuple[str, ...]:
        """List the artefacts that somebody else changed or deleted since they were written here."""
        return tuple(name for name, digest in sorted(self.record.hashes.items()) if self.hash(name) != digest)

    def accept(self, *names: str) -> None:
        """Record the hashes of artefacts as they are now, so that they no longer count as edited."""
        with self._guard:
            for name in names:
                self._remember(name, self.hash(name))

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
            with self._running():
                yield
        finally:
            claim.release()

    @contextmanager
    def _running(self) -> Iterator[None]:
        self.update(status="running", pid=os.getpid())
        ended: Standing = "interrupted"
        try:
            yield
            ended = "finished"
        except Exception:
            ended = "failed"
            raise
        finally:
            self.update(status=ended if self.record.status == "running" else None, pid=0)

    @property
    def running(self) -> bool:
        """Whether a process holds the session's lock."""
        return is_locked(self.path)

    # --- inside

    def _save(self, record: Record) -> None:
        write_bytes(self.path / RECORD, dump(record).encode())
        self._record = record

    def _remember(self, name: str, digest: str) -> None:
        if self._record.hashes.get(name) != digest:
            self._save(replace(self._record, hashes={**self._record.hashes, name: digest}))

    def _keep(self, name: str) -> None:
        kept = self._versions(name)
        number = int(kept[-1].suffix[1:]) + 1 if kept else 1
        write_bytes(self.path / HISTORY / f"{name}.{number}", read_bytes(self.file(name)))

    def _versions(self, name: str) -> list[Path]:
        """List the earlier versions of an artefact, oldest first."""
        base = self.path / HISTORY / self.file(name).relative_to(self.path)
        if not base.parent.is_dir():
            return []
        numbered = re.compile(re.escape(base.name) + r"\.\d+")
        return sorted((p for p in base.parent.iterdir() if numbered.fullmatch(p.name)), key=lambda p: int(p.suffix[1:]))


_RESERVED = (RECORD, LOCK, HISTORY)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _new_id(title: str) -> str:
    """Make a unique id that sorts by time and reads like the issue: `20260131-224501-naturalsize-a1b2`."""
    words = re.findall(r"[a-z0-9]+", title.lower())
    slug = "-".join(words)[:24].strip("-") or "session"
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{slug}-{secrets.token_hex(2)}"


def _claim(out: Path) -> Path:
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
