"""What is tried next and when it is enough, without a run: the same situation gives the same decision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoagent.domain import (
    FROM_ISSUE,
    Candidate,
    CandidateScores,
    CompletedWork,
    Location,
    Origin,
    Patch,
    Strength,
    Verdict,
    WorkItem,
    WorkKey,
)
from repoagent.search import Situation, Stop, decide, next_item
from repoagent.search.policy import list_agenda
from repoagent.search_options import SearchOptions

A, B, C = (Location("m.py", name, n, n + 5) for name, n in (("a", 1), ("b", 11), ("c", 21)))
MODULE = Location("m.py", "", 1, 40)
SMALL = {"mutation": 2000, "infill": 12, "rewrite": 4, "retry": 1, "replace again": 1}
LARGE = {**SMALL, "replace": 3}
PASSED = Verdict(oracle="passed", passed=3)
FAILED = Verdict(oracle="failed", passed=3, failure="TypeError: no")
START = Situation(planned=(A,), samples=SMALL, strength=Strength.STRONG, has_oracle=True, can_run=True, retry_on=("*",))
BLIND = replace(START, strength=Strength.NONE, has_oracle=False)


def candidate(name: str, verdict: Verdict, *generators: str, target: Location = A, **changes: object) -> Candidate:
    origins = tuple(Origin(generator, n) for n, generator in enumerate(generators))
    made = Candidate(name, generators[0], target, Patch("+x\n", ("m.py",)), origins, "answer", verdict=verdict)
    return replace(made, **changes)  # type: ignore[arg-type]  # fields of a candidate


def listed(situation: Situation, options: SearchOptions | None = None) -> list[str]:
    """The agenda, as `generator symbol round`."""
    found = list_agenda(situation, options or SearchOptions())
    return [f"{item.generator} {item.target.symbol or 'module'} {item.round}" for item in found]


def done(situation: Situation, *items: WorkItem) -> Situation:
    return replace(situation, history=(*situation.history, *(CompletedWork(item.key) for item in items)))


def run_out(situation: Situation, rounds: int = 3) -> Situation:
    """The situation when all of the agenda but its last rounds was worked on."""
    return done(situation, *(item for item in list_agenda(situation) if item.round < rounds))


# --- the agenda -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (replace(START, samples={}), []),
        (replace(START, planned=()), []),
        (
            START,
            ["mutation a 0", "infill a 0", "rewrite a 0", "infill a 1", "rewrite a 1", "infill a 2", "rewrite a 2"],
        ),
        (
            replace(START, can_run=False),
            ["infill a 0", "rewrite a 0"] + [f"{g} a {n}" for n in (1, 2) for g in ("infill", "rewrite")],
        ),
        (BLIND, ["infill a 0", "rewrite a 0", "rewrite a 1"]),
        (replace(BLIND, planned=(A, B)), ["infill a 0", "rewrite a 0", "infill b 0", "rewrite b 0", "rewrite a 1"]),
        (replace(BLIND, has_proposals=True), ["issue a 0", "infill a 0", "rewrite a 0", "rewrite a 1"]),
        (replace(BLIND, samples=LARGE, modules=(MODULE,)), ["replace a 0", "infill a 0", "rewrite a 0", "rewrite a 1"]),
        (replace(BLIND, samples={"replace": 2}, planned=(), modules=(MODULE,)), ["replace module 0"]),
    ],
)
def test_the_agenda_goes_from_what_costs_least_to_what_costs_most(situation: Situation, expected: list[str]) -> None:
    assert listed(situation) == expected


def test_further_suspects_come_after_the_plan_and_before_the_second_round() -> None:
    found = listed(replace(START, others=(C,), samples={"rewrite": 4}), SearchOptions(rounds=2))
    assert found == ["rewrite a 0", "rewrite c 0", "rewrite a 1"]


def test_what_changes_several_places_is_given_all_of_them() -> None:
    first = next_item(replace(START, planned=(A, B), modules=(MODULE,), samples={"replace": 2}))
    assert first is not None
    assert (first.target, first.others, first.samples) == (A, (B, MODULE), 2)


def test_what_was_done_is_not_done_again() -> None:
    first = next_item(START)
    assert first is not None
    second = next_item(done(START, first))
    assert second is not None
    assert (first.generator, second.generator) == ("mutation", "infill")
    assert next_item(run_out(START)) is None


# --- when it is enough ------------------------------------------------------------------------------------------------

TWO = candidate("x", PASSED, "mutation", "rewrite")
SCORED = replace(candidate("x", PASSED, "infill"), scores=CandidateScores(log_likelihood_ratio=4.0))
PROPOSED = candidate("x", Verdict(oracle="unknown", passed=3), FROM_ISSUE)


@pytest.mark.parametrize(
    ("situation", "candidates", "stop"),
    [
        (START, (), None),
        (START, (candidate("x", FAILED, "rewrite", "rewrite"),), None),
        (START, (candidate("x", PASSED, "rewrite"),), None),
        (START, (TWO,), Stop.REPEATED),
        (START, (replace(TWO, behavioural_agreement=0.4),), None),
        (START, (replace(TWO, behavioural_agreement=0.5),), Stop.REPEATED),
        (START, (replace(TWO, behavioural_agreement=0.6),), Stop.AGREED),
        (
            START,
            (
                candidate("x", PASSED, "infill", behavioural_agreement=0.7),
                candidate("y", PASSED, "rewrite", behavioural_agreement=0.3),
            ),
            Stop.AGREED,
        ),
        (
            START,
            (
                candidate("x", PASSED, "infill", behavioural_agreement=0.7),
                candidate("y", FAILED, "rewrite", behavioural_agreement=0.3),
            ),
            None,
        ),
        (START, (SCORED,), Stop.LIKELY),
        (START, (replace(SCORED, scores=CandidateScores(log_likelihood_ratio=3.9)),), None),
        (replace(START, strength=Strength.CRASH), (SCORED,), None),
        (run_out(START, 1), (candidate("x", PASSED, "rewrite"),), Stop.CONFIRMED),
        (run_out(START), (candidate("x", FAILED, "mutation"),), Stop.EXHAUSTED),
        (BLIND, (PROPOSED,), Stop.PROPOSED),
        (BLIND, (replace(PROPOSED, verdict=Verdict(broken=("t",))),), None),
        (replace(BLIND, strength=Strength.WEAK), (PROPOSED,), None),
        (replace(BLIND, strength=Strength.WEAK), (replace(PROPOSED, verdict=PASSED),), Stop.PROPOSED),
        (BLIND, (candidate("x", PASSED, "rewrite", "rewrite"),), None),
    ],
)
def test_it_is_enough_where_one_rule_says_so(
    situation: Situation, candidates: tuple[Candidate, ...], stop: Stop | None
) -> None:
    assert decide(replace(situation, candidates=candidates)).stop is stop


def test_a_mutant_that_the_model_finds_unlikely_is_not_agreed_on() -> None:
    unlikely = candidate(
        "x",
        PASSED,
        "mutation",
        pattern_prior=0.5,
        behavioural_agreement=0.7,
        scores=CandidateScores(log_likelihood_ratio=-1.0),
    )
    other = candidate("y", PASSED, "rewrite", behavioural_agreement=0.3)
    assert decide(replace(START, candidates=(unlikely, other))).stop is None


@pytest.mark.parametrize(
    ("options", "stop"), [(SearchOptions(), None), (SearchOptions(repeated_share=0.3), Stop.REPEATED)]
)
def test_thresholds_are_options(options: SearchOptions, stop: Stop | None) -> None:
    disputed = replace(TWO, behavioural_agreement=0.4)
    assert decide(replace(START, candidates=(disputed,)), options).stop is stop


# --- second attempts --------------------------------------------------------------------------------------------------


def work(situation: Situation, *candidates: Candidate) -> list[str]:
    return [str(item.key) for item in decide(replace(situation, candidates=candidates)).work]


FIRST = "mutation:m.py::a"


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (candidate("x", FAILED, "rewrite"), ["retry:m.py::a:x", "mutation:m.py::a:x", FIRST]),
        (candidate("x", FAILED, "replace"), ["replace again:m.py::a:x", "mutation:m.py::a:x", FIRST]),
        (candidate("x", FAILED, "infill"), ["mutation:m.py::a:x", FIRST]),
        (candidate("x", FAILED, "mutation"), [FIRST]),
        (candidate("x", replace(FAILED, gate=("no",)), "infill"), [FIRST]),
        (candidate("x", PASSED, "rewrite"), [FIRST]),
    ],
)
def test_what_failed_gets_a_second_attempt(made: Candidate, expected: list[str]) -> None:
    assert work(START, made) == expected


def test_a_second_attempt_is_made_once_and_shows_what_became_of_the_first() -> None:
    failed = candidate("x", FAILED, "rewrite")
    retry, near_miss, _ = decide(replace(START, candidates=(failed,))).work
    assert retry.previous is not None
    assert (retry.previous.answer, retry.previous.failure) == ("answer", "TypeError: no")
    assert (near_miss.bases, near_miss.samples) == ((failed.patch,), 500)
    assert work(done(START, retry, near_miss), failed) == [FIRST]


def test_a_failure_that_the_model_cannot_mend_is_not_shown_again() -> None:
    failed = candidate("x", FAILED, "rewrite")
    assert work(replace(START, retry_on=("NameError",)), failed) == ["mutation:m.py::a:x", FIRST]


def test_no_more_near_misses_are_mutated_than_allowed() -> None:
    failed = [candidate(str(n), FAILED, "infill") for n in range(4)]
    assert work(START, *failed) == ["mutation:m.py::a:0", "mutation:m.py::a:1", FIRST]
    mutated = [WorkItem("mutation", A, 500, parents=(each.id,)) for each in failed[:2]]
    assert decide(replace(done(START, *mutated), candidates=tuple(failed)), SearchOptions(max_near_misses=2)).work == (
        next_item(START),
    )


# --- combinations -----------------------------------------------------------------------------------------------------

ONE = candidate("x", Verdict(oracle="failed", fixed=("t1",)), "infill")
OTHER = candidate("y", Verdict(oracle="failed", fixed=("t2",)), "infill", target=B)


def combined(situation: Situation, *candidates: Candidate) -> list[tuple[str, ...]]:
    found = decide(replace(situation, candidates=candidates)).work
    return [item.parents for item in found if item.generator == "combined"]


def test_two_candidates_that_mend_different_tests_are_combined_once() -> None:
    situation = replace(START, planned=(A, B))
    assert combined(situation, ONE, OTHER) == [("x", "y")]
    key = WorkKey("combined", "m.py", "a", ("x", "y"))
    assert combined(replace(situation, history=(CompletedWork(key),)), ONE, OTHER) == []


def test_candidates_for_one_function_are_not_combined() -> None:
    assert combined(START, ONE, replace(OTHER, target=A)) == []


def test_what_mends_nothing_is_combined_when_all_that_is_planned_had_its_turn() -> None:
    situation = replace(START, planned=(A, B))
    plain = [replace(each, verdict=Verdict(oracle="failed", passed=1)) for each in (ONE, OTHER)]
    assert combined(situation, *plain) == []
    assert combined(run_out(situation, 1), *plain) == [("x", "y")]


def test_where_no_run_can_tell_nothing_is_combined() -> None:
    assert combined(replace(BLIND, planned=(A, B)), ONE, OTHER) == []
