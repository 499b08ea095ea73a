"""Exit codes. They follow from tests, the diff and errors, never from what a model says."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repoagent.domain import Result


class ExitCode(IntEnum):
    """What the exit code of `repoagent` means."""

    VERIFIED = 0
    """A patch that was shown to solve the issue without breaking a test. For other commands: success."""
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
    """Time or tokens were used up before a patch was verified; the best so far is delivered."""
    INTERRUPTED = 130


def get_result_code(result: Result) -> ExitCode:
    """Map the outcome of a run to its exit code."""
    codes = {
        "verified": ExitCode.VERIFIED,
        "unverified": ExitCode.UNVERIFIED,
        "none": ExitCode.NO_PATCH,
        "budget": ExitCode.BUDGET,
    }
    return codes[result.outcome]


def get_error_code(error: BaseException) -> ExitCode:
    """Map an error that ended a command to its exit code."""
    from repoagent.errors import BudgetExceeded, EnvironmentFailed, ToolError, UserError

    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    if isinstance(error, UserError | ToolError):
        return ExitCode.USAGE
    if isinstance(error, EnvironmentFailed):
        return ExitCode.ENVIRONMENT
    return ExitCode.BUDGET if isinstance(error, BudgetExceeded) else ExitCode.INTERNAL
