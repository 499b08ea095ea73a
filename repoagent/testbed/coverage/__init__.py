"""Measure which tests call which function, once for each state of the repository, and cache it."""

from repoagent.testbed.coverage.map import CoverageMap, SourceSpan
from repoagent.testbed.coverage.measuring import (
    can_measure_coverage,
    load_coverage,
    measure_coverage,
    run_with_coverage,
)

__all__ = [
    "CoverageMap",
    "SourceSpan",
    "can_measure_coverage",
    "load_coverage",
    "measure_coverage",
    "run_with_coverage",
]
