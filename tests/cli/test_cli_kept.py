"""`repoagent testbed images` and `prune`, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from repoagent.cli.main import app
from repoagent.sandbox.docker import DockerEngine

pytestmark = pytest.mark.usefixtures("own_state")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["testbed", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.docker
def test_what_environments_stand_on_is_listed_with_them() -> None:
    DockerEngine().prepare(lambda _line: None)
    found = {each["key"]: each for each in json.loads(printed("images", "--json", "--sandbox", "docker"))}
    bases = [each for each in found.values() if each["kind"] == "base"]
    assert bases
    assert all(each["bytes"] > 10_000_000 and each["below"] == "" for each in bases)
    assert "base         repoagent-base:py3.11-" in printed("images", "--sandbox", "docker")


@pytest.mark.bubblewrap
def test_what_is_removed_is_told(cache: Path) -> None:
    for name in ("one", "two"):
        folder = cache / "environments" / name
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(bytes(10_000))
    assert printed("prune", "--sandbox", "bubblewrap") == ("removed: 0 environments and 0 base images, 0.0 GB\n")
    assert sorted(json.loads(printed("prune", "--keep-gb", "0", "--json", "--sandbox", "bubblewrap"))) == ["one", "two"]
    assert json.loads(printed("images", "--json", "--sandbox", "bubblewrap")) == []
