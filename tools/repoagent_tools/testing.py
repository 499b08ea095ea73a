"""The tool that runs tests, in the sandbox that the run was given."""

from __future__ import annotations

from repoagent.errors import ToolError
from repoagent.toolkit import ToolContext, tool


@tool
def run_tests(context: ToolContext, tests: list[str]) -> str:
    """Run tests in the sandbox and show what failed.

    `tests` are ids as the test runner names them, as `tests/test_x.py::test_y`, or files; an empty list runs all.
    """
    if context.run_tests is None:
        raise ToolError(
            "Tests cannot be run here. Go on by reading the code: find_references shows the tests of a function."
        )
    if any(test.startswith("-") for test in tests):
        raise ToolError("A test's id does not start with `-`; options cannot be given. Name files or tests.")
    return context.cap(context.run_tests(tests), "Run fewer tests to see more of each.")
