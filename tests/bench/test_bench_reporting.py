"""Reports say what runs have shown: rates with intervals, pairs, what became of each instance, and nothing hostile."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from repoagent.bench.instance import Instance, format_diff
from repoagent.bench.reporting.collect import collect_run
from repoagent.bench.reporting.comparison import compare_runs
from repoagent.bench.reporting.digest import build_digest
from repoagent.bench.reporting.plots import LabelledCount, PlotLine, RateBar, draw_bars, draw_counts, draw_lines
from repoagent.bench.reporting.statistics import Rate, compute_mcnemar, compute_quantile
from repoagent.bench.reporting.write import write_reports
from repoagent.bench.run_config import RunConfig
from repoagent.bench.runs import lock_run
from repoagent.bench.sizing import Workload, format_table, simulate_run
from repoagent.bench.store import ResultStore
from repoagent.bench.task import Agent, AgentResult, AttemptResult, Evaluation, Finding, InstanceValidation, JobState
from repoagent.domain import Usage, dump
from tests.bench.conftest import BROKEN, RIGHT, settings

GOLD = format_diff("shop.py", BROKEN, RIGHT)
ELSEWHERE = format_diff("other.py", "a\n", "b\n")
HOSTILE = "<script>alert(1)</script> | [x](javascript:y) `z`"


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662), (0, 0, 0.0, 1.0)],
)
def test_wilson_intervals_are_those_of_the_literature(hits: int, total: int, low: float, high: float) -> None:
    """81 of 263: Newcombe 1998, Statistics in Medicine 17, table I."""
    assert list(Rate(hits, total).interval) == pytest.approx([low, high], abs=1e-4)


@pytest.mark.parametrize(("one", "other", "p"), [(0, 0, 1.0), (0, 4, 0.125), (1, 9, 0.021484375), (5, 5, 1.0)])
def test_mcnemar_is_the_exact_one(one: int, other: int, p: float) -> None:
    assert compute_mcnemar(one, other) == compute_mcnemar(other, one) == pytest.approx(p)


def test_mcnemar_of_many_does_not_overflow() -> None:
    assert 0 < compute_mcnemar(4000, 4100) < 1
    assert not math.isnan(compute_mcnemar(0, 900))


def test_quantiles_lie_between() -> None:
    assert (compute_quantile([], 0.5), compute_quantile([3.0], 0.9), compute_quantile([1.0, 2.0, 3.0], 0.5)) == (
        0.0,
        3.0,
        2.0,
    )


OUTCOMES: dict[str, tuple[AttemptResult, Evaluation | None]] = {
    "resolved": (
        AttemptResult(
            JobState.FINISHED,
            solved=AgentResult(GOLD, "verified", "high", Usage(2, 900, 0, 100), 60.0, ("shop.py",)),
            seconds=61.0,
        ),
        Evaluation(True, "completed", ("a",), (), ("b",)),
    ),
    "localised wrong": (
        AttemptResult(
            JobState.FINISHED,
            solved=AgentResult(ELSEWHERE, "unverified", "low", located=("other.py", "x.py", "shop.py")),
        ),
        Evaluation(True, "completed", (), ("a",), ("b",)),
    ),
    "no candidate": (AttemptResult(JobState.FINISHED, solved=AgentResult("", "none")), None),
    "claimed verified, and wrong": (
        AttemptResult(JobState.FINISHED, solved=AgentResult(GOLD, "verified", "high", located=("shop.py",))),
        Evaluation(True, "completed", (), ("a",)),
    ),
    "not verified": (
        AttemptResult(
            JobState.FINISHED,
            solved=AgentResult(GOLD, "unverified", "medium", findings=(Finding("future", "x", HOSTILE),)),
        ),
        Evaluation(True, "completed", (), ("a",)),
    ),
    "regressed": (
        AttemptResult(JobState.FINISHED, solved=AgentResult(GOLD, "verified", "medium")),
        Evaluation(True, "completed", ("a",), (), (), ("b",), log=HOSTILE),
    ),
    "patch does not apply": (
        AttemptResult(JobState.FINISHED, solved=AgentResult(GOLD, "unverified")),
        Evaluation(False),
    ),
    "agent crashed": (AttemptResult(JobState.CRASHED, HOSTILE), None),
    "agent timed out": (AttemptResult(JobState.TIMED_OUT, "did not end"), None),
    "environment": (AttemptResult(JobState.ENVIRONMENT, "no engine", "sandbox"), None),
    "unusable": (AttemptResult(JobState.UNUSABLE, "no such commit", "repository"), None),
    "not judged": (AttemptResult(JobState.FINISHED, solved=AgentResult(GOLD, "verified", "high")), None),
}


def make_run(folder: Path, name: str, outcomes: dict[str, tuple[AttemptResult, Evaluation | None]] = OUTCOMES) -> Path:
    """A run in which an instance is called as what shall become of it."""
    with lock_run(folder, create=True) as store:
        ids = {kind: re.sub(r"\W+", "-", kind) for kind in (*OUTCOMES, "not run", "not runnable")}
        store.add_instances(
            [Instance(identity, "ann/shop", "x", "issue", GOLD, difficulty=HOSTILE) for identity in ids.values()]
        )
        store.plan_jobs("solve", list(ids.values()))
        store.write_value("config", dump(RunConfig("rows.jsonl", settings(), Agent("repoagent"), name=name)))
        for kind, (done, judged) in outcomes.items():
            _end(store, ids[kind], done, judged)
        store.plan_jobs("validate", list(ids.values()))
        for kind, identity in ids.items():
            store.end_attempt(
                "validate",
                identity,
                AttemptResult(JobState.FINISHED, validated=InstanceValidation(kind != "not runnable", "old")),
            )
    (folder / "instances" / "resolved" / "session").mkdir(parents=True)
    events = [{"at": 1.0, "kind": "run.started", "text": HOSTILE}, {"at": 66.0, "kind": "run.ended"}]
    lines = "".join(f"{json.dumps(event)}\n" for event in events)
    (folder / "instances" / "resolved" / "session" / "events.jsonl").write_text(lines)
    return folder


def _end(store: ResultStore, identity: str, done: AttemptResult, judged: Evaluation | None) -> None:
    store.begin_attempt("solve", identity)
    store.end_attempt("solve", identity, done)
    if judged:
        store.plan_jobs("evaluate", [identity])
        store.begin_attempt("evaluate", identity)
        store.end_attempt("evaluate", identity, AttemptResult(JobState.FINISHED, judged=judged))


def test_what_became_of_each_instance_is_told_apart(tmp_path: Path) -> None:
    found = {row.id: row.failure for row in collect_run(make_run(tmp_path, "a")).rows}
    assert found == {re.sub(r"\W+", "-", kind): kind for kind in (*OUTCOMES, "not run")} | {"not-runnable": "not run"}


def test_the_numbers_are_those_of_the_rows(tmp_path: Path) -> None:
    numbers = build_digest(collect_run(make_run(tmp_path, "a")))
    assert (numbers.rate, numbers.of_all) == (Rate(1, 12), Rate(1, 14)), "without what cannot be judged here"
    assert dict(numbers.recall) == {
        "file @1": Rate(2, 3),
        "file @3": Rate(3, 3),
        "file @5": Rate(3, 3),
        "file of the patch": Rate(6, 7),
    }
    claims = {each.name: (each.rate.hits, each.rate.total) for each in numbers.calibration}
    assert claims == {
        "verified": (1, 3),
        "confidence high": (1, 2),
        "confidence medium": (0, 2),
        "confidence low": (0, 1),
        "not verified": (0, 4),
    }
    assert numbers.cost.tokens_per_resolved == 1000
    assert (numbers.infrastructure, numbers.not_runnable) == (1, 1)


def test_runs_are_compared_where_both_are_decided(tmp_path: Path) -> None:
    other = OUTCOMES | {"resolved": OUTCOMES["no candidate"], "not verified": OUTCOMES["resolved"]}
    found = compare_runs(collect_run(make_run(tmp_path / "a", "a")), collect_run(make_run(tmp_path / "b", "b", other)))
    assert (found.both, found.only_one, found.only_other) == ((), ("resolved",), ("not-verified",))
    assert "not-judged" in found.unpaired
    assert found.chance == 1.0
    assert "only A  resolved  B: no candidate" in found.text
    command = (sys.executable, "-m", "repoagent", "bench", "compare", str(tmp_path / "a"), str(tmp_path / "b"))
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == found.text


def test_pages_are_whole_and_hold_no_markup_of_others(tmp_path: Path) -> None:
    make_run(tmp_path / "a", "a")
    make_run(tmp_path / "b", HOSTILE)

    html, markdown = write_reports([tmp_path / "a", tmp_path / "b"], tmp_path / "out")

    pages = [html.read_text(), *(path.read_text() for path in (tmp_path / "a" / "trajectories").iterdir())]
    assert len(pages) == 15
    for page in pages:
        assert "<script" not in page
        assert "javascript:y" not in re.sub(r">[^<]*<", "", page), "in no attribute"
        assert not re.search(r"(src|href)=\"(https?:)?//", page)
        assert "default-src 'none'" in page
    for drawn in re.findall(r"<svg.*?</svg>", pages[0], re.DOTALL):
        _parsed(drawn)
    for link in set(re.findall(r'href="([^"]+)"', pages[0])):
        assert (tmp_path / "out" / link).is_file(), link
    trajectory = (tmp_path / "a" / "trajectories" / "resolved.html").read_text()
    assert "1:05" in trajectory
    for link in re.findall(r'href="([^"]+)"', trajectory):
        assert (tmp_path / "a" / "trajectories" / link).is_file(), link
    text = markdown.read_text()
    assert "<script" not in text
    assert "| a | 1 of 12 | 8.3% |" in text


def _parsed(drawn: str) -> ET.Element:
    return ET.fromstring(drawn)  # noqa: S314 - see the import


def test_plots_are_drawn_of_nothing_and_of_much() -> None:
    assert _parsed(draw_bars([RateBar("<&>", 0.5, 0.2, 0.8, "note")])).get("role") == "img"
    for drawn in (
        draw_bars([]),
        draw_counts([]),
        draw_counts([LabelledCount("x", 0)]),
        draw_lines([], "x", "y"),
        draw_lines([PlotLine("a", ())], "x", "y"),
    ):
        _parsed(drawn)
    many = PlotLine("a", tuple((float(n), float(n)) for n in range(1000)))
    assert "1,000" in draw_lines([many], "x", "y")


@pytest.mark.parametrize(
    ("workers", "gpus", "per_hour"),
    [(1, 1, 3600 / (40_000 / 60 + 360)), (512, 1, 1500 * 3600 / 40_000)],
    ids=["one worker waits for itself", "many workers wait for the model"],
)
def test_the_simulation_agrees_with_what_can_be_computed(workers: int, gpus: int, per_hour: float) -> None:
    found = simulate_run(Workload(2000, 40_000, 360, 1500, 60), workers, gpus)
    assert found.per_hour == pytest.approx(per_hour, rel=0.06)
    assert 0 <= found.gpu_busy <= 1.001


def test_more_workers_and_more_gpus_never_cost_time() -> None:
    load = Workload(300, 40_000, 360, 1500, 60)
    hours = [[simulate_run(load, workers, gpus).hours for workers in (1, 8, 64)] for gpus in (1, 4)]
    assert hours[0] == sorted(hours[0], reverse=True)
    assert all(more <= few * 1.001 for few, more in zip(*hours, strict=True))
    assert format_table(load, [1], [1]).count("\n") == 3
