"""Exit codes: decided by tests, the diff and errors, never by what a model says."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repoagent.domain import Result


class Exit(IntEnum):
    """What the exit code of `repoagent` means."""

    VERIFIED = 0
    """A patch, and it was shown to solve the issue without breaking a test. For other commands: done."""
    INTERNAL = 1
    """A defect of repoagent itself."""
    USAGE = 2
    """The request cannot be carried out as given."""
    UNVERIFIED = 3
    """A patch that could not be shown to solve the issue."""
    NO_PATCH = 4
    ENVIRONMENT = 5
    """Something on this machine or a service failed: engine, model server, network, disk."""
    BUDGET = 6
    """Time or tokens were spent before a patch was verified; the best so far is delivered."""
    INTERRUPTED = 130


def code_of(result: Result) -> Exit:
    """The exit code for the end of a run."""
    codes = {
        "verified": Exit.VERIFIED,
        "unverified": Exit.UNVERIFIED,
        "none": Exit.NO_PATCH,
        "budget": Exit.BUDGET,
    }
    return codes[result.outcome]


def code_for(error: BaseException) -> Exit:
    """The exit code for an error that ended a command."""
    from repoagent.errors import BudgetExceeded, EnvironmentFailed, ToolError, UserError

    if isinstance(error, KeyboardInterrupt):
        return Exit.INTERRUPTED
    if isinstance(error, UserError | ToolError):
        return Exit.USAGE
    if isinstance(error, EnvironmentFailed):
        return Exit.ENVIRONMENT
    return Exit.BUDGET if isinstance(error, BudgetExceeded) else Exit.INTERNAL
