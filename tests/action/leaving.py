"""Leaves what the second job leaves: a result, and a log that ends with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from repoagent.action import files
from repoagent.action.files import Found
from repoagent.audit import AuditLog, report


def leave(place: Path, found: Found) -> None:
    """Write both into the artefact at `place`."""
    place.mkdir(parents=True, exist_ok=True)
    (place / files.LOG).unlink(missing_ok=True)
    if found.delivery is not None:
        log = AuditLog(place / files.LOG)
        log.write("command.run", command=["pytest"], exit_code=0)
        report(log, found.delivery.result.outcome, found.delivery.result.patch)
        found = replace(found, delivery=replace(found.delivery, audit=log.head))
    files.write(place, files.RESULT, found)
