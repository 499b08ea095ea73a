"""The tools over MCP, asked by the real client through real pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from repoagent.errors import ToolError
from repoagent.index.build import Index
from repoagent.mcp.server import ToolCaller, build_server
from repoagent.toolbox import gather_tools

Indexed = Callable[[Mapping[str, str | bytes]], Index]

FILES: Mapping[str, str | bytes] = {
    "shop.py": "class Shop:\n    def total(self):\n        return add(1, 2)\n\ndef add(a, b):\n    return a + b\n",
    "README.md": "A shop.\n",
}


@pytest.fixture
def repository(indexed: Indexed) -> Path:
    return indexed(FILES).root


def _text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def _asked(repository: Path, ask: Callable[[Client], Awaitable[None]]) -> None:
    """Let `ask` talk to `repoagent mcp`, a process of its own."""

    async def run() -> None:
        command = StdioServerParameters(
            command=sys.executable,
            args=["-m", "repoagent", "mcp", "--repo", str(repository)],
            env={**os.environ, "REPOAGENT_CACHE": str(repository.parent / "cache")},
        )
        async with Client(command, read_timeout_seconds=60) as client:
            await ask(client)

    anyio.run(run)


def test_a_client_lists_the_tools_with_their_arguments(repository: Path) -> None:
    async def ask(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"show_map", "find_callers", "read_symbol", "slice_lines"} <= tools.keys()
        assert "run_tests" not in tools
        assert tools["view_lines"].input_schema["required"] == ["path", "start", "end"]
        assert (tools["find_symbol"].description or "").startswith("Find where a function")

    _asked(repository, ask)


def test_a_client_calls_tools_and_sees_edits(repository: Path) -> None:
    async def ask(client: Client) -> None:
        found = await client.call_tool("find_callers", {"name": "add"})
        assert (_text(found), found.is_error) == ("shop.py:3 in Shop.total [the nearest binding]", False)
        (repository / "new.py").write_text("from shop import add\n\ndef more():\n    return add(3, 4)\n")
        await anyio.sleep(0.6)
        again = await client.call_tool("find_callers", {"name": "add"})
        assert "new.py:4 in more [by import]" in _text(again)

    _asked(repository, ask)


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("find_symbol", {"name": "totla"}, "Did you mean total"),
        ("view_lines", {"path": "../secret", "start": 1, "end": 2}, "leads out of the repository"),
        ("view_lines", {"path": "shop.py"}, "view_lines` takes"),
        ("no_such_tool", {}, "There is no tool"),
    ],
)
def test_what_can_be_mended_is_told_as_an_error_of_the_tool(
    repository: Path, name: str, arguments: dict[str, object], told: str
) -> None:
    async def run() -> None:
        server = build_server(ToolCaller(repository, None, gather_tools(installed=())), repository)
        async with Client(server) as client:
            result = await client.call_tool(name, arguments)
            assert result.is_error
            assert told in _text(result)

    anyio.run(run)


def test_answers_are_cut_with_advice(indexed: Indexed) -> None:
    index = indexed({f"m{n}.py": "def run(): pass\n" for n in range(200)})
    text = ToolCaller(index.root, None, gather_tools(installed=()), limit=200).call("find_symbol", {"name": "run"})
    assert "more lines. Ask for `Class.method`" in text
    assert len(text) < 1000


def test_a_folder_without_git_is_refused_before_anything_is_served(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "repoagent", "mcp", "--repo", str(tmp_path))
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert "git init" in done.stderr
    assert done.stdout == ""


def test_an_unknown_tool_is_a_tool_error(repository: Path) -> None:
    with pytest.raises(ToolError, match="There is no tool `rm`"):
        ToolCaller(repository, None, {}).call("rm", {})
