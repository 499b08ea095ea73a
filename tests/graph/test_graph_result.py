"""What a result may claim: only what was run; and what was not run is said as plainly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from repoagent.domain import (
    Candidate,
    Confidence,
    Ending,
    Issue,
    Location,
    Oracle,
    Origin,
    Patch,
    Result,
    Strength,
    Verdict,
)
from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.reproduction.script import write_steps
from repoagent.evidence.verdict import Baseline
from repoagent.graph.report import write_result
from repoagent.graph.state import State
from repoagent.sandbox.base import Environment
from tests.graph.conftest import MakeBench

Say = Callable[[State], Result]

BLOCK = "the first code block"
REPRODUCED = f"{BLOCK} showed the reported behaviour before the patch; with it, it "
STRONG = Oracle(Strength.STRONG, "script", "'1000B'", write_steps({2: "'1K'", 4: "'2K'"}), source=BLOCK)
RAISING = Oracle(Strength.STRONG, "script", "5", exception="ValueError", source=BLOCK)
ASSERTING = Oracle(Strength.STRONG, "script", source=BLOCK)
CRASH = Oracle(Strength.CRASH, "script", exception="KeyError", source=BLOCK)
WEAK = Oracle(Strength.WEAK, "script", "5", source=BLOCK)
NONE = Oracle(Strength.NONE)

GOOD = Verdict(oracle="passed", passed=1)
UNTESTED = Verdict(oracle="passed")
WRONG = Verdict(oracle="failed", passed=1)
BREAKING = Verdict(oracle="passed", broken=("t::a",))
FIXING = Verdict(fixed=("t::b",), passed=2)
HANGING = Verdict(oracle="passed", ending=Ending.TIMED_OUT)
UNKNOWN = Verdict(passed=1)
STOPPED = Verdict(gate=("it changes no code",))


ENVIRONMENT = Environment("key", "image")


@pytest.fixture
def say(bench: MakeBench) -> Say:
    services = bench().services()
    return lambda state: write_result(state, services)


def state(verdict: Verdict | None, oracle: Oracle, votes: int = 1) -> State:
    """A state in which a candidate with `verdict` is chosen, and the whole suite was run."""
    chosen = Candidate(
        id="c",
        generator="rewrite",
        target=Location("m.py", "f", 1, 2),
        patch=Patch("--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-old\n+new\n", ("m.py",)),
        origins=tuple(Origin("rewrite", n) for n in range(votes)),
        verdict=verdict,
    )
    before = Baseline(frozenset({"t::a"}), frozenset({"t::b"}))
    evaluation = EvaluationContext(ENVIRONMENT, baseline=before, oracle=oracle)
    return State(Issue("t", "b"), chosen=chosen, candidates={"c": chosen}, evaluation=evaluation, whole=evaluation)


@pytest.mark.parametrize(
    ("oracle", "sentence"),
    [
        (STRONG, f"{REPRODUCED}prints what the issue expects ('1K' · '2K')."),
        (RAISING, f"{REPRODUCED}raises ValueError, as the issue expects."),
        (ASSERTING, f"{REPRODUCED}passes."),
        (CRASH, f"{BLOCK} raised KeyError before the patch and does not any more."),
        (replace(ASSERTING, source=""), REPRODUCED.replace(BLOCK, "the issue's example") + "passes."),
    ],
)
def test_a_reproduction_that_passes_is_told_in_words_without_our_marks(oracle: Oracle, sentence: str, say: Say) -> None:
    found = say(state(GOOD, oracle))
    assert found.outcome == "verified"
    assert f"Run in the sandbox, {sentence}" in found.verified
    assert "===" not in "".join(found.verified)


def test_a_long_expected_value_is_cut(say: Say) -> None:
    oracle = replace(STRONG, expected=write_steps({1: "x " * 500}))
    assert all(len(sentence) < 250 for sentence in say(state(GOOD, oracle)).verified)


@pytest.mark.parametrize("oracle", [STRONG, RAISING, ASSERTING, CRASH, WEAK, NONE])
@pytest.mark.parametrize("verdict", [None, WRONG, BREAKING, HANGING, STOPPED, UNKNOWN, Verdict()])
def test_nothing_is_verified_without_evidence(verdict: Verdict | None, oracle: Oracle, say: Say) -> None:
    found = say(state(verdict, oracle))
    assert found.outcome == "unverified"
    assert found.confidence is Confidence.LOW
    assert found.unverified


@pytest.mark.parametrize("verdict", [None, WRONG, STOPPED, UNKNOWN, Verdict()])
def test_a_reproduction_that_did_not_pass_is_never_claimed(verdict: Verdict | None, say: Say) -> None:
    assert not [s for s in say(state(verdict, STRONG)).verified if BLOCK in s]


@pytest.mark.parametrize(
    ("verdict", "oracle", "sentence"),
    [
        (None, STRONG, "The patch was not run."),
        (None, NONE, "so whether the patch solves it is not known."),
        (WRONG, STRONG, "The issue's example still shows the problem."),
        (GOOD, WEAK, "The issue's example behaves differently now; that it behaves as expected is not known."),
        (GOOD, CRASH, "that the result is the right one, the issue's example does not say."),
        (BREAKING, STRONG, "It breaks 1 test that passed before: t::a."),
        (UNTESTED, STRONG, "No test of the project was run on it."),
        (HANGING, STRONG, "The project's tests did not end in time with it."),
        (replace(HANGING, ending=Ending.CRASHED), STRONG, "The project's tests crashed with it."),
        (replace(HANGING, ending=Ending.NOT_COLLECTED), STRONG, "The project's tests could not be collected with it."),
        (UNKNOWN, STRONG, "The issue's example could not be run with the patch"),
    ],
)
def test_what_is_not_verified_is_said(verdict: Verdict | None, oracle: Oracle, sentence: str, say: Say) -> None:
    assert sentence in " ".join(say(state(verdict, oracle)).unverified)


def test_a_patch_with_nothing_left_to_doubt_doubts_nothing(say: Say) -> None:
    assert say(state(GOOD, STRONG)).unverified == ()


def test_a_fixed_test_is_proof_without_an_example(say: Say) -> None:
    found = say(state(FIXING, NONE))
    assert (found.outcome, found.unverified) == ("verified", ())
    assert "1 test that failed before the patch passes with it: t::b." in found.verified


def test_where_only_near_tests_were_run_both_lists_say_so(say: Say) -> None:
    near = state(GOOD, STRONG)
    assert near.evaluation is not None
    near.whole, near.evaluation = None, replace(near.evaluation, tests=("tests/test_m.py",))
    found = say(near)
    assert "1 test passes and none that passed before is broken (tests/test_m.py)." in found.verified
    assert "Only the test files nearest to the change were run, not all of the project's." in found.unverified


@pytest.mark.parametrize(
    ("verdict", "oracle", "votes", "confidence"),
    [
        (GOOD, STRONG, 2, Confidence.HIGH),
        (GOOD, STRONG, 1, Confidence.MEDIUM),
        (GOOD, CRASH, 5, Confidence.MEDIUM),
        (GOOD, CRASH, 1, Confidence.LOW),
        (FIXING, NONE, 2, Confidence.HIGH),
        (GOOD, WEAK, 9, Confidence.LOW),
        (WRONG, STRONG, 9, Confidence.LOW),
    ],
)
def test_confidence_comes_from_what_was_run_and_how_many_agreed(
    verdict: Verdict, oracle: Oracle, votes: int, confidence: Confidence, say: Say
) -> None:
    assert say(state(verdict, oracle, votes)).confidence is confidence


@pytest.mark.parametrize(
    ("verdict", "spent", "outcome"),
    [(GOOD, "", "verified"), (GOOD, "over", "verified"), (WRONG, "", "unverified"), (WRONG, "over", "budget")],
)
def test_a_spent_budget_is_the_outcome_unless_the_patch_is_verified(
    verdict: Verdict, spent: str, outcome: str, say: Say
) -> None:
    ended = state(verdict, STRONG)
    ended.spent = spent
    found = say(ended)
    assert found.outcome == outcome
    assert found.notes == ((spent,) if spent else ())


def test_without_a_candidate_nothing_is_claimed(say: Say) -> None:
    found = say(State(Issue("t", "b"), evaluation=EvaluationContext(ENVIRONMENT, oracle=STRONG), notes=("a note",)))
    assert (found.outcome, found.confidence, found.patch, found.verified) == ("none", None, "", ())
    assert found.unverified == ("There is no patch.",)
    assert found.notes == ("a note",)
    assert (found.model, found.sandbox, found.candidates) == ("scripted", "fake", 0)
