"""Read what the pytest plug-in `reporter` writes; the file comes out of the sandbox and is hostile input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from repoagent.domain import Outcome, Status
from repoagent.testbed.results.severity import keep_worst

MAX_BYTES = 48 * 1024 * 1024
"""Bytes of the largest file that is read."""

_MAX_MESSAGE = 6001
_MAX_LOCALS = 12
_MAX_LOCAL = 200


@dataclass(frozen=True)
class ReportedRun:
    """The events that a run of pytest wrote."""

    outcomes: tuple[Outcome, ...] = ()
    """One for each test that ended, the worst where it ended several times."""
    running: str = ""
    """The test that had begun and not ended; empty where the session came to its end."""
    ended: bool = False
    """Whether the session came to its end."""


def read_lines(content: bytes) -> ReportedRun:
    """Parse the lines of a report; a line that is no JSON object, or was cut, is ignored."""
    events = list(_parse_events(content))
    ended = any("end" in event for event in events)
    outcomes = keep_worst(outcome for event in events if (outcome := _make_outcome(event)))
    return ReportedRun(outcomes, "" if ended else _find_running_test(events), ended)


def _parse_events(content: bytes) -> Iterator[dict[str, object]]:
    for line in content[:MAX_BYTES].decode("utf-8", "replace").splitlines():
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            yield event


def _find_running_test(events: list[dict[str, object]]) -> str:
    """Find the last test that was started, unless its call was reported."""
    begun = ""
    for event in events:
        if "start" in event:
            begun = _normalise_id(event["start"])
        elif _normalise_id(event.get("id")) == begun:
            begun = ""
    return begun


def _make_outcome(event: dict[str, object]) -> Outcome | None:
    identity, ended = _normalise_id(event.get("id")), event.get("outcome")
    if not identity or ended not in {"passed", "failed", "skipped"}:
        return None
    status = _classify_status(str(ended), event.get("when"))
    message = "" if status is Status.PASSED else str(event.get("message", ""))[-_MAX_MESSAGE:]
    seconds = event.get("seconds")
    return Outcome(
        identity,
        status,
        float(seconds) if isinstance(seconds, int | float) else 0.0,
        message,
        _read_locals(event.get("locals")),
        status is not Status.PASSED and event.get("timed_out") is True,
    )


def _normalise_id(value: object) -> str:
    """Normalise an id to the form that pytest writes since release 4: before, an instance stood before the method."""
    return value.replace("::()::", "::") if isinstance(value, str) else ""


def _classify_status(ended: str, when: object) -> Status:
    """Read how a test ended; a failure outside of its call (its module's import, its fixtures) is an error."""
    if ended == "failed":
        return Status.FAILED if when == "call" else Status.ERROR
    return Status.PASSED if ended == "passed" else Status.SKIPPED


def _read_locals(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        return ()
    return tuple(value[:_MAX_LOCAL] for value in values[:_MAX_LOCALS] if isinstance(value, str))
