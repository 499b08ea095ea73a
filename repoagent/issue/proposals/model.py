"""What an issue may propose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProposedHunk:
    """Lines that shall stand in the place of others."""

    before: str
    """As they are now; never empty."""
    after: str
    path: str = ""
    """As the issue names the file; empty where it names none."""


@dataclass(frozen=True)
class ProposedChange:
    """One change that the issue proposes."""

    source: str
    """For a person: `the diff in the issue`."""
    hunks: tuple[ProposedHunk, ...] = ()
    function: str = ""
    """Instead of hunks: the text of a function as it should be."""
    pieces: tuple[str, ...] = ()
    """Instead of both: statements and literals as the issue names them, of which some may be as they should be."""
