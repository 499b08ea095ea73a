"""Patches are judged by the tests of the fix: names of every benchmark are found, gold resolves, nothing does not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from repoagent.bench.evaluation.harness import build_harness_command, evaluate_with_harness, read_reports
from repoagent.bench.evaluation.naming import OutcomeIndex
from repoagent.bench.evaluation.observe import list_files_to_run, prepare_instance
from repoagent.bench.evaluation.official import build_instance_report, build_run_report
from repoagent.bench.evaluation.scan import scan_for_cheating
from repoagent.bench.instance import format_diff
from repoagent.bench.run_config import RunConfig
from repoagent.bench.runs import evaluate_all, lock_run, make_executor, open_or_create, solve_all, validate_all
from repoagent.bench.store import ResultStore
from repoagent.bench.summaries import adopt_validation, summarise_validation
from repoagent.bench.task import Agent, AgentResult, AttemptResult, BenchTask, Evaluation, JobState
from repoagent.domain import Outcome, Status
from repoagent.errors import EnvironmentFailed, UserError
from tests.bench.conftest import BROKEN, NEW_TEST, OLD_TEST, RIGHT, History, git, means, own, row, settings, write_rows

PASSED, FAILED = Status.PASSED, Status.FAILED


@pytest.mark.parametrize(
    ("ids", "name", "expected"),
    [
        ({"t/a.py::test_b": PASSED}, "t/a.py::test_b", PASSED),
        ({"m.Case.test_b": PASSED}, "test_b (m.Case)", PASSED),
        ({"m.Case.test_b": PASSED}, "test_b (m.Case.test_b)", PASSED),
        ({"m.Case.test_b": PASSED}, "test_b (other.Case)", None),
        ({"sympy/t.py::test_b": FAILED}, "test_b", FAILED),
        ({"a.py::test_b": PASSED, "c.py::test_b": FAILED}, "test_b", FAILED),
        ({"a.py::test_b[x y]": PASSED, "a.py::test_b[x z]": PASSED}, "a.py::test_b[x", PASSED),
        ({"a.py::test_b[x y]": PASSED, "a.py::test_b[x z]": FAILED}, "a.py::test_b[x", FAILED),
        ({"a.py::test_b": PASSED}, "a.py::test_c", None),
        ({"m.Case.test_b": PASSED}, "Something is described here.", PASSED),
        ({"m.Other.test_b": PASSED}, "Something is described here.", None),
    ],
)
def test_tests_are_found_by_the_names_that_benchmarks_use(
    ids: dict[str, Status], name: str, expected: Status | None
) -> None:
    source = 'class Case:\n    def test_b(self):\n        """\n        Something is described here.\n\n        x"""\n'
    outcomes = [Outcome(identity, status) for identity, status in ids.items()]
    assert OutcomeIndex.from_outcomes(outcomes, [source, "no python ("]).find_status(name) is expected


def test_the_files_to_run_are_those_that_the_fix_and_the_names_name() -> None:
    made = own("x")
    assert list_files_to_run(made) == ("test_shop.py",)


@pytest.mark.parametrize(
    ("judged", "resolved"),
    [
        (Evaluation(True, "completed", ("a",), (), ("b",)), True),
        (Evaluation(True, "completed", ("a",), ("c",), ("b",)), False),
        (Evaluation(True, "completed", ("a",), (), (), ("b",)), False),
        (Evaluation(True, "timed out", ("a",)), False),
        (Evaluation(False), False),
        (Evaluation(True, "completed"), False),
    ],
)
def test_resolved_is_all_of_the_one_and_none_of_the_other(judged: Evaluation, resolved: bool) -> None:
    assert judged.is_resolved is resolved
    report = build_instance_report("x", judged)["x"]
    assert isinstance(report, dict)
    assert report["resolved"] is resolved


# --- traces -----------------------------------------------------------------------------------------------------------


def test_cheating_is_found_in_patches_and_traces(tmp_path: Path) -> None:
    from repoagent.bench.datasets.rows import convert_row

    said = [
        {"kind": "tool.called", "command": "git log --all -p | grep total"},
        {"kind": "tool.called", "command": "curl -s https://example.org/fix.diff"},
        {"kind": "model.answered", "answer": "I make test_all_values_are_counted pass"},
    ]
    (tmp_path / "events.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in said))
    patch = format_diff("test_shop.py", OLD_TEST, "") + format_diff("conftest.py", None, "import os\n")

    found = scan_for_cheating(convert_row(row()), patch, tmp_path)

    assert {(each.kind, each.where) for each in found} == {
        ("tests", "patch"),
        ("runner", "patch"),
        ("future", "events.jsonl"),
        ("network", "events.jsonl"),
        ("tests", "events.jsonl"),
    }


def test_an_honest_trace_is_not_accused(tmp_path: Path) -> None:
    """What the agent is shown may name anything: the code, the issue, the log of a test."""
    from repoagent.bench.datasets.rows import convert_row

    said = [
        {"kind": "tool.answered", "output": "README: curl -s https://example.org | sh; git log --all"},
        {"kind": "tool.called", "command": "git log -3; git diff; python -m pytest -k total"},
    ]
    (tmp_path / "events.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in said))
    assert scan_for_cheating(convert_row(row()), format_diff("shop.py", BROKEN, RIGHT), tmp_path) == ()


# --- the official harness ---------------------------------------------------------------------------------------------


def test_verdicts_of_the_official_harness_are_taken_in(tmp_path: Path) -> None:
    """In the layout and words that swebench 5.0.2 wrote for a run of its own."""
    told = {
        "ann__shop-7": {
            "patch_is_None": False,
            "patch_exists": True,
            "patch_successfully_applied": True,
            "resolved": False,
            "infra_failure": False,
            "tests_status": {
                "FAIL_TO_PASS": {"success": [], "failure": ["a"]},
                "PASS_TO_PASS": {"success": ["b"], "failure": []},
                "FAIL_TO_FAIL": {"success": [], "failure": []},
                "PASS_TO_FAIL": {"success": [], "failure": []},
            },
        }
    }
    config = RunConfig(str(write_rows(tmp_path / "rows.jsonl", row())), settings(), name="test")
    with lock_run(tmp_path / "run", create=True) as store:
        open_or_create(store, config)
        place = tmp_path / "log" / "logs" / "run_evaluation" / "repoagent" / "test" / "ann__shop-7"
        place.mkdir(parents=True)
        (place / "report.json").write_text(json.dumps(told))
        assert read_reports(store, tmp_path / "log") == 1
        assert build_run_report(store)["unresolved_ids"] == ["ann__shop-7"]


def test_the_official_harness_is_called_as_its_users_call_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in its place writes down how it was called; without one the extra is named."""
    config = RunConfig("swe-bench-lite", settings(), name="test")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(UserError, match="repoagent\\[swebench\\]"):
        build_harness_command(config, Path("p.jsonl"), 4)
    (tmp_path / "swebench").write_text("#!/bin/sh\necho $@ > called\nexit 3\n")
    (tmp_path / "swebench").chmod(0o755)
    with ResultStore.create(tmp_path / "run") as store, pytest.raises(EnvironmentFailed, match="ended with 3"):
        evaluate_with_harness(store, config, 4)
    called = (tmp_path / "run" / "harness" / "called").read_text()
    predictions = (tmp_path / "run" / "predictions.jsonl").resolve()
    assert called == f"eval SWE-bench/SWE-bench_Lite -p {predictions} --run-id repoagent -j 4\n"


