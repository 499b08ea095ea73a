"""The adapters for peers, as far as they can be tried without the peers: what they take, run and hand in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.repair.peers.common import Clock, Job, hand_in, job, parser, run
from benchmarks.repair.peers.mini_swe_agent import _submitted

ADAPTERS = Path(__file__).parents[2] / "benchmarks" / "repair" / "peers"
PATCH = "--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-old = 1\n+new = 2\n"


@pytest.fixture
def work(tmp_path: Path) -> Job:
    tree, folder = tmp_path / "tree", tmp_path / "logs"
    tree.mkdir()
    folder.mkdir()
    (tree / "m.py").write_text("old = 1\n")
    subprocess.run(("git", "init", "--quiet"), cwd=tree, check=True)
    return Job("a__a-1", "wrong", {}, tree, "http://127.0.0.1:1/v1", folder, 60.0)


@pytest.mark.parametrize(
    ("patch", "applied"), [(PATCH, True), (PATCH.rstrip("\n"), True), ("", False), (PATCH.replace("old", "x"), False)]
)
def test_what_a_peer_hands_in_is_applied_where_it_can_be(work: Job, patch: str, applied: bool) -> None:
    hand_in(work, patch, "Submitted", 1.0)
    assert (work.tree / "m.py").read_text() == ("new = 2\n" if applied else "old = 1\n")
    told = json.loads((work.folder / "ending.json").read_text())
    assert (told["ending"], told["applied"]) == ("Submitted", applied)


def test_a_step_that_fails_or_takes_too_long_is_none(work: Job) -> None:
    log = work.folder / "log.txt"
    assert run((sys.executable, "-c", "print('said')"), 30, log)
    assert not run((sys.executable, "-c", "raise SystemExit(3)"), 30, log)
    assert not run((sys.executable, "-c", "import time; time.sleep(60)"), 1, log)
    assert "said" in log.read_text()
    assert "stopped after 1 s" in log.read_text()


def test_time_that_is_over_is_never_less_than_none() -> None:
    assert Clock(0.0).left == 0
    assert 0 < Clock(60.0).left <= 60


@pytest.mark.parametrize(("instance", "said"), [("", "REPOAGENT_INSTANCE is not set"), ("b__b-2", "no row 'b__b-2'")])
def test_an_adapter_without_a_row_says_who_runs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instance: str, said: str
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"instance_id": "a__a-1"}) + "\n")
    monkeypatch.setenv("REPOAGENT_INSTANCE", instance)
    arguments = parser("").parse_args(["--dataset", str(rows), "--server", "x", "--logs", str(tmp_path)])
    with pytest.raises(SystemExit, match=said):
        job(arguments)


@pytest.mark.parametrize("name", ["mini_swe_agent", "agentless"])
def test_an_adapter_runs_as_a_script_from_anywhere(name: str, tmp_path: Path) -> None:
    told = subprocess.run(
        (sys.executable, str(ADAPTERS / f"{name}.py"), "--help"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--minutes" in told.stdout


def test_a_peer_that_never_came_to_work_is_no_peer_without_a_patch(work: Job) -> None:
    with pytest.raises(SystemExit, match="says nothing about it"):
        _submitted(work)
