"""What an issue proposes becomes a draft where it fits, and only there."""

from __future__ import annotations

import pytest

from repoagent.domain import Location
from repoagent.generators.from_issue import draft_from_issue
from repoagent.issue.proposals import ProposedChange, ProposedHunk

FILES = {
    "pkg/a.py": "class A:\n    def f(self, x):\n        y = x + 1\n        return y\n\n    def g(self): return 1\n",
    "pkg/b.py": "def f(x):\n    return x\n\n\ndef h():\n    return 1\n",
    "tests/test_a.py": "def test_f():\n    pass\n",
}
SUSPECTS = (Location("pkg/a.py", "A.f", 2, 4), Location("pkg/b.py", "h", 5, 6))


def after(*hunks: ProposedHunk, function: str = "") -> str | None:
    """The new text of the only file that is changed; None where it is refused."""
    made = draft_from_issue([ProposedChange("it", hunks, function)], SUSPECTS, list(FILES), FILES.__getitem__)
    assert len(made.drafts) + len(made.refused) == 1
    return made.drafts[0].edits[0].after if made.drafts else None


def test_old_lines_are_found_whatever_their_indentation() -> None:
    hunk = ProposedHunk("y = x + 1\nreturn y", "if x:\n    y = x\nreturn y", "a/pkg/a.py".removeprefix("a/"))
    expected = FILES["pkg/a.py"].replace("        y = x + 1\n", "        if x:\n            y = x\n")
    assert after(hunk) == expected


@pytest.mark.parametrize("path", ["", "pkg/a.py", "a.py"])
def test_a_part_of_a_line_is_replaced(path: str) -> None:
    assert after(ProposedHunk("x + 1", "x - 1", path)) == FILES["pkg/a.py"].replace("x + 1", "x - 1")


def test_what_stands_more_than_once_is_replaced_in_the_first_suspect_that_holds_it() -> None:
    assert after(ProposedHunk("1", "2")) == FILES["pkg/a.py"].replace("x + 1", "x + 2")
    assert after(ProposedHunk("return 1", "return 2")) == FILES["pkg/a.py"].replace(
        "return 1", "return 2"
    )  # it stands once
    assert after(ProposedHunk("self", "cls")) == FILES["pkg/a.py"].replace("self, x", "cls, x")
    assert after(ProposedHunk("el", "x")) is None


def test_a_function_takes_the_place_of_the_suspect_of_its_name() -> None:
    text = after(function="def f(self, x):\n    return x\n")
    assert text is not None
    assert "    def f(self, x):\n        return x\n\n    def g" in text


def test_a_suspect_in_another_language_does_not_stop_the_search_for_the_function() -> None:
    files = {**FILES, "view.js": "export function f( {\n", "lib.c": "int f(void) { return 1; }\n"}
    suspects = (Location("view.js", "", 1, 1), Location("lib.c", "f", 1, 1), *SUSPECTS)
    change = ProposedChange("it", (), "def f(self, x):\n    return x\n")
    [draft] = draft_from_issue([change], suspects, list(files), files.__getitem__).drafts
    assert [edit.path for edit in draft.edits] == ["pkg/a.py"]


@pytest.mark.parametrize(
    "hunk",
    [
        ProposedHunk("return 1", "return 2", "pkg/c.py"),
        ProposedHunk("nowhere", "x"),
        ProposedHunk("return", "x", "pkg/a.py"),
        ProposedHunk("x", "y", "../../etc/passwd"),
    ],
)
def test_what_does_not_fit_once_is_refused(hunk: ProposedHunk) -> None:
    assert after(hunk) is None


@pytest.mark.parametrize("function", ["def unheard():\n    pass", "def f(self, x):\n    ...", "def f(:", "(" * 5000])
def test_a_function_that_cannot_be_spliced_is_refused(function: str) -> None:
    assert after(function=function) is None


def shown(*pieces: str) -> list[str]:
    """The texts that come of pieces of code in an issue, the likeliest first."""
    made = draft_from_issue([ProposedChange("it", pieces=pieces)], SUSPECTS, list(FILES), FILES.__getitem__)
    return [str(draft.edits[0].after) for draft in made.drafts]


def test_a_line_of_the_issue_takes_the_place_of_the_only_one_that_is_like_it() -> None:
    assert shown("y = x + 1 + len(x)") == [FILES["pkg/a.py"].replace("x + 1", "x + 1 + len(x)")]
    assert shown("z = x + 1 + len(x)") == []
    assert shown("y = x + 1") == []  # it stands there already


def test_of_several_like_it_the_one_that_the_issue_names_before_is_meant() -> None:
    text = "def f(a):\n    if not isinstance(a, X):\n        pass\n    if hasattr(a, 'resolve'):\n        pass\n"
    pieces = ("if not isinstance(a, X):", "if not hasattr(a, 'resolve'):")
    for named, changed in ((pieces, pieces[0]), (pieces[1:], "if hasattr(a, 'resolve'):")):
        [draft] = draft_from_issue(
            [ProposedChange("it", pieces=named)], (Location("m.py", "f", 1, 5),), ["m.py"], lambda _: text
        ).drafts
        assert draft.edits[0].after == text.replace(changed, pieces[1])


def test_a_literal_takes_the_place_of_the_one_before_it_wherever_that_stands() -> None:
    text = "class A:\n    r = r'^[\\w.@+-]+$'\n\nclass B:\n    r = r'^[\\w.@+-]+$'\n"
    pieces = (r"r'^[\w.@+-]+$'", r"r'\A[\w.@+-]+\Z'")
    [draft] = draft_from_issue(
        [ProposedChange("it", pieces=pieces)], (Location("m.py", "A", 1, 2),), ["m.py"], lambda _: text
    ).drafts
    assert draft.edits[0].after == text.replace(*pieces)


def test_a_line_may_be_meant_for_the_marked_one_that_is_less_like_it() -> None:
    text = (
        "def f(a):\n    if isinstance(a, Thing):\n        pass\n\n\n"
        "def g(b):\n    if hasattr(b, 'resolved'):\n        pass\n"
    )
    suspects = (Location("m.py", "f", 1, 3, lines=(2,)), Location("m.py", "g", 6, 8, lines=(7,)))
    piece = ProposedChange("it", pieces=("if hasattr(a, 'resolved'):",))
    made = draft_from_issue([piece], suspects, ["m.py"], {"m.py": text}.__getitem__)
    texts = [draft.edits[0].after for draft in made.drafts]
    assert text.replace("if isinstance(a, Thing):", "if hasattr(a, 'resolved'):") in texts
