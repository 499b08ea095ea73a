"""`repoagent model`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from repoagent.cli.model import app, show_progress
from repoagent.errors import UserError


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No weights, no servers."""
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path))
    return tmp_path


def test_the_list_says_how_to_get_what_is_not_here() -> None:
    result = CliRunner().invoke(app, ["list"])
    assert result.exit_code == 0
    assert "not fetched: `repoagent model pull qwen2.5-coder-1.5b`" in result.stdout


def test_the_list_as_json_has_sizes_and_places(empty_cache: Path) -> None:
    rows = json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)
    assert [row["name"] for row in rows] == ["qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b"]
    for row in rows:
        assert (row["present"], Path(row["path"]).parent.parent) == (False, empty_cache)


def test_no_server_runs_in_an_empty_cache() -> None:
    assert json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout) == []
    assert "No model server runs" in CliRunner().invoke(app, ["status"]).stdout


def test_removing_what_is_not_here_is_no_error() -> None:
    result = CliRunner().invoke(app, ["rm", "qwen2.5-coder-0.5b"])
    assert (result.exit_code, result.stdout) == (0, "qwen2.5-coder-0.5b is not downloaded\n")


@pytest.mark.parametrize("command", [["pull", "gpt-5"], ["rm", "gpt-5"], ["serve", "gpt-5"]])
def test_an_unknown_model_is_an_error_of_the_users(command: list[str]) -> None:
    assert isinstance(CliRunner().invoke(app, command).exception, UserError)


def test_without_a_terminal_progress_is_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress("weights") as progress:
        for done in range(0, 1001, 25):
            progress(done, 1000)
    assert capsys.readouterr().err.splitlines() == [f"weights: {percent} %" for percent in range(10, 101, 10)]
