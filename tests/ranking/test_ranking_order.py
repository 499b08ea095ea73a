from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from repoagent.domain import (
    FROM_ISSUE,
    Candidate,
    CandidateScores,
    Confidence,
    Edit,
    Ending,
    Location,
    Origin,
    Outcome,
    Patch,
    Report,
    Status,
    Strength,
    Verdict,
)
from repoagent.evidence.gate import compute_candidate_key, find_problems, is_test
from repoagent.evidence.verdict import Baseline, read_verdict
from repoagent.ranking import (
    find_best,
    is_unlikely_mutant,
    is_verified,
    merge_candidates,
    rate_confidence,
    sort_by_evidence,
)
from repoagent.ranking.delta_debugging import leave_out_changes

BEFORE = "import os\n\n\ndef f(a):\n    return a\n"


def edit(after: str, before: str | None = BEFORE, path: str = "pkg/m.py") -> Edit:
    return Edit(path, before, after)


def candidate(name: str, verdict: Verdict | None = None, votes: int = 1, lines: int = 1) -> Candidate:
    patch = Patch("+x\n" * lines, ("pkg/m.py",))
    drawn = tuple(Origin(name, n) for n in range(votes))
    return Candidate(name, "rewrite", Location("pkg/m.py", "f", 1, 2), patch, drawn, verdict=verdict)


@pytest.mark.parametrize(
    ("edits", "why"),
    [
        ([edit(BEFORE.replace("return a", "return a  # same"))], "changes no code"),
        ([edit(BEFORE.replace("return a", "return b"))], "undefined name 'b'"),
        ([edit(BEFORE.replace("return a", "return (a"))], "SyntaxError"),
        ([edit("x = 1\n", "x = 2\n", "tests/test_m.py")], "edits the tests"),
        ([edit(BEFORE + "".join(f"x{n} = {n}\n" for n in range(200)))], "changes 200 lines"),
        ([], "changes no code"),
    ],
)
def test_the_gate_stops_what_no_test_should_be_spent_on(edits: list[Edit], why: str) -> None:
    assert any(why in problem for problem in find_problems(edits))


@pytest.mark.parametrize(
    "edits",
    [
        [edit(BEFORE.replace("return a", "return a + 1"))],
        [
            edit(
                BEFORE.replace("return a", "return undefined_before"),
                BEFORE.replace("return a", "print(undefined_before)"),
            )
        ],
        [edit("def test_new():\n    assert True\n", None, "tests/test_new.py")],
        [edit("a: 2\n", "a: 1\n", "conf.yaml")],
    ],
)
def test_the_gate_lets_pass_what_may_be_right(edits: list[Edit]) -> None:
    assert find_problems(edits) == ()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/test_m.py", True),
        ("tests/__init__.py", True),
        ("tests/data/helper.py", True),
        ("test/support.py", True),
        ("pkg/tests/helpers.py", True),
        ("src/pkg/sub/tests/deep/x.py", True),
        ("python_testcases/load.py", True),
        ("pkg/unit_tests/helpers.py", True),
        ("contests/entry.py", False),
        ("pkg/test_m.py", True),
        ("pkg/m_test.py", True),
        ("conftest.py", True),
        ("pkg/test/test_client.py", True),
        ("django/test/client.py", False),
        ("numpy/testing/_private/utils.py", False),
        ("pkg/test.py", False),
        ("pkg/conftest_tools.py", False),
        ("test.py", False),
        ("pkg/latest_m.py", False),
    ],
)
def test_what_counts_as_a_test_file(path: str, expected: bool) -> None:
    assert is_test(path) is expected


def test_the_gate_reads_files_with_a_bom_or_another_encoding() -> None:
    before = "# coding: latin-1\ndef f(a):\n    return a, '\udce9'\n"
    assert find_problems([edit(before.replace("a, ", "-a, "), before)]) == ()
    assert any("undefined name" in problem for problem in find_problems([edit(before.replace("a, ", "b, "), before)]))
    assert any("undefined name" in problem for problem in find_problems([edit("\ufeffb\n", "\ufeffx = 1\n")]))


