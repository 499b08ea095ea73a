"""The commands as they are typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

from repoagent.bench.gate import make_server_check
from repoagent.bench.store import ResultStore
from repoagent.bench.task import JobState
from tests.bench.conftest import RIGHT, History, row, write_rows
from tests.bench.flaky_server import FlakyServer
from tests.small_project import ISSUE, make_repository

FIX = f"printf '%s' '{RIGHT}' > shop.py"


def bench(*arguments: object, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run `repoagent bench`."""
    command = (sys.executable, "-m", "repoagent", "bench", *map(str, arguments))
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def test_a_dataset_is_listed_and_its_bad_rows_are_named(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", row("a"), row("b"), row("c") | {"repo": 3})
    (tmp_path / "ids").write_text("b\n")
    good = bench("dataset", "--dataset", rows, "--ids", tmp_path / "ids")
    assert good.stdout.splitlines() == ["b  ann/shop@HEAD~1  2 lines, 1 to pass, 1 to keep  <15 min fix"]
    assert (good.returncode, good.stderr) == (2, "row 3 (c), field repo: Input should be a valid string\n")
    unknown = bench("dataset", "--dataset", rows, "--ids", "nobody")
    assert (unknown.returncode, "no instance nobody" in unknown.stderr) == (2, True)


def test_a_run_tells_each_ending_and_ends_with_what_became_of_it(history: History, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", row("a"), row("b"))
    out, flag = tmp_path / "run", tmp_path / "mended"
    agent = f"test $REPOAGENT_INSTANCE = a || test -e {flag} || exit 75; {FIX}"
    common = ("--mirrors", history.path.parent, "--min-free-gb", "0.001", "--retries", "0")

    failed = bench("run", "--dataset", rows, "--out", out, "--agent", agent, *common)
    assert failed.returncode == 5, failed.stderr
    assert "  a  given, " in failed.stderr
    assert "2 instances: 1 given, 1 environment; 1 attempts failed by the infrastructure" in failed.stdout
    flag.touch()
    resumed = bench("resume", out, "--min-free-gb", "0.001")
    assert (resumed.returncode, resumed.stdout.startswith("2 instances: 2 given")) == (0, True)
    spent = bench(
        "run", "--dataset", rows, "--out", tmp_path / "other", *common, "--agent", agent, "--total-tokens", "0"
    )
    assert spent.returncode == 6
    assert "repoagent bench resume" in spent.stderr

    assert bench("report", out, "--out", tmp_path / "report").returncode == 0
    assert "Benchmark report" in (tmp_path / "report" / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("report", "nowhere"), "holds no run"),
        (("resume", "nowhere"), "no run nowhere"),
        (("run", "--dataset", "nowhere.jsonl", "--out", "x"), "no dataset"),
        (("evaluate", "x", "--predictions", "nowhere.jsonl"), "needs --dataset"),
        (("sizing", "--workers", "many"), "not a list of numbers"),
        (("run", "--dataset", "x.jsonl", "--out", "x", "--label", "docker"), "not of the form NAME=VALUE"),
    ],
)
def test_what_cannot_be_done_is_explained(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    command = (sys.executable, "-m", "repoagent", "bench", *arguments)
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (ended.returncode, words in ended.stderr) == (2, True), ended.stderr


def test_sizes_are_a_table() -> None:
    ended = bench("sizing", "--instances", 10, "--workers", "1,2", "--gpus", "1")
    assert ended.stdout.count("\n") == 4


@pytest.mark.docker
@pytest.mark.network
def test_predictions_of_others_are_judged(history: History, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", row("right"), row("wrong"), row("empty"))
    common = {"model_name_or_path": "other"}
    theirs = write_rows(
        tmp_path / "predictions.jsonl",
        {"instance_id": "right", "model_patch": row()["patch"], **common},
        {"instance_id": "wrong", "model_patch": "diff --git a/x b/x\n", **common},
        {"instance_id": "empty", "model_patch": "", **common},
    )
    given = ("--predictions", theirs, "--dataset", rows, "--mirrors", history.path.parent, "--name", "other")
    ended = bench("evaluate", tmp_path / "run", *given, "--sandbox", "docker", "--min-free-gb", "0.01", timeout=600)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "1 of 3 resolved (2 evaluated, 0 errors)\n"
    report = json.loads((tmp_path / "run" / "other.run.json").read_text())
    assert (report["resolved_ids"], report["unresolved_ids"], report["empty_patch_ids"]) == (
        ["right"],
        ["wrong"],
        ["empty"],
    )
    one = json.loads((tmp_path / "run" / "instances" / "right" / "evaluation" / "report.json").read_text())
    assert one["right"]["tests_status"]["FAIL_TO_PASS"]["success"] == ["test_shop.py::test_all_values_are_counted"]


# --- this program's own agent, and a model server that goes and comes ------------------------------------------------


def test_a_server_is_asked_whether_it_is_there() -> None:
    with FlakyServer() as server:
        assert make_server_check(server.url)()
    assert not make_server_check(server.url)()
    assert make_server_check("qwen2.5-coder-1.5b")()


@pytest.mark.docker
@pytest.mark.network
def test_a_model_server_that_dies_and_returns_costs_time_and_no_result(tmp_path: Path) -> None:
    """It dies when it was asked for the first time, and is back after the gate has found it missing."""
    repository = make_repository(tmp_path / "repository")
    rows = write_rows(
        tmp_path / "rows.jsonl",
        *(row(name, repo=str(repository), base_commit="HEAD", problem_statement=ISSUE) for name in ("one", "two")),
    )
    out = tmp_path / "run"
    with FlakyServer(dies_after=1) as server:
        Thread(target=_return_when_missed, args=(server, out), daemon=True).start()
        given = ("--model", server.url, "--samples", 2, "--sandbox", "docker", "--min-free-gb", "0.01")
        ended = bench("run", "--dataset", rows, "--out", out, *given, timeout=500)
    assert ended.returncode == 0, ended.stderr
    with ResultStore.open(out) as store:
        jobs = {job.instance: job for job in store.read_jobs("solve")}
    assert {job.state for job in jobs.values()} == {JobState.FINISHED}
    assert {job.done.solved.outcome for job in jobs.values() if job.done and job.done.solved} == {"verified"}
    assert sum(job.failures for job in jobs.values()) >= 1
    assert not (out / "instances" / "one" / "session" / "workspace").exists()
    assert (out / "instances" / "one" / "session" / "events.jsonl").is_file()


def _return_when_missed(server: FlakyServer, out: Path) -> None:
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline:
        if (out / "results.sqlite").exists():
            with ResultStore.open(out) as store:
                if any(job.failures for job in store.read_jobs("solve")):
                    break
        time.sleep(0.5)
    server.rise()


def test_the_commands_of_benchmarks_cost_no_start_up_time() -> None:
    script = "import sys, repoagent.cli.main; print([m for m in sys.modules if m.startswith('repoagent.bench')])"
    ended = subprocess.run(
        (sys.executable, "-c", script), capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert ended.stdout == "[]\n"
