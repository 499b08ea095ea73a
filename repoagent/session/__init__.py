"""The directory of one run: artefacts with their hashes and earlier versions, the process that runs it, the status."""

from __future__ import annotations

from repoagent.session.catalogue import list_sessions, remove_session
from repoagent.session.places import locate_sessions
from repoagent.session.record import SessionRecord, SessionStatus
from repoagent.session.store import Session

__all__ = ["Session", "SessionRecord", "SessionStatus", "list_sessions", "locate_sessions", "remove_session"]
