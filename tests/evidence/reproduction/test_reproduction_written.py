"""Scripts that a model writes to show a problem: which of them are believed, on a small package that is really run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from repoagent import process
from repoagent.domain import Issue, Oracle, Strength
from repoagent.errors import BudgetExceeded
from repoagent.evidence.reproduction.oracle import judge
from repoagent.evidence.reproduction.written import SOURCE, SuspectFunction, generate_reproduction
from repoagent.llm.profiles import find_profile
from repoagent.llm.scripted import ScriptedModel, ScriptedReply
from repoagent.sandbox.base import CommandResult

BUGGY = "def total(counts):\n    return max(counts)\n\n\ndef mean(counts):\n    return total(counts) / len(counts)\n"
FIXED = BUGGY.replace("max", "sum")
ISSUE = Issue("The total of several files is that of the largest", "Two files of 3 and 4 bytes are told as 4.")
SUSPECTS = (
    SuspectFunction("sizes.py", "total", "def total(counts):\n    return max(counts)", "from sizes import total"),
    SuspectFunction(
        "sizes.py", "mean", "def mean(counts):\n    return total(counts) / len(counts)", "from sizes import mean"
    ),
)
TODAY = "from sizes import total\nassert total([3, 4]) == 4"
WANTED = TODAY.replace("== 4", "== 7")
MEAN = "from sizes import mean, total\nassert total([2, 2]) == 2\nassert mean([2, 2]) == 1"
MEAN_WANTED = MEAN.replace("== 2\n", "== 4\n").replace("== 1", "== 2")
CRASHES = "from sizes import totals\nassert totals([3, 4]) == 4"


def fenced(code: str) -> str:
    return f"Here it is:\n```python\n{code}\n```"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., CommandResult]:
    """Runs a script beside `sizes`, buggy unless told otherwise."""

    def run(script: str, code: str = BUGGY) -> CommandResult:
        (tmp_path / "sizes.py").write_text(code)
        command = (sys.executable, "-W", "ignore", "-B", "-c", script)
        done = process.run(command, timeout=30, cwd=tmp_path, check=False)
        return CommandResult(done.exit_code, (done.stdout + done.stderr).decode(), done.seconds)

    return run


def model(
    first: list[ScriptedReply], turned: dict[str, str], again: str = TODAY, witnesses: int | None = None
) -> ScriptedModel:
    """Writes `first` one after the other, turns each as `turned` says, and mends what fails into `again`."""
    left = list(first)

    def answer(prompt: str) -> ScriptedReply:
        if "does not run to its end" in prompt and "Good: it runs" not in prompt:
            return fenced(again)
        if "Good: it runs" in prompt:
            return fenced(next(turned[code] for code in reversed(turned) if code in prompt))
        return left.pop(0)

    count = len(first) if witnesses is None else witnesses
    return ScriptedModel(answer, profile=replace(find_profile("generic"), witnesses=count))


def ask(run: Callable[..., CommandResult], made: ScriptedModel) -> Oracle:
    return generate_reproduction(ISSUE, SUSPECTS, run, made, packages=("sizes",))


def test_a_script_that_passes_today_and_fails_turned_round_is_an_oracle(run: Callable[..., CommandResult]) -> None:
    oracle = ask(run, model([fenced(TODAY)], {TODAY: WANTED}))
    assert (oracle.strength, oracle.source) == (Strength.WEAK, SOURCE)
    assert judge(oracle, run(oracle.script)) == "failed"
    assert judge(oracle, run(oracle.script, FIXED)) == "passed"
    assert judge(oracle, run(oracle.script, BUGGY.replace("max(counts)", "counts.size"))) == "failed"


@pytest.mark.parametrize(
    "turned",
    [
        pytest.param(TODAY, id="still passes"),
        pytest.param(CRASHES, id="fails by itself"),
        pytest.param("from sizes import total\nassert False", id="demands nothing"),
        pytest.param("assert 3 + 4 == 4", id="does not use the project"),
        pytest.param("from sizes import total\nraise AssertionError('no')", id="asserts nothing"),
        pytest.param("from sizes import total(", id="no Python"),
    ],
)
def test_what_proves_nothing_is_not_believed(turned: str, run: Callable[..., CommandResult]) -> None:
    assert ask(run, model([fenced(TODAY)], {TODAY: turned})).strength is Strength.NONE


def test_a_script_that_does_not_run_is_written_again_once(run: Callable[..., CommandResult]) -> None:
    made = model([fenced(CRASHES)], {TODAY: WANTED})
    assert ask(run, made).strength is Strength.WEAK
    assert "cannot import name 'totals'" in made.calls[1].prompt
    stubborn = model([fenced(CRASHES)], {TODAY: WANTED}, again=CRASHES)
    assert ask(run, stubborn).strength is Strength.NONE
    assert len(stubborn.calls) == 2


def test_the_script_that_names_most_of_the_suspects_is_taken(run: Callable[..., CommandResult]) -> None:
    oracle = ask(run, model([fenced(TODAY), fenced(MEAN), fenced(TODAY)], {TODAY: WANTED, MEAN: MEAN_WANTED}))
    assert "mean([2, 2])" in oracle.script


def test_a_model_that_cannot_is_not_asked(run: Callable[..., CommandResult]) -> None:
    made = model([fenced(TODAY)], {}, witnesses=0)
    assert ask(run, made).strength is Strength.NONE
    assert not made.calls
    assert not find_profile("qwen2.5-coder-1.5b-instruct").witnesses


def test_a_spent_budget_leaves_it(run: Callable[..., CommandResult]) -> None:
    assert ask(run, model([BudgetExceeded("over")], {})).strength is Strength.NONE


def test_the_prompt_keeps_to_what_fits(run: Callable[..., CommandResult]) -> None:
    made = model([fenced(TODAY)], {TODAY: WANTED})
    long = replace(SUSPECTS[1], text="x = 1\n" * 20_000)
    assert generate_reproduction(ISSUE, (SUSPECTS[0], long), run, made, packages=("sizes",)).strength is Strength.WEAK
    assert "def total" in made.calls[0].prompt
    assert "x = 1" not in made.calls[0].prompt
