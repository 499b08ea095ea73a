"""The directory of one run: artefacts with their hashes and earlier versions, the process that runs it, the status."""

from __future__ import annotations

from repoagent.session.catalogue import remove, sessions
from repoagent.session.places import default_root
from repoagent.session.record import Record, Standing
from repoagent.session.store import Session

__all__ = ["Record", "Session", "Standing", "default_root", "remove", "sessions"]