def test_patches_that_mean_the_same_have_one_key() -> None:
    one, two = BEFORE.replace("return a", "return a + 1"), BEFORE.replace("return a", "return (a + 1)  # fixed")
    assert compute_candidate_key([edit(one)]) == compute_candidate_key([edit(two)])
    assert compute_candidate_key([edit(one)]) != compute_candidate_key([edit(BEFORE)])


def test_a_verdict_counts_against_the_untouched_code_and_ignores_flaky_tests() -> None:
    before = Baseline(frozenset("ab"), frozenset("c"), frozenset("b"))
    outcomes = (Outcome("a", Status.FAILED), Outcome("b", Status.FAILED), Outcome("c", Status.PASSED))
    verdict = read_verdict("passed", Report(Ending.COMPLETED, outcomes), before, "")
    assert (verdict.fixed, verdict.broken, verdict.passed) == (("c",), ("a",), 1)


@pytest.mark.parametrize("ending", [Ending.TIMED_OUT, Ending.CRASHED, Ending.NOT_COLLECTED])
def test_a_run_that_did_not_complete_is_never_harmless(ending: Ending) -> None:
    assert not read_verdict("passed", Report(ending), Baseline(frozenset("a")), "").harmless


@pytest.mark.parametrize(
    ("verdict", "strength", "expected"),
    [
        (Verdict(oracle="passed", passed=3), Strength.STRONG, True),
        (Verdict(oracle="passed", passed=3), Strength.CRASH, True),
        (Verdict(oracle="passed", passed=3), Strength.WEAK, False),
        (Verdict(oracle="unknown", fixed=("t",)), Strength.NONE, True),
        (Verdict(oracle="passed", broken=("t",)), Strength.STRONG, False),
        (Verdict(oracle="passed", ending=Ending.CRASHED), Strength.STRONG, False),
        (Verdict(gate=("no",), oracle="passed"), Strength.STRONG, False),
        (None, Strength.STRONG, False),
    ],
)
def test_verified_needs_something_fixed_and_nothing_broken(
    verdict: Verdict | None, strength: Strength, expected: bool
) -> None:
    assert is_verified(verdict, strength) is expected


def test_the_order_is_verified_harmless_votes_shortest() -> None:
    right = candidate("d", Verdict(oracle="passed", passed=3), lines=9)
    harmless = candidate("c", Verdict(oracle="failed", passed=3), votes=5)
    breaking = candidate("b", Verdict(oracle="passed", broken=("t",)))
    gated = candidate("a", Verdict(gate=("no",)))
    short = replace(right, id="e", patch=Patch("+x\n", ("pkg/m.py",)))
    popular = candidate("f", Verdict(oracle="passed", passed=3), votes=2, lines=30)
    order = []
    pool = [gated, breaking, harmless, right, short, popular]
    while leader := find_best(pool, Strength.STRONG):
        order.append(leader.id)
        pool.remove(leader)
    assert order == ["f", "e", "d", "c", "b"]


# --- every key of the order goes before every later one ---------------------------------------------------------------

VERDICTS = [
    ("verified", Verdict(fixed=("a",)), Verdict(fixed=(), oracle="passed")),
    ("verified before more that is fixed", Verdict(fixed=("a",)), Verdict(fixed=("a", "b"), broken=("t",))),
    ("harmless", Verdict(), Verdict(oracle="passed", broken=("t",))),
    ("tested before untested", Verdict(), None),
    ("completed", Verdict(), Verdict(oracle="passed", ending=Ending.TIMED_OUT)),
    ("not seen to fail", Verdict(broken=("t", "u")), Verdict(oracle="failed", broken=("t",))),
    ("breaks less", Verdict(broken=("t",)), Verdict(broken=("t", "u"), fixed=("a", "b"))),
    ("fixes more", Verdict(fixed=("a", "b")), Verdict(fixed=("a",), oracle="passed")),
    ("reproduction passes", Verdict(oracle="passed"), Verdict()),
]
"""What is better, and what is worse although it is better in a later key."""
KEYS: list[tuple[str, dict[str, object], dict[str, object]]] = [
    ("proposed by the issue", {"generator": FROM_ISSUE}, {"generator": "rewrite"}),
    ("no overfitting", {"overfitting": ""}, {"overfitting": "It singles out 3."}),
    ("agreement", {"behavioural_agreement": 0.9}, {"behavioural_agreement": 0.1}),
    ("votes", {"origins": (Origin("x", 1), Origin("x", 2))}, {"origins": (Origin("x", 1),)}),
    ("likelihood under the model", {"ratio": 2.0}, {"ratio": -2.0}),
    ("prior of the pattern", {"pattern_prior": 0.9}, {"pattern_prior": 0.1}),
    ("fewer lines", {"patch": Patch("+x\n", ("m.py",))}, {"patch": Patch("+x\n+y\n", ("m.py",))}),
    ("id", {"id": "a"}, {"id": "b"}),
]
"""Keys that follow the verdict, in their order: what is better, and what is worse."""


