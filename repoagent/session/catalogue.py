"""All sessions of this user: list them, remove one."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from repoagent.errors import EnvironmentFailed, UserError
from repoagent.session.places import find_session, list_directories, locate_sessions, unlink_session
from repoagent.session.record import is_locked, read_record
from repoagent.session.store import Session


def list_sessions(root: Path | None = None) -> list[Session]:
    """List all sessions that can be read, newest first."""
    found = []
    for path in list_directories(root or locate_sessions()):
        with suppress(UserError, EnvironmentFailed):
            found.append(Session(path.resolve(), read_record(path)))
    return sorted(found, key=lambda session: (session.record.created, session.id), reverse=True)


def remove_session(id_or_path: str | Path, root: Path | None = None) -> Path | None:
    """Remove a session. One in a directory of the user's own (--out) is only forgotten, and its directory returned.

    Raises UserError for an unknown session and for one that is running.
    """
    home = root or locate_sessions()
    path = find_session(str(id_or_path), home)
    if is_locked(path):
        raise UserError(f"the session {path.name} is running, in process {read_record(path).pid}: end it first")
    unlink_session(home, path)
    if path.parent != home.resolve():
        return path if path.exists() else None
    try:
        shutil.rmtree(path)
    except OSError as error:
        raise EnvironmentFailed(f"cannot remove {path}: {error.strerror}. Check its owner") from error
    return None
