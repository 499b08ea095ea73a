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
    ],
)
def test_the_index_answers(repository: Path, arguments: list[str], printed: str) -> None:
    result = CliRunner().invoke(index.app, [*arguments, "--repo", str(repository)])
    assert (result.exit_code, result.stdout) == (0, printed)
    as_json = CliRunner().invoke(index.app, [*arguments, "--repo", str(repository), "--json"])
    assert json.loads(as_json.stdout)[0]["path"] == "a.py"


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
