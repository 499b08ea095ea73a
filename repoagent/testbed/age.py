"""Decide whether code is so old that it is built with the packages and tools of its day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

OLD = timedelta(days=365)
"""A commit older than this is built with what the index had in its day: later releases break old code."""

SETTLED = timedelta(days=240)
"""Before a language's version is that old, many packages have no builds for it."""


def is_old(committed: date, today: date | None = None) -> bool:
    """Whether packages are taken as they were on the day of the commit."""
    return (today or datetime.now(UTC).date()) - committed > OLD