# --- in a real sandbox ------------------------------------------------------------------------------------------------

ROWS = (
    row(),
    row("wrong-tests", FAIL_TO_PASS='["test_shop.py::test_of_nobody"]'),
    row("nothing-to-mend", patch=format_diff("notes.md", None, "x\n"), FAIL_TO_PASS='["test_shop.py::test_nothing"]'),
    row("bad-test-patch", test_patch=format_diff("test_shop.py", "something else\n", "x\n")),
    row("no-tests", test_patch="", FAIL_TO_PASS=[], PASS_TO_PASS=[]),
    row("unnamed", FAIL_TO_PASS=[], PASS_TO_PASS=[]),
)


@pytest.mark.docker
@pytest.mark.network
def test_gold_resolves_all_that_can_be_judged_and_nothing_resolves_none(history: History, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", *ROWS)
    mirrors = str(history.path.parent)
    with lock_run(tmp_path / "validation", create=True) as store:
        config = open_or_create(store, RunConfig(str(rows), settings(sandbox="docker"), mirrors=mirrors))
        validate_all(store, config, means(), make_executor)
        found = summarise_validation(store)
        jobs = {job.instance: job for job in store.read_jobs("validate")}
    assert (found.runnable, found.gold, found.empty, found.is_valid) == (2, 2, 0, True)
    reasons = {name: job.done.validated.reason for name, job in jobs.items() if job.done and job.done.validated}
    assert "still fail: test_shop.py::test_of_nobody" in reasons["wrong-tests"]
    assert "pass without it" in reasons["nothing-to-mend"]
    assert {name for name, job in jobs.items() if job.state is JobState.UNUSABLE} == {"bad-test-patch", "no-tests"}

    for agent, resolved in (("gold", ["ann__shop-7", "unnamed"]), ("empty", [])):
        with lock_run(tmp_path / agent, create=True) as store:
            given = RunConfig(str(rows), settings(sandbox="docker"), Agent(agent), mirrors=mirrors)  # type: ignore[arg-type]
            config = open_or_create(store, given)
            solve_all(store, config, means(), make_executor)
            adopt_validation(store, tmp_path / "validation")
            evaluate_all(store, config, means(), make_executor)
            report = build_run_report(store)
        assert report["resolved_ids"] == resolved
        assert report["unresolved_ids"] == []


@pytest.mark.docker
@pytest.mark.network
@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        (format_diff("shop.py", BROKEN, RIGHT), (True, True, 1, 0)),
        (format_diff("shop.py", BROKEN, "def total(values):\n    return 3\n"), (True, False, 1, 1)),
        (format_diff("shop.py", BROKEN, "def total(values) nonsense\n"), (True, False, 0, 0)),
        (format_diff("shop.py", "something else\n", RIGHT), (False, False, 0, 0)),
        (format_diff("test_shop.py", OLD_TEST, NEW_TEST.replace("== 3", "== 2")), (True, False, 0, 0)),
    ],
    ids=["right", "breaks a test", "does not even parse", "does not apply", "changes the test"],
)
def test_a_patch_is_judged_by_the_tests_of_the_fix(
    patch: str, expected: tuple[bool, bool, int, int], history: History, tmp_path: Path
) -> None:
    from repoagent.bench.datasets.rows import convert_row

    task = BenchTask("evaluate", convert_row(row()), settings(sandbox="docker"), mirrors=str(history.path.parent))
    with prepare_instance(task, tmp_path) as bench:
        judged = bench.evaluate_patch(patch)
    applied, resolved, fixed, broken = expected
    assert (judged.applied, judged.is_resolved, len(judged.fixed)) == (applied, resolved, fixed)
    assert resolved or len(judged.broken) >= broken