def made_of(verdict: Verdict | None, *changes: dict[str, object]) -> Candidate:
    fields = {"id": "m", **{name: value for each in changes for name, value in each.items()}}
    scores = CandidateScores(str(fields.pop("overfitting", "")), fields.pop("ratio", 0.0))  # type: ignore[arg-type]
    return replace(candidate("m", verdict), scores=scores, **fields)  # type: ignore[arg-type]  # fields of a candidate


@pytest.mark.parametrize(("better", "worse"), [pair[1:] for pair in VERDICTS], ids=[pair[0] for pair in VERDICTS])
def test_a_better_verdict_goes_before_everything_else(better: Verdict, worse: Verdict | None) -> None:
    first = made_of(better, *(key[2] for key in KEYS))
    second = made_of(worse, *(key[1] for key in KEYS))
    assert sort_by_evidence([second, first], Strength.NONE) == [first, second]


@pytest.mark.parametrize(("higher", "lower"), list(combinations(KEYS, 2)), ids=lambda key: key[0])
def test_of_two_keys_the_higher_one_decides(
    higher: tuple[str, dict[str, object], dict[str, object]], lower: tuple[str, dict[str, object], dict[str, object]]
) -> None:
    first = made_of(Verdict(), higher[1], lower[2])
    second = made_of(Verdict(), higher[2], lower[1])
    assert sort_by_evidence([second, first], Strength.NONE) == [first, second]


def test_what_the_model_was_not_asked_about_comes_after_what_it_finds_unlikely() -> None:
    unasked = replace(candidate("a"), scores=None)
    assert sort_by_evidence([unasked, made_of(None, {"ratio": -9.0})], Strength.NONE)[1] == unasked


def test_of_equal_evidence_what_the_issue_proposes_goes_first() -> None:
    drawn, proposed = candidate("a", votes=3), replace(candidate("b"), generator=FROM_ISSUE)
    proven = replace(drawn, verdict=Verdict(oracle="passed"))
    assert find_best([drawn, proposed], Strength.NONE) == proposed
    assert find_best([proven, proposed], Strength.STRONG) == proven


def test_of_equal_votes_the_more_natural_goes_first_and_what_fits_too_well_last() -> None:
    plain, natural, fitted = candidate("a"), candidate("b"), candidate("c", votes=5)
    natural = replace(natural, scores=CandidateScores(log_likelihood_ratio=1.5))
    fitted = replace(fitted, scores=CandidateScores("It singles out 3.", 9.0))
    strange = replace(candidate("d"), scores=CandidateScores(log_likelihood_ratio=-7.0))
    found = sort_by_evidence([fitted, strange, natural, plain], Strength.NONE)
    assert [each.id for each in found] == ["b", "d", "a", "c"]


@pytest.mark.parametrize(
    ("appraisal", "strength", "expected"),
    [
        (CandidateScores(log_likelihood_ratio=4.5), Strength.STRONG, Confidence.HIGH),
        (CandidateScores(log_likelihood_ratio=1.5), Strength.STRONG, Confidence.MEDIUM),
        (CandidateScores(log_likelihood_ratio=-1.5), Strength.STRONG, Confidence.MEDIUM),
        (CandidateScores(log_likelihood_ratio=-4.5), Strength.STRONG, Confidence.LOW),
        (CandidateScores(log_likelihood_ratio=9.0), Strength.CRASH, Confidence.LOW),
        (CandidateScores("It singles out 3.", 9.0), Strength.STRONG, Confidence.LOW),
        (None, Strength.STRONG, Confidence.MEDIUM),
    ],
)
def test_confidence_hears_the_appraisal_where_something_is_proven(
    appraisal: CandidateScores | None, strength: Strength, expected: Confidence
) -> None:
    chosen = replace(candidate("a", Verdict(oracle="passed")), scores=appraisal, pattern_prior=0.4)
    assert rate_confidence(chosen, strength) is expected


