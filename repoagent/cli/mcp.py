"""`repoagent mcp`: serve the tools to editors and other agents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def mcp(
    repo: Annotated[Path, typer.Option("--repo", help="A git work tree.")] = Path(),
    tools: Annotated[
        list[Path] | None,
        typer.Option("--tools", help="A folder with tools of your own. Its Python files are run, with your rights."),
    ] = None,
    limit: Annotated[int, typer.Option(min=200, help="Maximum tokens of one answer.")] = 2000,
) -> None:
    """Serve tool calls of an MCP client on standard input and output until it disconnects."""
    from repoagent.index.store import default_cache
    from repoagent.mcp.server import Answers, serve
    from repoagent.toolbox import gather

    root = repo.resolve()
    serve(Answers(root, default_cache(), gather(tools or ()), limit=limit), root)
