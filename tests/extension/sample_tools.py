"""A sample plug-in: one new tool, and one that takes the place of a built-in tool."""

from __future__ import annotations

from repoagent.toolkit import ToolContext, tool


@tool
def count_lines(context: ToolContext, path: str) -> str:
    """Count the lines of the file `path`."""
    return str(context.index.read_source(path).count("\n"))


@tool
def view_lines(context: ToolContext, path: str, start: int = 1, end: int = 10) -> str:
    """Show lines `start` to `end` of `path`, in capitals."""
    return context.index.read_lines(path, start, end).upper()
