"""Where tools come from, and which of a name wins."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from repoagent.errors import UserError
from repoagent.toolbox import ENTRY_POINT_GROUP, gather_tools

EXTENSION = Path(__file__).parent / "extension"

BUILT_IN = {
    *("show_map", "outline", "find_symbol", "read_symbol", "view_lines", "list_files", "search_code", "search_text"),
    *("find_references", "find_callers", "find_callees", "find_subclasses", "find_similar", "slice_lines", "run_tests"),
}


def test_the_built_in_tools_are_always_there() -> None:
    found = gather_tools(installed=())
    assert set(found) == BUILT_IN
    assert all(tool.description and tool.schema["type"] == "object" for tool in found.values())


def test_a_trusted_folder_adds_tools_and_wins_over_the_built_in_ones() -> None:
    found = gather_tools([EXTENSION], installed=())
    assert set(found) == BUILT_IN | {"count_lines"}
    assert found["view_lines"].origin.endswith("sample_tools.py")


@pytest.mark.parametrize("value", ["sample_tools", "sample_tools:count_lines"])
def test_an_installed_package_names_a_module_or_a_function(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXTENSION)
    found = gather_tools(installed=[EntryPoint("sample", value, ENTRY_POINT_GROUP)])
    assert found["count_lines"].origin == f"entry point sample = {value}"


def test_nothing_of_the_working_directory_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ".repoagent" / "tools"
    folder.mkdir(parents=True)
    (folder / "evil.py").write_text("raise SystemExit('loaded')\n")
    monkeypatch.chdir(tmp_path)
    assert set(gather_tools(installed=())) == BUILT_IN


@pytest.mark.parametrize(
    "source", ["def f(:\n", "import no_such_module_anywhere\n", "1 / 0\n", "x = 1\n", "raise KeyError('k')\n"]
)
def test_a_broken_tool_file_is_named(tmp_path: Path, source: str) -> None:
    (tmp_path / "broken.py").write_text(source)
    with pytest.raises(UserError, match=r"broken\.py"):
        gather_tools([tmp_path], installed=())


def test_a_broken_package_and_a_missing_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no_such_package"):
        gather_tools(installed=[EntryPoint("sample", "no_such_package", ENTRY_POINT_GROUP)])
    with pytest.raises(UserError, match="missing"):
        gather_tools([tmp_path / "missing"], installed=())


def test_a_tool_without_a_docstring_is_named(tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text(
        "from repoagent.toolkit import tool\n\n@tool\ndef bare(context):\n    return ''\n"
    )
    with pytest.raises(UserError, match="`bare`"):
        gather_tools([tmp_path], installed=())
