"""Compare two runs instance by instance; only instances that both runs decided are compared."""

from __future__ import annotations

from dataclasses import dataclass

from repoagent.bench.reporting.collect import ReportRow, RunData
from repoagent.bench.reporting.statistics import compute_mcnemar


@dataclass(frozen=True)
class Comparison:
    """Two runs, paired by instance."""

    one: RunData
    other: RunData
    both: tuple[str, ...]
    only_one: tuple[str, ...]
    only_other: tuple[str, ...]
    neither: tuple[str, ...]
    unpaired: tuple[str, ...]
    """Instances that are missing or undecided in one of the runs."""

    @property
    def paired(self) -> int:
        """The number of instances that both runs decided."""
        return len(self.both) + len(self.only_one) + len(self.only_other) + len(self.neither)

    @property
    def chance(self) -> float:
        """The probability of a difference at least as large by chance (McNemar, exact)."""
        return compute_mcnemar(len(self.only_one), len(self.only_other))

    @property
    def _counts(self) -> str:
        alone = f"only A {len(self.only_one)}, only B {len(self.only_other)}, neither {len(self.neither)}"
        return f"both {len(self.both)}, {alone}; p = {self.chance:.3g} (McNemar, exact)"

    @property
    def text(self) -> str:
        """The comparison as lines for a terminal."""
        one, other = self.one.label, self.other.label
        rows = _index_rows(self.one) | _index_rows(self.other)
        lines = [
            f"A  {one}: {len(self.both) + len(self.only_one)} of {self.paired} resolved",
            f"B  {other}: {len(self.both) + len(self.only_other)} of {self.paired} resolved",
            self._counts,
            *(f"only A  {identity}  B: {_index_rows(self.other)[identity].failure}" for identity in self.only_one),
            *(f"only B  {identity}  A: {_index_rows(self.one)[identity].failure}" for identity in self.only_other),
            *(f"left out  {identity}  {rows[identity].failure}" for identity in self.unpaired),
        ]
        return "\n".join(lines) + "\n"


def compare_runs(one: RunData, other: RunData) -> Comparison:
    """Compare two runs, paired by instance."""
    a, b = _read_decided(one), _read_decided(other)
    paired = sorted(a.keys() & b.keys())

    def select(in_one: bool, in_other: bool) -> tuple[str, ...]:
        return tuple(each for each in paired if (a[each], b[each]) == (in_one, in_other))

    everything = {row.id for run in (one, other) for row in run.rows}
    return Comparison(
        one,
        other,
        select(True, True),
        select(True, False),
        select(False, True),
        select(False, False),
        tuple(sorted(everything - set(paired))),
    )


def _read_decided(run: RunData) -> dict[str, bool]:
    return {row.id: row.resolved for row in run.evaluable_rows if row.resolved is not None}


def _index_rows(run: RunData) -> dict[str, ReportRow]:
    return {row.id: row for row in run.rows}
