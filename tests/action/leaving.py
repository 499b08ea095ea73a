"""Leaves what the second job leaves: a result, and a log that ends with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from repoagent.action import files
from repoagent.action.files import SolveResult
from repoagent.audit import AuditLog, record_result


def leave(place: Path, found: SolveResult) -> None:
    """Write both into the artefact at `place`."""
    place.mkdir(parents=True, exist_ok=True)
    (place / files.LOG_FILE).unlink(missing_ok=True)
    if found.delivery is not None:
        log = AuditLog(place / files.LOG_FILE)
        log.write("command.run", command=["pytest"], exit_code=0)
        record_result(log, found.delivery.result.outcome, found.delivery.result.patch)
        found = replace(found, delivery=replace(found.delivery, audit=log.head))
    files.write_value(place, files.RESULT, found)
