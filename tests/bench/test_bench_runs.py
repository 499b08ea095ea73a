"""Runs in real child processes: killed and resumed, with repositories that are not there, disks that are full, agents
that crash, and a future that cannot be read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from repoagent.bench.datasets import load_dataset
from repoagent.bench.evaluation.official import build_run_report
from repoagent.bench.layout import get_instance_folder
from repoagent.bench.predictions import read_predictions
from repoagent.bench.run_config import RunConfig, read_run_config
from repoagent.bench.runs import RunOptions, import_predictions, lock_run, make_executor, open_or_create, solve_all
from repoagent.bench.schedule import RunLimits
from repoagent.bench.store import ResultStore
from repoagent.bench.summaries import summarise_solving
from repoagent.bench.task import Agent, JobState
from repoagent.errors import UserError
from tests.bench.conftest import RIGHT, SECRET, History, Solve, git, means, row, settings, write_rows

FIX = f"printf '%s' '{RIGHT}' > shop.py"


def states(out: Path) -> dict[str, JobState]:
    with ResultStore.open(out) as store:
        return {job.instance: job.state for job in store.read_jobs("solve")}


def test_what_a_command_changes_is_the_patch(history: History, solve: Solve, tmp_path: Path) -> None:
    agent = f"cat > issue.txt; {FIX}; mkdir new; echo x > new/file; rm test_shop.py"
    assert solve(tmp_path / "run", write_rows(tmp_path / "rows.jsonl", row()), agent) == ""

    (prediction,) = read_predictions(tmp_path / "run" / "predictions.jsonl")
    assert (prediction.instance_id, prediction.model_name_or_path) == ("ann__shop-7", "test")
    assert git(history.path, "apply", "--numstat", str(_written(tmp_path, prediction.model_patch or ""))).split(
        "\n"
    ) == [
        "3\t0\tissue.txt",
        "1\t0\tnew/file",
        "1\t1\tshop.py",
        "0\t5\ttest_shop.py",
    ]


def _written(folder: Path, patch: str) -> Path:
    (folder / "patch.diff").write_text(patch)
    return folder / "patch.diff"


def test_the_future_cannot_be_read(history: History, solve: Solve, tmp_path: Path) -> None:
    """Not by any way that git has, nor by reading its files; nor can the reference patch be found beside the tree."""
    found = tmp_path / "found.txt"
    agent = f"""
    {{ git log --all --format=%B; git reflog; git tag; git remote -v; git branch -a; git stash list; git notes
      git cat-file --batch-all-objects --batch-check; git fsck --lost-found; git show {history.fix}
      for id in $(git cat-file --batch-all-objects --batch-check='%(objectname)'); do git cat-file -p $id; done
      find .git -type f -exec cat {{}} +; cat .git/objects/info/alternates; cat ../task.json
    }} > {found} 2>&1; git rev-list --all >> {found}"""
    solve(tmp_path / "run", write_rows(tmp_path / "rows.jsonl", row(base_commit=history.base)), agent)

    seen = found.read_text(errors="replace")
    assert "\nBase\n" in seen, "the one commit is there"
    for secret in (SECRET, "count all values", "sum(values)\n", "v2", "localhost/ann", "all_values_are_counted"):
        assert secret not in seen, secret
    assert f"bad object {history.fix}" in seen
    assert not any(history.path.name in line for line in seen.splitlines())


def test_every_kind_of_trouble_ends_in_a_state_of_its_own_and_the_rest_goes_on(
    history: History, solve: Solve, tmp_path: Path
) -> None:
    rows = [
        row("fine-1"),
        row("typed-wrong") | {"patch": 7},
        row("no-repository", repo=f"file://{tmp_path}/nowhere"),
        row("no-commit", base_commit="a" * 40),
        row("agent-dies"),
        row("agent-is-killed"),
        row("never-ready"),
        row("fine-2"),
    ]
    agent = f"""case $REPOAGENT_INSTANCE in
      agent-dies) exit 3;; agent-is-killed) kill -9 $PPID; sleep 9;; never-ready) exit 75;; *) {FIX};; esac"""
    out = tmp_path / "run"

    assert solve(out, write_rows(tmp_path / "rows.jsonl", *rows), agent, means(retries=1, model_retries=1)) == ""

    assert states(out) == {
        "fine-1": JobState.FINISHED,
        "typed-wrong": JobState.UNUSABLE,
        "no-repository": JobState.UNUSABLE,
        "no-commit": JobState.UNUSABLE,
        "agent-dies": JobState.CRASHED,
        "agent-is-killed": JobState.ENVIRONMENT,
        "never-ready": JobState.ENVIRONMENT,
        "fine-2": JobState.FINISHED,
    }
    with ResultStore.open(out) as store:
        said = {job.instance: (job.reason, job.attempts, job.failures) for job in store.read_jobs("solve")}
        report = build_run_report(store)
        told = summarise_solving(store)
    assert "row 2 (typed-wrong), field patch" in said["typed-wrong"][0]
    assert "no repository" in said["no-repository"][0]
    assert "no commit" in said["no-commit"][0]
    assert said["agent-dies"] == ("AgentCrashed: the command ended with 3: ", 1, 0)
    assert (said["agent-is-killed"][0], *said["agent-is-killed"][1:]) == (
        "the worker was ended by SIGKILL, perhaps for lack of memory",
        2,
        2,
    )
    assert said["never-ready"][1:] == (2, 2)
    assert (report["total_instances"], report["submitted_instances"]) == (8, 2)
    assert "2 given" in told


def test_an_agent_that_does_not_end_is_ended_with_all_it_started(history: History, tmp_path: Path) -> None:
    config = RunConfig(
        str(write_rows(tmp_path / "rows.jsonl", row())),
        settings(max_minutes=0.02),
        Agent("command", "sleep 4321 & sleep 4321"),
        mirrors=str(history.path.parent),
    )
    with lock_run(tmp_path / "run", create=True) as store:
        solve_all(store, open_or_create(store, config), means(), make_executor)
    assert states(tmp_path / "run") == {"ann__shop-7": JobState.TIMED_OUT}
    assert not _running("sleep 4321")


def _running(words: str) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if words in place.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"):
                found.append(int(place.parent.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


COUNT = 24


def test_killed_twice_and_resumed_nothing_is_lost_or_doubled(history: History, tmp_path: Path) -> None:
    """By SIGKILL, in the middle, the real command with two workers; the agent notes each of its runs outside."""
    rows = write_rows(tmp_path / "rows.jsonl", *(row(f"shop-{number:02}") for number in range(COUNT)))
    ledger, out = tmp_path / "ledger", tmp_path / "run"
    agent = f"echo began $REPOAGENT_INSTANCE >> {ledger}; sleep 0.2; {FIX}; echo ended $REPOAGENT_INSTANCE >> {ledger}"
    arguments = ("--dataset", rows, "--out", out, "--agent", agent, "--mirrors", history.path.parent, "--workers", 2)
    command = (sys.executable, "-m", "repoagent", "bench", "run", *map(str, arguments), "--min-free-gb", "0.001")

    for ended in (4, 12):
        _kill_after(command, out, ended)
    before = states(out)
    last = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    assert last.returncode == 0, last.stderr
    assert Counter(before.values())[JobState.FINISHED] >= 12
    assert states(out) == dict.fromkeys((f"shop-{number:02}" for number in range(COUNT)), JobState.FINISHED)
    predictions = Counter(each.instance_id for each in read_predictions(out / "predictions.jsonl"))
    assert predictions == Counter(f"shop-{number:02}" for number in range(COUNT))
    begun = Counter(line.split()[1] for line in ledger.read_text().splitlines() if line.startswith("began"))
    assert sum(begun.values()) <= COUNT + 2 * 2, "each kill loses at most what was in flight"
    with ResultStore.open(out) as store:
        jobs = list(store.read_jobs("solve"))
    assert sum(job.interruptions for job in jobs) <= 2 * 2
    assert sum(job.failures for job in jobs) == 0
    assert {instance for instance, state in before.items() if state is JobState.FINISHED} <= {
        job.instance for job in jobs if job.attempts <= 1 + job.interruptions
    }
    assert not _running(str(out))


def _kill_after(command: tuple[str, ...], out: Path, ended: int) -> None:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while _ended(out) < ended:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def _ended(out: Path) -> int:
    if not (out / "results.sqlite").exists():
        return 0
    try:
        return Counter(states(out).values())[JobState.FINISHED]
    except Exception:
        return 0


def test_a_run_belongs_to_one_process_and_to_one_set_of_settings(
    history: History, solve: Solve, tmp_path: Path
) -> None:
    rows, out = write_rows(tmp_path / "rows.jsonl", row()), tmp_path / "run"
    solve(out, rows, FIX)
    with pytest.raises(UserError, match="other settings"):
        solve(out, rows, "true")
    with lock_run(out), pytest.raises(UserError, match="another process"):
        solve(out, rows, FIX)
    with lock_run(out) as store:
        assert read_run_config(store).agent.command == FIX
    with pytest.raises(UserError, match="no run"):
        lock_run(tmp_path / "elsewhere").__enter__()


def test_what_the_infrastructure_failed_is_tried_again_by_the_next_call(
    history: History, solve: Solve, tmp_path: Path
) -> None:
    rows, out, flag = write_rows(tmp_path / "rows.jsonl", row()), tmp_path / "run", tmp_path / "mended"
    agent = f"test -e {flag} || exit 75; {FIX}"
    solve(out, rows, agent, means(retries=0))
    assert states(out) == {"ann__shop-7": JobState.ENVIRONMENT}
    flag.touch()
    solve(out, rows, agent)
    assert states(out) == {"ann__shop-7": JobState.FINISHED}


def test_predictions_of_others_are_taken_in(history: History, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", row("a"), row("b"), row("c"))
    theirs = write_rows(
        tmp_path / "predictions.jsonl",
        {"instance_id": "a", "model_name_or_path": "other", "model_patch": "diff"},
        {"instance_id": "b", "model_name_or_path": "other", "model_patch": None},
        {"instance_id": "unknown", "model_name_or_path": "other", "model_patch": "diff"},
    )
    with lock_run(tmp_path / "run", create=True) as store:
        open_or_create(store, RunConfig(str(rows), settings()))
        assert import_predictions(store, theirs) == 2
        report = build_run_report(store)
    assert (report["submitted_ids"], report["empty_patch_ids"], report["incomplete_ids"]) == (["a", "b"], ["b"], ["c"])
    write_rows(theirs, {"model_patch": "x"})
    with pytest.raises(UserError, match="row 1, field instance_id"):
        list(read_predictions(theirs))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)), check=True)
    yield place
    subprocess.run(("umount", "--lazy", str(place)), check=True)


@pytest.mark.docker  # whoever may use the engine may mount
def test_an_instance_that_fills_the_disk_costs_itself_alone(
    history: History, solve: Solve, small_disk: Path, tmp_path: Path
) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", row("small-1"), row("large"), row("small-2"), row("small-3"))
    agent = f"test $REPOAGENT_INSTANCE != large || head -c 40M /dev/zero > zeros || exit 75; {FIX}"
    given = RunOptions(1, RunLimits(retries=0), min_free_bytes=1_000_000)

    solve(small_disk / "run", rows, agent, given)

    assert states(small_disk / "run") == {
        "small-1": JobState.FINISHED,
        "large": JobState.ENVIRONMENT,
        "small-2": JobState.FINISHED,
        "small-3": JobState.FINISHED,
    }


@pytest.mark.docker  # whoever may use the engine may mount
def test_a_disk_without_room_is_told_before_an_instance_starts(
    history: History, solve: Solve, small_disk: Path, tmp_path: Path
) -> None:
    rows, out = write_rows(tmp_path / "rows.jsonl", row("a"), row("b")), small_disk / "run"
    solve(out, rows, FIX, RunOptions(1, min_free_bytes=10**9, keep_environments=10**15))
    with ResultStore.open(out) as store:
        reasons = [job.reason for job in store.read_jobs("solve")]
    assert set(states(out).values()) == {JobState.ENVIRONMENT}
    assert all("are needed for an instance" in reason for reason in reasons)
    solve(out, rows, FIX, means())
    assert set(states(out).values()) == {JobState.FINISHED}


def test_traces_lie_where_they_are_looked_for_and_work_trees_do_not_stay(
    history: History, solve: Solve, tmp_path: Path
) -> None:
    solve(tmp_path / "run", write_rows(tmp_path / "rows.jsonl", row()), f"echo said; {FIX}")
    folder = get_instance_folder(tmp_path / "run", "solve", "ann__shop-7")
    assert (folder / "output.log").read_text() == "said\n"
    assert not (folder / "tree").exists()
    assert not (folder / "task.json").exists()
    assert json.loads((folder / "done.json").read_text())["attempt"] == 1


def test_a_dataset_of_nothing_but_bad_rows_is_a_run_that_ends(tmp_path: Path, solve: Solve) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", row() | {"repo": None}, 5)
    assert load_dataset(str(rows)).instances == ()
    solve(tmp_path / "run", rows, "true")
    assert states(tmp_path / "run") == {"ann__shop-7": JobState.UNUSABLE, "row-2": JobState.UNUSABLE}
