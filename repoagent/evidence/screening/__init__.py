"""Choose among hundreds of variants of one function: all are tried in one sandbox, a fraction of a second each."""

from repoagent.evidence.screening.base import ScreeningOracle, ScreeningResult, Variant
from repoagent.evidence.screening.screen import VariedFunction, observe_behaviour, run_single_tests, screen

__all__ = [
    "ScreeningOracle",
    "ScreeningResult",
    "Variant",
    "VariedFunction",
    "observe_behaviour",
    "run_single_tests",
    "screen",
]
