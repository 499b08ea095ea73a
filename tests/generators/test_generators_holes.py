from __future__ import annotations

import pytest

from repoagent.domain import Location
from repoagent.edits import EditRefused
from repoagent.generators.holes import Hole, find_holes
from repoagent.generators.infill import fill_hole

SOURCE = '''def find(items, x):
    """Say where."""
    lo, hi = 0, len(items)
    while lo <= hi:
        mid = (lo + hi) // 2
        if items[mid] < x:
            lo = mid + 1
        elif "é" == x:
            return -1
        else:
            return mid
    return -1
'''


def target(*lines: int) -> Location:
    return Location("search.py", "find", 1, 12, lines=lines)


def text(hole: Hole) -> str:
    return SOURCE[hole.start : hole.end]


def test_the_condition_of_the_suspicious_line_is_the_first_hole() -> None:
    assert text(find_holes(SOURCE, target(4))[0]) == "lo <= hi"


def test_holes_slice_whole_expressions_lines_and_gaps_also_behind_wide_characters() -> None:
    found = {(hole.kind, text(hole)) for hole in find_holes(SOURCE, target())}
    assert ("expression", '"é" == x') in found
    assert ("line", "lo = mid + 1") in found
    assert ("insert", "") in found
    assert not any('"""' in content for _, content in found)


def test_no_hole_is_offered_twice_and_none_before_an_elif() -> None:
    found = find_holes(SOURCE, target(4, 6))
    assert len(found) == len(set(found))
    assert not any(hole.kind == "insert" and hole.line == 8 for hole in found)


@pytest.mark.parametrize(
    ("hole", "answer", "expected"),
    [
        (
            Hole("expression", SOURCE.index("lo <= hi"), SOURCE.index("lo <= hi") + 8, 4),
            "lo < hi:\n        mid",
            "while lo < hi:\n",
        ),
        (
            Hole("line", SOURCE.index("lo = mid"), SOURCE.index("lo = mid") + 12, 7),
            "lo = mid\n",
            "            lo = mid\n        elif",
        ),
    ],
)
def test_an_answer_is_cut_where_it_repeats_what_follows(hole: Hole, answer: str, expected: str) -> None:
    assert expected in fill_hole(SOURCE, hole, answer)


def test_inserted_lines_keep_the_indentation_of_what_follows() -> None:
    start = SOURCE.index("while lo")
    filled = fill_hole(
        SOURCE, Hole("insert", start, start, 4), "if not items:\n        return -1\n    while lo <= hi:\n    oops"
    )
    assert "    if not items:\n        return -1\n    while lo <= hi:\n        mid" in filled


@pytest.mark.parametrize("kind", ["expression", "insert"])
def test_an_empty_answer_is_refused(kind: str) -> None:
    with pytest.raises(EditRefused, match="empty"):
        fill_hole(SOURCE, Hole(kind, 10, 10, 1), "\n")  # type: ignore[arg-type]  # one of the kinds


def test_holes_are_those_of_the_function_at_the_target_s_line() -> None:
    source = "if a:\n    def f():\n        return 1\nelse:\n    def f():\n        return 2\n"
    found = find_holes(source, Location("m.py", "f", 2, 3))
    assert {hole.line for hole in found} == {3}


@pytest.mark.parametrize("prefix", ["\ufeff", "x = '\udce9\udcfc'; y = '\udce9'; "])
def test_holes_lie_right_behind_a_bom_and_bytes_that_are_not_utf_8(prefix: str) -> None:
    source = (prefix if len(prefix) == 1 else "") + f"def f(): {prefix if len(prefix) > 1 else ''}return 1\n"
    expressions = {
        source[h.start : h.end] for h in find_holes(source, Location("m.py", "f", 1, 1)) if h.kind == "expression"
    }
    assert "1" in expressions
    assert not any(hole.kind == "insert" for hole in find_holes(source, Location("m.py", "f", 1, 1)))


def test_inserted_lines_end_as_those_around_them() -> None:
    source = "def f(a):\r\n    return a\r\n"
    start = source.index("return")
    filled = fill_hole(source, Hole("insert", start, start, 2), "a = 1\n    a = 2\n")
    assert filled == "def f(a):\r\n    a = 1\r\n    a = 2\r\n    return a\r\n"


def test_only_as_many_inserted_lines_as_parse_are_taken() -> None:
    start = SOURCE.index("while lo")
    filled = fill_hole(SOURCE, Hole("insert", start, start, 4), "lo = 1\n    if (x\n    oops")
    assert filled == SOURCE.replace("    while lo", "    lo = 1\n    while lo")