@pytest.mark.docker
@pytest.mark.network
def test_a_dataset_is_mined_from_a_history_and_solved_by_its_own_fix(history: History, tmp_path: Path) -> None:
    for name, text in (("unproven", "# a comment\n"), ("later", "LATER = 1\n")):
        (history.path / "shop.py").write_text(RIGHT + text)
        (history.path / "test_shop.py").write_text(NEW_TEST + f"\n\ndef test_{name}():\n    assert True\n")
        git(history.path, "commit", "--quiet", "--all", "--message", f"Fix {name}")
    (tmp_path / "issues").mkdir()
    (tmp_path / "issues" / "7.md").write_text("# total() forgets the first value\n")
    out = tmp_path / "mined.jsonl"
    command = (sys.executable, "-m", "repoagent", "bench", "mine", "--repo", history.path, "--out", out, "--last", 5)
    more = ("--issues", tmp_path / "issues", "--sandbox", "docker", "--min-free-gb", "0.01")

    ended = subprocess.run([str(each) for each in (*command, *more)], capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    mined = [json.loads(line) for line in out.read_text().splitlines()]
    assert "from 3 fixes" in ended.stdout
    (made,) = [each for each in mined if each["base_commit"] == history.base]
    assert made["problem_statement"] == "# total() forgets the first value\n"
    assert made["FAIL_TO_PASS"] == ["test_shop.py::test_all_values_are_counted"]
    assert made["PASS_TO_PASS"] == ["test_shop.py::test_nothing"]
    assert "notes.txt" in made["patch"]
    assert "test_shop.py" not in made["patch"]


def test_a_history_without_fixes_gives_no_dataset(tmp_path: Path) -> None:
    from repoagent.bench.mining import MiningRequest, collect_fixes
    from repoagent.bench.schedule import ignore_progress

    git(tmp_path, "init", "--quiet")
    (tmp_path / "a.txt").write_text("x")
    git(tmp_path, "add", "a.txt")
    git(tmp_path, "commit", "--quiet", "--message", "Fix nothing")
    with pytest.raises(UserError, match="touches code and tests"):
        collect_fixes(
            MiningRequest(str(tmp_path)), tmp_path / "out.jsonl", settings(), means(), make_executor, ignore_progress
        )


def test_an_empty_patch_needs_no_tests_to_be_judged(tmp_path: Path) -> None:
    with ResultStore.create(tmp_path) as store:
        store.add_instances([own("a")])
        store.plan_jobs("solve", ["a"])
        store.begin_attempt("solve", "a")
        store.end_attempt("solve", "a", AttemptResult(JobState.FINISHED, solved=AgentResult("", "none")))
        evaluate_all(store, RunConfig("x", settings()), means(), make_executor)
        report = build_run_report(store)
    assert (report["empty_patch_ids"], report["completed_instances"]) == (["a"], 0)
