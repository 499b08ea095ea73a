"""What variants are screened with, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

from repoagent.domain import Oracle, Strength


@dataclass(frozen=True)
class Check:
    """A script or tests that a right variant passes and the untouched code does not."""

    oracle: Oracle
    failing: tuple[str, ...] = ()
    """Tests that fail and should pass; run where the oracle proves nothing."""
    passing: tuple[str, ...] = ()
    """Tests that must not fail."""
    pytest: tuple[str, ...] = ()
    """Arguments with which pytest collects them; none where the project's tests run otherwise."""

    @property
    def by_script(self) -> bool:
        """Whether the oracle's script decides, rather than tests."""
        return self.oracle.strength in (Strength.STRONG, Strength.CRASH)

    @property
    def possible(self) -> bool:
        """Whether anything could tell a right variant from a wrong one."""
        return self.by_script or bool(self.failing and self.pytest)


@dataclass(frozen=True)
class Variant:
    """One changed version of a file: pieces of its text with what stands there instead, in the text's order."""

    changes: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True)
class Screened:
    """What a variant did in its fork; never a verdict, for the code under test may have lied."""

    passed: bool
    """Whether it did all that was asked for."""
    progress: float
    """The part of what was asked for that it did, beyond the untouched code; from 0 to 1."""
    shown: str = ""
    """What it printed or which tests it passed; equal for variants that behave alike as far as was seen."""


FAILED = Screened(False, 0.0)
