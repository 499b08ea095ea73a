"""Measure which tests call which function, once for each state of the repository, and cache it."""

from repoagent.testbed.covering.map import CoverageMap, Place
from repoagent.testbed.covering.measuring import known, measure, noted, possible

__all__ = ["CoverageMap", "Place", "known", "measure", "noted", "possible"]
