"""The request of a run, as it is stored in the session so that `resume` needs only its id."""

from __future__ import annotations

from dataclasses import dataclass

from repoagent.config import Settings


@dataclass(frozen=True)
class RunRequest:
    """The arguments of one `repoagent solve`."""

    issue: str
    """A GitHub issue's URL, a file, or `-`."""
    settings: Settings
    repo: str | None = None
    base: str | None = None
    test_command: str | None = None
    out: str | None = None
    ask: bool = False
    """Whether to stop after planning, for a person to read and edit spec and plan."""
    apply: bool = False
    """Whether a verified patch shall change the user's work tree."""
    branch: str | None = None
    """The new branch that a verified patch shall go on."""
    with_test: bool = False
    """Whether the regression test goes where the patch goes."""
    image: str = ""
    """A container image that has what the tests need; empty to build one."""
