"""What runs tell about where a fault lies: code that failing runs execute and passing ones do not is suspicious.

Ochiai's coefficient (Abreu et al., 2007) over lines; a unit is as suspicious as the most suspicious of its lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from repoagent.index.retrieval.units import Unit
from repoagent.localise.evidence import Signal

WEIGHT = 0.5
"""What full suspicion counts, in shares of the best text score."""

Lines = Mapping[str, frozenset[int]]
"""The lines inside of functions that one run executed, by path; what runs on import is left out."""


@dataclass(frozen=True)
class Spectrum:
    """Which lines each run executed."""

    failing: tuple[Lines, ...]
    passing: tuple[Lines, ...] = ()

    @cached_property
    def suspicion(self) -> Mapping[str, Mapping[int, float]]:
        """For each line that a failing run executed how suspicious it is, from 0 to 1."""
        found: dict[str, dict[int, float]] = {}
        for path in {path for run in self.failing for path in run}:
            lines = frozenset[int]().union(*(run.get(path, frozenset()) for run in self.failing))
            found[path] = {line: self._compute_ochiai(path, line) for line in lines}
        return found

    def is_reached(self, unit: Unit) -> bool:
        """Whether a fault may lie there: a failing run executed it, or it holds what runs on import."""
        lines = self.suspicion.get(unit.path)
        if lines is None:
            return not unit.symbol
        return not unit.symbol or any(unit.start <= line <= unit.end for line in lines)

    def rank_lines(self, unit: Unit) -> tuple[int, ...]:
        """The lines of a unit that a failing run executed, most suspicious first; of equal ones the last, which is
        nearest to the failure."""
        found = self.suspicion.get(unit.path, {})
        inside = [line for line in found if unit.start <= line <= unit.end]
        return tuple(sorted(inside, key=lambda line: (-found[line], -line)))

    def _compute_ochiai(self, path: str, line: int) -> float:
        failed = sum(line in run.get(path, ()) for run in self.failing)
        passed = sum(line in run.get(path, ()) for run in self.passing)
        return failed / math.sqrt(len(self.failing) * (failed + passed)) if failed else 0.0


def find_by_spectrum(spectrum: Spectrum, units: Sequence[Unit]) -> Iterator[Signal]:
    """Units by the suspicion of their most suspicious line."""
    for unit in units:
        lines = spectrum.suspicion.get(unit.path, {})
        most = (
            max((lines[line] for line in lines if unit.start <= line <= unit.end), default=0.0) if unit.symbol else 0.0
        )
        if most:
            yield Signal(unit.path, unit.symbol, WEIGHT * most, "runs when it fails, and seldom when it does not")
