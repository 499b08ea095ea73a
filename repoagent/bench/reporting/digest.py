"""Compute the tables of a report, which the page and the Markdown share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from repoagent.bench.reporting.collect import ReportRow, RunData, compute_rate
from repoagent.bench.reporting.statistics import Rate, compute_quantile
from repoagent.bench.task import JobState

SIZES = ((5, "up to 5 lines"), (15, "6 to 15 lines"), (50, "16 to 50 lines"), (10**9, "more than 50 lines"))
CUTS = (1, 3, 5)


@dataclass(frozen=True)
class GroupRate:
    """The rate of a group of instances."""

    name: str
    rate: Rate


@dataclass(frozen=True)
class ClaimRate:
    """Instances with the same claim, and how often it was right."""

    name: str
    rate: Rate


@dataclass(frozen=True)
class RunCost:
    """The cost of the instances, of the agent's work alone."""

    seconds: float
    """All together."""
    median: float
    ninth: float
    """The 90th percentile of seconds."""
    tokens: int
    read: int
    written: int
    calls: int
    seconds_per_resolved: float | None
    tokens_per_resolved: float | None


@dataclass(frozen=True)
class RunDigest:
    """One run in numbers."""

    run: RunData
    rate: Rate
    of_all: Rate
    by_repository: tuple[GroupRate, ...]
    by_difficulty: tuple[GroupRate, ...]
    by_size: tuple[GroupRate, ...]
    cost: RunCost
    recall: tuple[tuple[str, Rate], ...]
    """Of the file that the reference patch changes, among the first 1, 3, 5 suspects; and of the patch itself."""
    calibration: tuple[ClaimRate, ...]
    failures: tuple[tuple[str, int], ...]
    states: tuple[tuple[str, int], ...]
    attempts: int
    infrastructure: int
    interruptions: int
    not_runnable: int
    unvalidated: int


def build_digest(run: RunData) -> RunDigest:
    """Compute all numbers about a run."""
    rows = run.evaluable_rows
    return RunDigest(
        run=run,
        rate=run.rate,
        of_all=compute_rate(run.rows),
        by_repository=_group_rates(rows, lambda row: row.repository),
        by_difficulty=_group_rates(rows, lambda row: row.difficulty),
        by_size=_group_rates(rows, _name_size, [name for _, name in SIZES]),
        cost=_sum_cost(run.rows),
        recall=tuple(_compute_recall(rows)),
        calibration=_compute_calibration(rows),
        failures=tuple(Counter(row.failure for row in run.rows).most_common()),
        states=tuple((str(state), count) for state, count in Counter(row.state for row in run.rows).most_common()),
        attempts=sum(row.attempts for row in run.rows),
        infrastructure=sum(row.failures for row in run.rows),
        interruptions=sum(row.interruptions for row in run.rows),
        not_runnable=sum(row.runnable is False for row in run.rows),
        unvalidated=sum(row.runnable is None for row in run.rows),
    )


def _group_rates(
    rows: Sequence[ReportRow], key: Callable[[ReportRow], str], order: Sequence[str] = ()
) -> tuple[GroupRate, ...]:
    found = {key(row) for row in rows}
    names = [name for name in order if name in found] or sorted(found)
    return tuple(GroupRate(name, compute_rate([row for row in rows if key(row) == name])) for name in names)


def _name_size(row: ReportRow) -> str:
    return next(name for max_lines, name in SIZES if row.size <= max_lines)


def _sum_cost(rows: Sequence[ReportRow]) -> RunCost:
    seconds = [row.seconds for row in rows if row.attempts]
    resolved = sum(row.resolved is True for row in rows)
    tokens = sum(row.tokens for row in rows)
    return RunCost(
        sum(seconds),
        compute_quantile(seconds, 0.5),
        compute_quantile(seconds, 0.9),
        tokens,
        sum(row.read for row in rows),
        sum(row.written for row in rows),
        sum(row.calls for row in rows),
        sum(seconds) / resolved if resolved else None,
        tokens / resolved if resolved else None,
    )


def _compute_recall(rows: Sequence[ReportRow]) -> list[tuple[str, Rate]]:
    suspecting = [row for row in rows if row.suspected and row.reference]
    found = [
        (f"file @{cut}", Rate(sum(row.rank is not None and row.rank <= cut for row in suspecting), len(suspecting)))
        for cut in CUTS
    ]
    patched = [row for row in rows if row.right_file is not None]
    return [*found, ("file of the patch", Rate(sum(bool(row.right_file) for row in patched), len(patched)))]


def _compute_calibration(rows: Sequence[ReportRow]) -> tuple[ClaimRate, ...]:
    """Compute how often each claim was right; claims about undecided instances are left out."""
    decided = [row for row in rows if row.resolved is not None and row.state is JobState.FINISHED and row.outcome]
    claims = (
        ("verified", lambda row: row.outcome == "verified"),
        ("confidence high", lambda row: row.confidence == "high"),
        ("confidence medium", lambda row: row.confidence == "medium"),
        ("confidence low", lambda row: row.confidence == "low"),
        ("not verified", lambda row: row.outcome not in {"verified", "given"}),
    )
    bins = [ClaimRate(name, compute_rate([row for row in decided if holds(row)])) for name, holds in claims]
    return tuple(each for each in bins if each.rate.total)
