"""`repoagent index` and `repoagent localise`, as a user types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from repoagent.cli import index
from repoagent.cli.main import app
from repoagent.errors import UserError
from repoagent.process import run

pytestmark = pytest.mark.usefixtures("own_state")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "repository"
    root.mkdir()
    (root / "a.py").write_text("class A:\n    def go(self):\n        return step()\n\n\ndef step():\n    return 1\n")
    run(("git", "init", "--quiet", str(root)), timeout=30)
    return root


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["find", "A.go"], "a.py:2: method A.go: def go(self)\n"),
        (["refs", "step"], "a.py:3: call step in A.go\n"),
        (["outline", "a.py", "A"], "    1 class A\n    2     def go(self)\n"),
        (["search", "return 1"], "a.py:7:     return 1\n"),
        (["find", "st", "--prefix"], "a.py:6: function step: def step()\n"),
        (["find", "setp", "--fuzzy"], "a.py:6: function step: def step()\n"),
        (["map", "--tokens", "50"], "a.py:\n    1 class A\n    2     def go(self)\n    6 def step()\n"),
        (["search", "--ranked", "a step"], None),
        (["similar", "step"], "100%  b.py:4-5 other\n"),
    ],
)
def test_the_index_answers(repository: Path, arguments: list[str], printed: str | None) -> None:
    if arguments[0] == "similar":
        (repository / "a.py").write_text("def step(x):\n    return x.go(1) + x.stop(2)\n")
        (repository / "b.py").write_text("\n\n\ndef other(y):\n    return y.go(3) + y.stop(4)\n")
    result = CliRunner().invoke(index.app, [*arguments, "--repo", str(repository)])
    assert result.exit_code == 0
    assert result.stdout == printed or (printed is None and "a.py:6 step" in result.stdout)
    as_json = json.loads(CliRunner().invoke(index.app, [*arguments, "--repo", str(repository), "--json"]).stdout)
    assert {"path", "unit"} & as_json[0].keys()


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["callers", "step"], "a.py:3: step in A.go -> a.py:6 step  [the nearest binding]\n"),
        (["callees", "A.go"], "a.py:3: step in A.go -> a.py:6 step  [the nearest binding]\n"),
        (["subclasses", "A"], ""),
        (["slice", "a.py:3"], "    3         return step()\n"),
        (["slice", "a.py:6", "--forward"], "    6 def step():\n"),
    ],
)
def test_the_index_follows_the_code(repository: Path, arguments: list[str], printed: str) -> None:
    result = CliRunner().invoke(index.app, [*arguments, "--repo", str(repository)])
    assert (result.exit_code, result.stdout) == (0, printed)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["callers", "setp"], "nothing is called `setp`; did you mean step?"),
        (["similar", "gone"], "nothing is called `gone`"),
        (["slice", "a.py:99"], "is in no Python function"),
        (["outline", "gone.py"], "no outline"),
    ],
)
def test_a_mistake_is_answered_with_what_to_try(repository: Path, arguments: list[str], complaint: str) -> None:
    with pytest.raises(UserError) as raised:
        CliRunner().invoke(index.app, [*arguments, "--repo", str(repository)], catch_exceptions=False)
    assert complaint in str(raised.value)


def test_nothing_found_is_said_on_standard_error(repository: Path) -> None:
    result = CliRunner().invoke(index.app, ["find", "setp", "--repo", str(repository)])
    assert (result.stdout, result.stderr) == ("", "nothing is called `setp`; did you mean step?\n")


def test_the_state_of_the_index_is_told(repository: Path) -> None:
    (repository / "x_pb2.py").write_text("x = 1\n")
    before = json.loads(CliRunner().invoke(index.app, ["status", "--repo", str(repository), "--json"]).stdout)
    assert (before["read"], before["not read yet"]) == (1, 1)
    CliRunner().invoke(index.app, ["build", "--repo", str(repository)])
    told = CliRunner().invoke(index.app, ["status", "--repo", str(repository), "--json", "--skipped"])
    after = json.loads(told.stdout)
    assert (after["files in languages"], after["not read yet"], after["symbols"]) == ({"python": 2}, 0, 3)
    assert after["skipped files"] == {"x_pb2.py": "generated"}
    assert "symbols: 3" in CliRunner().invoke(index.app, ["status", "--repo", str(repository)]).stdout


def test_a_cache_that_was_emptied_is_told(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "index.sqlite").write_bytes(b"no database" * 100)
    result = CliRunner().invoke(index.app, ["find", "step", "--repo", str(repository)])
    assert "the index's cache was emptied: file is not a database" in result.stderr
    assert result.stdout.startswith("a.py:6")


def test_an_issue_in_a_file_is_localised(repository: Path) -> None:
    (repository / "issue.md").write_text("# Wrong number\n\n`step` returns 1.\n")
    arguments = ["localise", "--issue", str(repository / "issue.md"), "--repo", str(repository)]
    result = CliRunner().invoke(app, arguments)
    assert result.stdout.splitlines()[0].split()[1:3] == ["a.py:6", "step"]
    as_json = json.loads(CliRunner().invoke(app, [*arguments, "--json", "--limit", "1"]).stdout)
    assert [row["symbol"] for row in as_json] == ["step"]


def test_nothing_heavy_is_imported_before_a_command_runs() -> None:
    program = "import sys, repoagent.cli.index; print({'tree_sitter', 'pydantic', 'sqlite3'} & set(sys.modules))"
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run((sys.executable, "-c", program), check=True, capture_output=True, text=True, env=path)
    assert done.stdout.strip() == "set()"
