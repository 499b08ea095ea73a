"""Serve the tools over an index as an MCP server on standard input and output.

Before an answer the index is refreshed, if it is older than FRESH_SECONDS. What the caller can correct is
returned as a tool's error, which a model reads and acts on.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from repoagent import __version__
from repoagent.errors import ToolError, UserError
from repoagent.index.background import start_background_read
from repoagent.index.build import Index
from repoagent.toolkit import Tool, ToolContext

if TYPE_CHECKING:
    from mcp.server.lowlevel.server import Server
    from mcp_types import CallToolResult

INSTRUCTIONS = """\
Tools to find your way in the git repository at {root}: definitions, callers, text, outlines, by an index of syntax
trees. Start with show_map or search_code, read with read_symbol and view_lines. Nothing is changed, nothing is run.
Paths are relative to the repository."""

FRESH_SECONDS = 0.5
"""Seconds for which calls in a row use the same state of the tree."""


class ToolCaller:
    """Answers tool calls about one repository, in the state it has when they come."""

    def __init__(self, root: Path, cache: Path | None, tools: Mapping[str, Tool], *, limit: int = 2000) -> None:
        self.tools = {name: tool for name, tool in tools.items() if name != "run_tests"}
        """The tools that can be called: there is no sandbox, so none that runs code."""
        self._index = Index.open(root, cache)
        self._refreshed_at = time.monotonic()
        self._limit = limit
        start_background_read(self._index)

    def call(self, name: str, arguments: Mapping[str, object]) -> str:
        """Call the tool `name` and return its answer; raises ToolError for what the caller can correct."""
        tool = self.tools.get(name)
        if tool is None:
            raise ToolError(f"There is no tool `{name}`. There are: {', '.join(self.tools)}.")
        self._refresh_if_stale()
        try:
            return tool.call(ToolContext(self._index, self._index.root, limit=self._limit), **arguments)
        except UserError as error:
            raise ToolError(str(error)) from error

    def _refresh_if_stale(self) -> None:
        if time.monotonic() - self._refreshed_at > FRESH_SECONDS:
            self._index = self._index.refresh()
            self._refreshed_at = time.monotonic()


def serve(answers: ToolCaller, root: Path) -> None:
    """Serve on standard input and output until it is closed. Raises UserError where the protocol is not installed."""
    try:
        import anyio
        from mcp.server.stdio import stdio_server
    except ImportError as error:
        raise UserError(
            "the Model Context Protocol is not installed; `pip install 'repoagent[mcp]'` installs it"
        ) from error

    async def run() -> None:
        server = build_server(answers, root)
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    anyio.run(run)


def build_server(answers: ToolCaller, root: Path) -> Server[object]:
    """Build the MCP server that passes calls to `answers`."""
    import anyio
    from mcp.server.lowlevel import Server as LowLevel
    from mcp_types import CallToolRequestParams, ListToolsResult
    from mcp_types import Tool as ToolDescription

    lock = anyio.Lock()

    async def list_tools(_context: object, _params: object) -> ListToolsResult:
        described = [
            ToolDescription(name=name, description=tool.description, input_schema=dict(tool.schema))
            for name, tool in answers.tools.items()
        ]
        return ListToolsResult(tools=described)

    async def call_tool(_context: object, params: CallToolRequestParams) -> CallToolResult:
        async with lock:  # the index answers one at a time
            return await anyio.to_thread.run_sync(_answer_call, answers, params.name, params.arguments or {})

    return LowLevel(
        "repoagent",
        version=__version__,
        instructions=INSTRUCTIONS.format(root=root),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _answer_call(answers: ToolCaller, name: str, arguments: Mapping[str, object]) -> CallToolResult:
    from mcp_types import CallToolResult, TextContent

    try:
        text, failed = answers.call(name, arguments), False
    except ToolError as error:
        text, failed = str(error), True
    return CallToolResult(content=[TextContent(text=text)], is_error=failed)
