"""The built-in tools, called as a model calls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from repoagent.errors import ToolError
from repoagent.index.build import Index
from repoagent.toolbox import gather_tools
from repoagent.toolkit import ToolContext

Indexed = Callable[[Mapping[str, str | bytes]], Index]

CORE = '''\
class Engine:
    """Runs."""

    speed = 1

    def start(self, key):
        return turn(key)


class Motor:
    def start(self):
        pass


def turn(key):
    return key
'''


FAST = """\
from pkg.core import Engine


class Fast(Engine):
    def wash(self, water, soap):
        drops = water.count() + soap.count()
        other = 3
        return drops

class Faster:
    def wash(self, rain, foam):
        sum = rain.count() + foam.count()
        more = 4
        return sum
"""


@pytest.fixture
def context(tmp_path: Path, indexed: Indexed) -> ToolContext:
    (tmp_path / "secret.txt").write_text("secret")
    root = tmp_path / "repository"
    root.mkdir()
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "folder").symlink_to(tmp_path)
    files: Mapping[str, str | bytes] = {
        "pkg/core.py": CORE,
        "pkg/fast.py": FAST,
        "pkg/data.bin": b"\0",
        "README.md": "# turn the key\n",
    }
    index = indexed(files)
    return ToolContext(index, index.root)


def _call(context: ToolContext, name: str, /, **arguments: object) -> str:
    return gather_tools(installed=())[name].call(context, **arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("find_symbol", {"name": "Engine.start"}, "pkg/core.py:6 method Engine.start: def start(self, key)"),
        ("find_references", {"name": "turn"}, "pkg/core.py:7 call in Engine.start"),
        ("read_symbol", {"path": "pkg/core.py", "name": "turn"}, "   15 def turn(key):\n   16     return key"),
        ("view_lines", {"path": "README.md", "start": 1, "end": 99}, "    1 # turn the key"),
        ("search_text", {"text": "turn the"}, "README.md:1: # turn the key"),
        ("search_text", {"text": "cla.s M", "regex": True, "path": "pkg"}, "pkg/core.py:10: class Motor:"),
        ("list_files", {"pattern": "*.py"}, "pkg/core.py\npkg/fast.py"),
        ("list_files", {"folder": "pkg"}, "pkg/core.py\npkg/data.bin\npkg/fast.py"),
        ("find_symbol", {"name": "speed"}, "pkg/core.py:4 variable Engine.speed: speed = 1"),
        ("find_callers", {"name": "turn"}, "pkg/core.py:7 in Engine.start [the nearest binding]"),
        ("find_callees", {"name": "Engine.start"}, "    7 turn -> pkg/core.py:15 turn [the nearest binding]"),
        ("find_subclasses", {"name": "Engine"}, "pkg/fast.py:4 class Fast(Engine)"),
        ("search_code", {"question": "the key is turned"}, None),
        ("find_similar", {"path": "pkg/fast.py", "start": 5, "end": 8}, "100% pkg/fast.py:11-14 Faster.wash"),
        ("slice_lines", {"path": "pkg/fast.py", "line": 8}, None),
        ("show_map", {"mentioned": ["turn"], "path": "pkg/core.py"}, None),
    ],
)
def test_a_tool_answers(context: ToolContext, name: str, arguments: dict[str, object], answer: str | None) -> None:
    told = _call(context, name, **arguments)
    assert told == answer or (answer is None and told)


def test_code_is_found_by_what_it_is_about(context: ToolContext) -> None:
    assert _call(context, "search_code", question="the key is turned").startswith("pkg/core.py:15 turn: ")


def test_a_slice_shows_only_what_decides(context: ToolContext) -> None:
    lines = _call(context, "slice_lines", path="pkg/fast.py", line=8).splitlines()
    assert lines == [
        "    5     def wash(self, water, soap):",
        "    6         drops = water.count() + soap.count()",
        "    8         return drops",
    ]


def test_the_map_shows_what_matters(context: ToolContext) -> None:
    text = _call(replace(context, limit=30), "show_map", mentioned=["turn"])
    assert "def turn(key)" in text
    assert "more definitions" in text


def test_an_outline_shows_a_file_or_a_class(context: ToolContext) -> None:
    assert "def turn(key)" in _call(context, "outline", path="pkg/core.py")
    assert _call(context, "outline", path="pkg/core.py", name="Engine").splitlines() == [
        "    1 class Engine  # Runs.",
        "    4     speed = 1",
        "    6     def start(self, key)",
    ]


@pytest.mark.parametrize(
    "path",
    ["../secret.txt", "/etc/passwd", "pkg/../../secret.txt", "link.txt", "folder/secret.txt", ".git/config", "a\0b"],
)
@pytest.mark.parametrize("name", ["view_lines", "outline", "read_symbol", "search_text", "list_files"])
def test_nothing_outside_the_listed_files_is_shown(context: ToolContext, name: str, path: str) -> None:
    arguments: dict[str, dict[str, object]] = {
        "view_lines": {"path": path, "start": 1, "end": 2},
        "outline": {"path": path},
        "read_symbol": {"path": path, "name": "x"},
        "search_text": {"path": path, "text": "e"},
        "list_files": {"folder": path},
    }
    with pytest.raises(ToolError):
        _call(context, name, **arguments[name])


@pytest.mark.parametrize(
    ("name", "arguments", "advice"),
    [
        ("find_symbol", {"name": "Engin"}, "Did you mean Engine?"),
        ("find_references", {"name": "turm"}, "turn"),
        ("read_symbol", {"path": "pkg/core.py", "name": "start"}, "Engine.start, Motor.start"),
        ("read_symbol", {"path": "pkg/core.py", "name": "trun"}, "turn"),
        ("read_symbol", {"path": "core.py", "name": "turn"}, "Did you mean pkg/core.py?"),
        ("view_lines", {"path": "pkg/core.py", "start": 50, "end": 60}, "lines 1 to 16"),
        ("view_lines", {"path": "pkg/data.bin", "start": 1, "end": 2}, "binary"),
        ("outline", {"path": "README.md"}, "Use view_lines"),
        ("search_text", {"text": "absent words"}, "Try a shorter text"),
        ("search_text", {"text": "(", "regex": True}, "no regular expression"),
        ("list_files", {"folder": "pgk"}, "pkg"),
        ("run_tests", {"tests": []}, "cannot be run here"),
        ("find_callers", {"name": "trun"}, "Did you mean turn?"),
        ("find_callers", {"name": "Motor"}, "find_references"),
        ("find_callees", {"name": "turn"}, "read_symbol"),
        ("find_subclasses", {"name": "Motor"}, "find_references"),
        ("find_similar", {"path": "pkg/core.py", "start": 1, "end": 1}, "find_references"),
        ("find_similar", {"path": "pkg/core.py", "start": 6, "end": 7}, "fewer lines"),
        ("find_similar", {"path": "../x.py", "start": 6, "end": 7}, "leads out"),
        ("slice_lines", {"path": "pkg/core.py", "line": 4}, "view_lines"),
        ("search_code", {"question": "zebra"}, "search_text"),
        ("show_map", {"mentioned": [], "path": "nowhere"}, "list_files"),
    ],
)
def test_a_mistake_is_answered_with_what_to_try(
    context: ToolContext, name: str, arguments: dict[str, object], advice: str
) -> None:
    with pytest.raises(ToolError) as raised:
        _call(context, name, **arguments)
    assert advice in str(raised.value)


def test_long_output_is_cut_with_what_to_ask_next(context: ToolContext) -> None:
    short = replace(context, limit=20)
    assert _call(short, "read_symbol", path="pkg/core.py", name="Engine").endswith("up to line 7.")


def test_tests_are_run_by_what_the_context_was_given(context: ToolContext) -> None:
    asked: list[list[str]] = []

    def run(tests: object) -> str:
        asked.append(list(tests) if isinstance(tests, list) else [])
        return "1 passed"

    able = replace(context, run_tests=run)
    assert _call(able, "run_tests", tests=["tests/test_a.py"]) == "1 passed"
    assert asked == [["tests/test_a.py"]]
    with pytest.raises(ToolError, match="options"):
        _call(able, "run_tests", tests=["--collect-only"])
