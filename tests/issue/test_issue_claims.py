"""Which values an issue's prose names, and as what."""

from __future__ import annotations

import pytest

from repoagent.issue.claims import find_claims, find_comment_claims, find_expected_exceptions
from repoagent.issue.wording import read_role_before

PROSE = {
    "I expected `3` but got `4`.": {"expected": {"3"}, "actual": {"4"}},
    "It returns `4` instead of `3`.": {"actual": {"4"}, "expected": {"3"}},
    "`f(1)` should return `3`, not `4`.": {"expected": {"3"}, "actual": {"4"}},
    "`4` is returned, `3` is expected": {"actual": {"4"}, "expected": {"3"}},
    "The result should be 3 rather than 4.": {"expected": {"3"}, "actual": {"4"}},
    "Expected: 1.0 MB": {"expected": {"1.0 MB"}},
    "**Expected:** 1.0 MB": {"expected": {"1.0 MB"}},
    "Expected output: '1.0 MB'": {"expected": {"'1.0 MB'"}},
    "Actual result: 1000.0 kB": {"actual": {"1000.0 kB"}},
    "It should not be `4`.": {"actual": {"4"}},
    "## Expected behaviour\nIt returns `3`.": {"expected": {"3"}},
    "## Actual behaviour\nIt returns `4`.": {"actual": {"4"}},
    "This should be 1.0 MB": {},
    "Since version 2.0 the call is slow": {},
    "It was correct in 1.4": {},
    "This should work on Python 3.11": {},
    "I would appreciate a fix in 2.1": {},
    "Expected on Python 3.12, too": {},
    "I expected none of this": {},
    "The right version is used, 2.1 not 2.0": {},
    "It should work since `2.1`": {},
    "I expected 3 but got 4.": {"expected": {"3"}, "actual": {"4"}},
    "It returns 4 instead of 3": {"expected": {"3"}, "actual": {"4"}},
    "It should return None": {"expected": {"None"}},
    "See `module` and `f(3)` for more": {},
}


@pytest.mark.parametrize(("text", "claims"), PROSE.items(), ids=PROSE)
def test_values_are_told_by_the_words_before_them(text: str, claims: dict[str, set[str]]) -> None:
    found: dict[str, set[str]] = {}
    for claim in find_claims(text):
        found.setdefault(claim.role, set()).add(claim.text)
    assert found == claims


COMMENTS = {
    "expected 5": [("expected", "5")],
    "expected 5, got 4": [("expected", "5"), ("actual", "4")],
    "should be 1.0 MB but got 1000.0 kB": [("expected", "1.0 MB"), ("actual", "1000.0 kB")],
    "got '4' instead of '5'": [("actual", "'4'"), ("expected", "'5'")],
    "4 (expected 5)": [("expected", "5")],
    "prints True, should be False": [("actual", "True"), ("expected", "False")],
    "an ordinary remark": [],
    "expected on Python 3.12": [],
    "the expected result": [],
    "expected result": [],
}


@pytest.mark.parametrize(("comment", "claims"), COMMENTS.items(), ids=COMMENTS)
def test_comments_need_no_quotes(comment: str, claims: list[tuple[str, str]]) -> None:
    assert [(c.role, c.text) for c in find_comment_claims(comment)] == claims


@pytest.mark.parametrize(
    ("before", "role"),
    [
        ("Expected output:", "expected"),
        ("Actual output:", "actual"),
        ("What I get:", "actual"),
        ("I expected this but got:", "actual"),
        ("This should print", "expected"),
        ("## Expected\n\nsome words", "expected"),
        ("## Expected\ntext\n## Steps to follow", ""),
        ("An example:", ""),
        ("", ""),
    ],
)
def test_a_block_is_told_by_the_words_above_it(before: str, role: str) -> None:
    assert read_role_before(before) == role


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("It should raise a ValueError.", {"ValueError"}),
        ("I would expect `pkg.errors.ParseError` to be raised, i.e. it must raise `ParseError`", {"ParseError"}),
        ("It should not raise KeyError", set()),
        ("It raises KeyError", set()),
    ],
)
def test_exceptions_that_are_wished_for(text: str, names: set[str]) -> None:
    assert find_expected_exceptions(text) == names
