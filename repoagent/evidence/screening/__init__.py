"""Choose among hundreds of variants of one function: all are tried in one sandbox, a fraction of a second each."""

from repoagent.evidence.screening.base import Check, Screened, Variant
from repoagent.evidence.screening.screen import Place, compare, screen, single_tests

__all__ = ["Check", "Place", "Screened", "Variant", "compare", "screen", "single_tests"]