def test_what_the_model_or_the_issue_wrote_is_not_odd() -> None:
    strange = CandidateScores(log_likelihood_ratio=-9.0)
    drawn = replace(candidate("a", Verdict(oracle="passed")), scores=strange)
    mutant = replace(drawn, pattern_prior=0.4)
    assert [
        is_unlikely_mutant(drawn),
        is_unlikely_mutant(mutant),
        is_unlikely_mutant(replace(mutant, origins=(Origin("a"), Origin("b")))),
    ] == [False, True, False]
    assert rate_confidence(drawn, Strength.STRONG) is Confidence.MEDIUM


def test_an_appraisal_outlives_later_verdicts() -> None:
    known = {"a": replace(candidate("a"), scores=CandidateScores(log_likelihood_ratio=3.0))}
    assert merge_candidates(known, {"a": candidate("a", Verdict(passed=1))})["a"].scores == CandidateScores(
        log_likelihood_ratio=3.0
    )


def test_merging_sums_votes_once_and_takes_the_later_verdict() -> None:
    known = {"a": candidate("a", votes=2)}
    fresh = {"a": replace(candidate("a", Verdict(passed=1)), origins=(Origin("a", 1), Origin("z")))}
    both = merge_candidates(known, fresh)["a"]
    assert both.votes == 3
    assert both.verdict == Verdict(passed=1)
    assert merge_candidates(merge_candidates(known, fresh), fresh)["a"].votes == 3


def test_new_samples_of_a_candidate_make_its_agreement_out_of_date() -> None:
    known = {
        "a": replace(candidate("a"), behavioural_agreement=0.7),
        "b": replace(candidate("b"), behavioural_agreement=0.1),
    }
    more = {"b": replace(candidate("b"), origins=(Origin("another"),))}
    both = merge_candidates(known, more)
    assert (both["a"].behavioural_agreement, both["b"].behavioural_agreement) == (0.7, 0.0)
    assert merge_candidates(known, {"b": candidate("b")})["b"].behavioural_agreement == 0.1
    assert (
        merge_candidates(both, {"b": replace(both["b"], behavioural_agreement=0.9)})["b"].behavioural_agreement == 0.9
    )


@pytest.mark.parametrize(
    ("verdict", "votes", "strength", "expected"),
    [
        (Verdict(oracle="passed"), 2, Strength.STRONG, Confidence.HIGH),
        (Verdict(oracle="passed"), 1, Strength.STRONG, Confidence.MEDIUM),
        (Verdict(oracle="passed"), 2, Strength.CRASH, Confidence.MEDIUM),
        (Verdict(oracle="passed"), 1, Strength.CRASH, Confidence.LOW),
        (Verdict(oracle="passed", fixed=("t",)), 1, Strength.CRASH, Confidence.MEDIUM),
        (Verdict(oracle="unknown"), 9, Strength.NONE, Confidence.LOW),
    ],
)
def test_confidence_comes_from_evidence_and_agreement(
    verdict: Verdict, votes: int, strength: Strength, expected: Confidence
) -> None:
    assert rate_confidence(candidate("a", verdict, votes), strength) is expected


def test_each_smaller_version_lacks_one_change() -> None:
    before = "".join(f"line {n}\n" for n in range(9))
    after = before.replace("line 1\n", "one\n").replace("line 7\n", "")
    versions = [edits[0].after for edits in leave_out_changes([edit(after, before)])]
    assert versions == [before.replace("line 7\n", ""), before.replace("line 1\n", "one\n")]
    assert list(leave_out_changes([edit(before.replace("line 1", "one"), before)])) == []
