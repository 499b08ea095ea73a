"""What a person sees of a run while it goes on, and at its end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from repoagent.cli.progress import ProgressPrinter, describe_event
from repoagent.cli.summary import format_result
from repoagent.domain import Confidence, Result, Spec, Usage
from repoagent.trace import Event, EventValue

EVENTS: list[tuple[str, dict[str, EventValue], list[str]]] = [
    ("run.started", {"session": "s1", "path": "/x"}, ["session s1"]),
    ("run.ended", {}, []),
    ("sandbox.progress", {"line": "making the base image"}, ["making the base image"]),
    ("sandbox.replaced", {"reason": "gone"}, ["the sandbox died and was replaced: gone"]),
    ("model.pulling", {"done": 500_000_000, "total": 1_000_000_000}, ["pulling the model: 500 of 1,000 MB (50 %)"]),
    ("model.pulling", {"done": 510_000_000, "total": 1_000_000_000}, []),
    ("model.pulling", {"done": 0, "total": 0}, ["pulling the model: 0 of 0 MB (0 %)"]),
    (
        "model.ready",
        {"name": "m", "context": 4096, "profile": "generic", "sandbox": "docker"},
        ["model m, 4096 tokens of context, profile generic; sandbox docker"],
    ),
    ("model.called", {"call": "chat", "prompt": 5, "cached": 0, "completion": 2, "seconds": 0.1}, []),
    ("model.failed", {"call": "chat", "error": "gone"}, []),
    ("index.built", {"files": 3, "symbols": 9}, ["indexed 3 files, 9 symbols"]),
    ("testbed.detected", {"packager": "none", "groups": [], "setups": []}, []),
    ("testbed.trying", {"setup": "Python 3.11", "why": []}, []),
    (
        "testbed.building",
        {"key": "k", "setup": "Python 3.11"},
        ["building the test environment: Python 3.11 (with network, for its packages)"],
    ),
    ("testbed.tried", {"setup": "x", "passed": 2, "failed": 1, "ending": "completed"}, ["smoke test: 2 pass, 1 fail"]),
    ("testbed.rejected", {"setup": "x", "reason": "why\nlog"}, ["environment rejected: why"]),
    ("testbed.progress", {"line": "pip"}, []),
    ("testbed.built", {"key": "k"}, ["test environment built"]),
    ("testbed.reused", {"key": "k", "setup": "Python 3.9"}, ["test environment from the cache: Python 3.9"]),
    ("environment.failed", {"reason": "pip said no"}, ["no test environment: pip said no"]),
    ("localised", {"functions": ["a.py:1 f", "b.py:2 g"]}, ["suspects: a.py:1 f, b.py:2 g"]),
    ("localised", {"functions": []}, ["no function resembles the issue"]),
    ("baseline.done", {"files": ["all"], "passing": 3, "failing": 0}, ["untouched code, all tests: 3 pass, 0 fail"]),
    ("baseline.done", {"files": ["t.py"], "passing": 1, "failing": 2}, ["untouched code, 1 test file: 1 pass, 2 fail"]),
    (
        "baseline.done",
        {"files": ["t.py::a", "t.py::b"], "passing": 0, "failing": 0, "ending": "timed out"},
        ["untouched code, 2 tests: 0 pass, 0 fail; the run timed out"],
    ),
    ("baseline.done", {"files": [], "passing": 0, "failing": 0}, ["untouched code, all tests: 0 pass, 0 fail"]),
    (
        "reproduced",
        {"strength": "strong", "source": "a block", "observed": "x"},
        ["reproduced: a block (strong evidence)"],
    ),
    (
        "reproduced",
        {"strength": "none", "source": "", "observed": ""},
        ["not reproduced: the issue has no example that shows the problem when it is run"],
    ),
    ("narrowed", {"files": 1, "functions": ["a.py:1 f"]}, ["the reproduction runs: a.py:1 f, …"]),
    ("plan.edited", {"files": ["plan.yaml"]}, []),
    (
        "drafted",
        {"generator": "rewrite", "target": "a.py:1 f", "candidates": 2, "refused": ["it changes nothing"]},
        ["rewrite on a.py:1 f: 2 candidates, 1 answer rejected"],
    ),
    (
        "mutated",
        {"target": "a.py:1 f", "done": ["873 mutants, of which 1 do what is asked"]},
        ["mutation on a.py:1 f: 873 mutants, of which 1 do what is asked"],
    ),
    (
        "candidate.judged",
        {"id": "abcdefgh", "gate": ["it changes no code"], "oracle": "unknown"},
        ["  abcdef rejected before testing: it changes no code"],
    ),
    ("round.drafted", {"round": 0, "waiting": 1, "known": 1}, []),
    ("diagnosed", {"reason": "r", "next": []}, []),
    ("selected", {"id": None, "votes": 0, "verified": False}, []),
    ("minimised", {"before": 4, "after": 2}, ["minimised from 4 to 2 changed lines"]),
    (
        "reviewed",
        {"id": "a", "oracle": "passed", "passed": 3, "broken": ["t"]},
        ["tested again in a fresh sandbox: 3 tests pass, 1 broken"],
    ),
    (
        "compared",
        {"target": "a.py:1 f", "candidates": 5, "behaviours": 2},
        ["5 candidates for a.py:1 f behave in 2 different ways"],
    ),
    (
        "compared",
        {"target": "a.py:1 f", "candidates": 5, "behaviours": 1},
        ["5 candidates for a.py:1 f all behave the same"],
    ),
    ("appraised", {"id": "abcdefgh", "suspicion": "", "naturalness": None}, []),
    ("appraised", {"id": "abcdefgh", "suspicion": "", "naturalness": -4.0}, []),
    (
        "appraised",
        {"id": "abcdefgh", "suspicion": "It only takes.", "naturalness": 2.0},
        [
            "  abcdef may be overfitted: It only takes.",
            "  abcdef: the model finds the code 7 times more likely with this patch",
        ],
    ),
    (
        "appraised",
        {"id": "abcdefgh", "suspicion": "", "naturalness": 20.0},
        ["  abcdef: the model finds the code more than 1,000 times more likely with this patch"],
    ),
    ("weighed", {"noticed": 3, "mutants": 4}, ["mutation score: the reproduction detects 3 of 4 mutants of the patch"]),
    ("regression", {"test": "t.py::test_f", "reason": ""}, ["regression test: t.py::test_f"]),
    ("regression", {"test": "", "reason": "it passes"}, ["no regression test: it passes"]),
    ("regression", {"test": "", "reason": ""}, []),
    ("node.started", {"node": "draft"}, []),
    ("node.ended", {"node": "draft", "seconds": 0.1}, []),
    ("budget.set", {"tokens": 9, "seconds": 1, "used": 0}, []),
    ("run.paused", {}, []),
    ("run.continued", {}, []),
    ("run.rewound", {"reason": "spec or plan was edited"}, []),
    ("budget.exceeded", {"node": "draft", "reason": "the time is over"}, ["the time is over"]),
    ("delivered", {"outcome": "none", "confidence": None}, []),
    ("some.event.of.tomorrow", {}, []),
]


@pytest.mark.parametrize(("kind", "data", "lines"), EVENTS)
def test_each_event_is_told_in_words_or_not_at_all(kind: str, data: dict[str, EventValue], lines: list[str]) -> None:
    assert describe_event(Event(kind, data)) == lines


@pytest.mark.parametrize(
    ("oracle", "ending", "words"),
    [
        ("passed", "completed", "reproduction passes, 3 tests pass, 0 broken"),
        ("failed", "completed", "reproduction still fails, 3 tests pass, 0 broken"),
        ("unknown", "timed out", "no reproduction, 3 tests pass, 0 broken, tests timed out"),
    ],
)
def test_a_judged_candidate_is_one_line(oracle: str, ending: str, words: str) -> None:
    data: dict[str, EventValue] = {
        "id": "abcdefgh",
        "generator": "rewrite",
        "target": "t",
        "gate": [],
        "oracle": oracle,
    }
    data |= {"passed": 3, "fixed": 0, "broken": 0, "ending": ending}
    assert describe_event(Event("candidate.judged", data)) == [f"  abcdef rewrite: {words}"]


def test_every_event_that_the_program_emits_is_known_here() -> None:
    import re

    sources = (Path(__file__).parents[2] / "repoagent").rglob("*.py")
    emitted = {kind for path in sources for kind in re.findall(r'\.emit\(\s*"([\w.]+)"', path.read_text())}
    assert emitted == {kind for kind, _, _ in EVENTS} - {"some.event.of.tomorrow"}


def test_lines_go_where_they_are_wanted_and_no_markup_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressPrinter(to_stderr=True) as progress:
        for kind, data, _ in EVENTS:
            if kind != "candidate.judged":
                progress(Event(kind, data))
        progress(Event("environment.failed", {"reason": "[bold]x[/] [/nothing]"}))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "  0:00  session s1\n" in captured.err
    assert "[bold]x[/] [/nothing]" in captured.err


RESULT = Result(
    session="s1",
    outcome="verified",
    confidence=Confidence.HIGH,
    summary="Changes 2 lines of f in a.py.",
    verified=("3 tests pass.",),
    unverified=(),
    patch="--- a/a.py\n+++ b/a.py\n",
    usage=Usage(3, 1200, 200, 50, 4.0),
    seconds=64.4,
    model="m",
    sandbox="docker",
    candidates=4,
    distinct=2,
)
Outcome = Literal["verified", "unverified", "none", "budget"]


@pytest.mark.parametrize(
    ("outcome", "headline"),
    [
        ("verified", "Verified patch (confidence: high)"),
        ("unverified", "A patch, but not verified (confidence: high)"),
        ("none", "No patch (confidence: high)"),
        ("budget", "Budget spent before a patch was verified (confidence: high)"),
    ],
)
def test_the_summary_begins_with_the_outcome(outcome: Outcome, headline: str) -> None:
    assert format_result(replace(RESULT, outcome=outcome), Path("/s")).splitlines()[1] == headline


def test_the_summary_holds_patch_claims_cost_and_place() -> None:
    text = format_result(replace(RESULT, unverified=("Not this.",), notes=("A note.",)), Path("/s"))
    assert "    --- a/a.py\n    +++ b/a.py\n" in text
    assert "Verified:\n  - 3 tests pass.\n" in text
    assert "Not verified:\n  - Not this.\n" in text
    assert "Notes:\n  - A note.\n" in text
    cost = "4 samples, 2 distinct candidates; 3 model calls, 1,200 tokens read (200 of them cached), 50 written; "
    assert f"{cost}1:04 min with m in docker.\nEverything is in /s" in text


def test_the_summary_leaves_out_what_there_is_not() -> None:
    text = format_result(replace(RESULT, confidence=None, verified=(), patch=""), Path("/s"))
    assert "confidence" not in text
    assert "erified:" not in text


def test_the_summary_says_what_holds_today_and_what_was_wanted() -> None:
    spec = Spec(("It prints 1000B.",), ("It prints 1K.",))
    lines = format_result(replace(RESULT, spec=spec), Path("/s")).splitlines()
    assert lines[lines.index("Current behaviour:") + 1] == "  - It prints 1000B."
    assert lines[lines.index("Expected behaviour:") + 1] == "  - It prints 1K."
