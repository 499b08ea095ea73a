"""Read the Test Anything Protocol (https://testanything.org/tap-version-14-specification.html)."""

from __future__ import annotations

import re

from repoagent.domain import Outcome, Status

_LINE = re.compile(
    r"^(?P<not>not )?ok\b(?: +(?P<number>\d+))?(?: +-)?(?: +(?P<name>[^#\n]*))?(?: *# *(?P<directive>.*))?$"
)
_MAX_MESSAGE = 6000


def read_tap(text: str) -> tuple[Outcome, ...]:
    """Parse one outcome for each top-level test point, by its description, or by its number where that is not
    unique."""
    found: dict[str, Outcome] = {}
    last = ""
    details: dict[str, list[str]] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            if last and line.startswith((" ", "#")):
                details[last].append(line.strip())
            continue
        name = (match["name"] or "").strip() or f"test {match['number'] or len(found) + 1}"
        last = name if name not in found else f"{name} [{match['number'] or len(found) + 1}]"
        details[last] = []
        found[last] = Outcome(last, _classify_status(bool(match["not"]), (match["directive"] or "").upper()))
    return tuple(
        Outcome(o.id, o.status, 0.0, "\n".join(details[o.id])[-_MAX_MESSAGE:] if o.status is Status.FAILED else "")
        for o in found.values()
    )


def _classify_status(failed: bool, directive: str) -> Status:
    if directive.startswith("SKIP"):
        return Status.SKIPPED
    if directive.startswith("TODO"):
        return Status.PASSED if not failed else Status.SKIPPED
    return Status.FAILED if failed else Status.PASSED
