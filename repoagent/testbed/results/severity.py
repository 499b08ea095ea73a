"""Order outcomes by how bad they are."""

from __future__ import annotations

from collections.abc import Iterable

from repoagent.domain import Outcome, Status

_SEVERITY = (Status.PASSED, Status.SKIPPED, Status.FAILED, Status.ERROR)


def keep_worst(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Keep one outcome for each test, the worst, where a test is reported several times."""
    found: dict[str, Outcome] = {}
    for outcome in outcomes:
        known = found.get(outcome.id)
        if known is None or rate_severity(outcome) > rate_severity(known):
            found[outcome.id] = outcome
    return tuple(found.values())


def sort_worst_first(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Sort outcomes: errors, failures, skipped, passed; within these by id."""
    return sorted(outcomes, key=lambda o: (-rate_severity(o), o.id))


def rate_severity(outcome: Outcome) -> int:
    """Rank how bad an outcome is; higher is worse."""
    return _SEVERITY.index(outcome.status)
