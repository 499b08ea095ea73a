"""What is published: the result of one run on one issue, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from repoagent.domain import Issue, Oracle, Result


@dataclass(frozen=True)
class Delivery:
    """A result, for one issue of one repository. What a run wrote may be hostile, as its issue may."""

    number: int
    """The number of the issue."""
    issue: Issue
    result: Result
    oracle: Oracle
    base: str
    """The commit that the patch is made for."""
    branch: str = ""
    """The branch that the patch shall go into; empty for the default one."""
    version: str = ""
    """The version of the program that made it."""
    audit: str = ""
    """The last hash of the run's audit log."""
    budget: str = ""
    """What the run was allowed to use, for people."""
    witness: Literal["session", "job"] = "session"
    """Who says that something was verified: a session of whoever publishes, or another job."""

    @property
    def patch(self) -> str:
        """The fix, and the regression test with it where there is one."""
        return self.result.patch + self.result.test_patch

    @property
    def is_verified(self) -> bool:
        return self.result.outcome == "verified"

    @property
    def closes(self) -> bool:
        """Whether the evidence is good enough to close the issue when the patch is merged."""
        return self.is_verified and self.result.confidence != "low"
