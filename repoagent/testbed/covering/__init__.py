"""Which tests cover a function: measured once for a state of the repository, and remembered."""

from repoagent.testbed.covering.map import CoverageMap, Place
from repoagent.testbed.covering.measuring import known, measure, noted, possible

__all__ = ["CoverageMap", "Place", "known", "measure", "noted", "possible"]
