"""Signs that a patch fits the example rather than the problem."""

from __future__ import annotations

import pytest

from repoagent.domain import Edit, Oracle, Strength
from repoagent.ranking.overfitting import describe_overfitting

SOURCE = """\
def palindrome(text, strict=False):
    if not text and strict:
        raise ValueError(text)
    log(text)
    return text + text[::-1]
"""
ORACLE = Oracle(
    Strength.STRONG, "print(palindrome('cat'))\nprint(palindrome('a'))\n", expected="=== 1 ===\n'catac'\n3.5\n"
)


def _of(after: str, before: str = SOURCE, oracle: Oracle = ORACLE) -> str:
    return describe_overfitting((Edit("text.py", before, after),), oracle)


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        ("    log(text)\n", "    if text == 'cat':\n        return text\n    log(text)\n", "'cat'"),
        ("    log(text)\n", "    if text in ('dog', 'cat'):\n        return text\n    log(text)\n", "'cat'"),
        ("text + text[::-1]", "'catac'", "'catac'"),
        ("text + text[::-1]", "'catac' if strict else text", "'catac'"),
        ("text + text[::-1]", "text if strict else 'catac'", "'catac'"),
        ("text + text[::-1]", "3.5", "3.5"),
        ("    log(text)\n", "    match text:\n        case 'cat':\n            return 1\n    log(text)\n", "'cat'"),
    ],
)
def test_who_singles_out_a_value_of_the_example_is_told_by_it(old: str, new: str, value: str) -> None:
    assert f"singles out {value}," in _of(SOURCE.replace(old, new))


@pytest.mark.parametrize(
    "after",
    [
        SOURCE.replace("    log(text)\n", ""),
        SOURCE.replace("    if not text and strict:\n        raise ValueError(text)\n", ""),
    ],
)
def test_what_only_takes_away_is_told(after: str) -> None:
    assert _of(after).startswith("It only takes code away")


@pytest.mark.parametrize(
    "after",
    [
        SOURCE,
        "# more\n" + SOURCE,
        SOURCE.replace("[::-1]", "[::-2]"),
        SOURCE.replace("not text and strict", "not text"),
        SOURCE.replace("text + text", "text"),
        SOURCE.replace("    log(text)\n", "").replace("    return", "    log(text)\n    return"),
        SOURCE.replace("log(text)", "log(text, 'cat')"),
        SOURCE.replace("text + text[::-1]", "text + text[-2::-1]"),
        SOURCE.replace("return text", "return 'a' + text"),
        SOURCE.replace("not text", "text == 'dog'"),
        "def palindrome(:\n",
    ],
)
def test_other_changes_raise_none(after: str) -> None:
    assert _of(after) == ""


def test_a_value_that_the_code_had_before_singles_nothing_out() -> None:
    before = SOURCE.replace("log(text)", "log('cat')")
    assert _of(before.replace("not text", "text != 'x' or text == 'cat'"), before) == ""


def test_without_an_example_only_what_is_taken_away_tells() -> None:
    nothing = Oracle(Strength.NONE)
    assert _of(SOURCE.replace("text + text[::-1]", "'catac'"), oracle=nothing) == ""
    assert _of(SOURCE.replace("    log(text)\n", ""), oracle=nothing)


def test_files_that_are_no_python_raise_none() -> None:
    assert describe_overfitting((Edit("a.txt", "a b", "a"),), ORACLE) == ""
    assert describe_overfitting((Edit("new.py", None, "a = 1\n"),), ORACLE) == ""
