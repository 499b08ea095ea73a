"""The ladder that finds a quoted passage, and putting two changes together."""

from __future__ import annotations

import pytest

from repoagent.domain import Edit
from repoagent.edits import EditRefused
from repoagent.edits.combine import combine_edits
from repoagent.edits.replace import replace_passage

SOURCE = """\
LIMIT = 10


class Box:
    def area(self, a, b):
        if a > LIMIT:
            return 0
        return a * b

    def size(self, a, b):
        if a > LIMIT:
            return 0
        return a + b
"""


@pytest.mark.parametrize(
    ("passage", "replacement", "new"),
    [
        pytest.param("LIMIT = 10", "LIMIT = 12", "LIMIT = 12\n", id="exact"),
        pytest.param("LIMIT = 10   \n", "LIMIT = 12", "LIMIT = 12\n", id="trailing blanks"),
        pytest.param("return a * b", "return a / b", "        return a / b\n", id="not indented"),
        pytest.param("if a > LIMIT:\n    return 0\nreturn a * b", "return 1", "        return 1\n", id="moved left"),
        pytest.param("            return a * b", "            return 1", "        return 1\n", id="moved right"),
        pytest.param(
            "\n\nreturn a*b\n\n", "return a / b", "        return a / b\n", id="blanks inside and blank lines"
        ),
        pytest.param(
            "    def areas(self, a, b):\n        if a > LIMIT:",
            "    def area(self, a, b):\n        if a:",
            "    def area(self, a, b):\n        if a:\n",
            id="nearly",
        ),
    ],
)
def test_a_passage_is_found_however_it_is_quoted(passage: str, replacement: str, new: str) -> None:
    after = replace_passage(SOURCE, passage, replacement)
    assert new in after
    assert after != SOURCE
    compile(after, "m.py", "exec")
    assert "return a + b" in after


@pytest.mark.parametrize(
    ("passage", "reason"),
    [
        ("if a > LIMIT:\n    return 0", "found at lines 6, 11"),
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("return b ** a", "not in the file; nearest is"),
        ("x\n" * 1000, "1000 lines"),
    ],
)
def test_what_is_not_found_at_one_place_is_refused(passage: str, reason: str) -> None:
    with pytest.raises(EditRefused, match=reason):
        replace_passage(SOURCE, passage, "pass")


def test_of_two_equal_passages_the_one_that_was_shown_is_meant() -> None:
    after = replace_passage(SOURCE, "if a > LIMIT:", "if a >= LIMIT:", [range(10, 14)])
    assert after.splitlines()[10] == "        if a >= LIMIT:"
    assert after.splitlines()[5] == "        if a > LIMIT:"


def test_a_passage_that_is_like_two_others_alike_is_refused() -> None:
    with pytest.raises(EditRefused):
        replace_passage(SOURCE, "if a > LIMITS:\n    return 0", "pass")


def test_line_ends_are_those_of_the_file() -> None:
    assert replace_passage("a = 1\r\nb = 2\r\n", "a = 1\n", "a = 3\nc = 4\n") == "a = 3\r\nc = 4\r\nb = 2\r\n"


def test_two_changes_of_one_file_are_put_together() -> None:
    one = Edit("m.py", SOURCE, SOURCE.replace("= 10", "= 12"))
    other = Edit("m.py", SOURCE, SOURCE.replace("a + b", "a - b"))
    more = Edit("n.py", None, "new = 1\n")
    [both, new] = combine_edits((one,), (other, more))
    assert both.after == SOURCE.replace("= 10", "= 12").replace("a + b", "a - b")
    assert new == more
    assert combine_edits((one,), (one,)) == (one,)


def test_changes_of_the_same_line_are_not_put_together() -> None:
    one = Edit("m.py", SOURCE, SOURCE.replace("= 10", "= 12"))
    other = Edit("m.py", SOURCE, SOURCE.replace("= 10", "= 13"))
    with pytest.raises(EditRefused, match=r"m.py: both changes touch line 1"):
        combine_edits((one,), (other,))
