"""`repoagent mcp`: serve the tools to editors and other agents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve_tools(
    repo: Annotated[Path, typer.Option("--repo", help="A git work tree.")] = Path(),
    tools: Annotated[
        list[Path] | None,
        typer.Option("--tools", help="A folder with tools of your own. Its Python files are run, with your rights."),
    ] = None,
    limit: Annotated[int, typer.Option(min=200, help="Maximum tokens of one answer.")] = 2000,
) -> None:
    """Serve tool calls of an MCP client on standard input and output until it disconnects."""
    from repoagent.index.store import locate_cache
    from repoagent.mcp.server import ToolCaller, serve
    from repoagent.toolbox import gather_tools

    root = repo.resolve()
    serve(ToolCaller(root, locate_cache(), gather_tools(tools or ()), limit=limit), root)
