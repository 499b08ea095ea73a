"""What variants are screened with, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

from repoagent.domain import Oracle, Strength


@dataclass(frozen=True)
class ScreeningOracle:
    """A script or tests that a right variant passes and the untouched code does not."""

    script_oracle: Oracle
    failing_tests: tuple[str, ...] = ()
    """Tests that fail and should pass; run where the oracle proves nothing."""
    passing_tests: tuple[str, ...] = ()
    """Tests that must not fail."""
    pytest_arguments: tuple[str, ...] = ()
    """Arguments with which pytest collects them; none where the project's tests run otherwise."""

    @property
    def is_judged_by_script(self) -> bool:
        """Whether the oracle's script decides, rather than tests."""
        return self.script_oracle.strength in (Strength.STRONG, Strength.CRASH)

    @property
    def is_decisive(self) -> bool:
        """Whether anything could tell a right variant from a wrong one."""
        return self.is_judged_by_script or bool(self.failing_tests and self.pytest_arguments)


@dataclass(frozen=True)
class Variant:
    """One changed version of a file: pieces of its text with what stands there instead, in the text's order."""

    changes: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True)
class ScreeningResult:
    """What a variant did in its fork; never a verdict, for the code under test may have lied."""

    passed: bool
    """Whether it did all that was asked for."""
    progress: float
    """The part of what was asked for that it did, beyond the untouched code; from 0 to 1."""
    behaviour: str = ""
    """What it printed or which tests it passed; equal for variants that behave alike as far as was seen."""


FAILED = ScreeningResult(False, 0.0)
