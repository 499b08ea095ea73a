"""When two outputs show the same value."""

from __future__ import annotations

import pytest

from repoagent.evidence.reproduction.values import is_same_value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[1, 2]", "[1,2]"),
        ("'a'", '"a"'),
        ("{'b': 1, 'a': [2]}", "{'a': [2], 'b': 1}"),
        ("{1, 2}", "{2, 1}"),
        ("1.0", "1.00"),
        ("\na  \nb\n", "a\nb"),
    ],
)
def test_spelling_makes_no_difference(one: str, other: str) -> None:
    assert is_same_value(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("True", "1"),
        ("[True, False]", "[1, 0]"),
        ("{'a': (1,)}", "{'a': (1.0,)}"),
        ("{1: 2}", "{True: 2}"),
        ("(1, 2)", "[1, 2]"),
        ("  a\nb", "a\nb"),
        ("a", "b"),
    ],
)
def test_types_and_blanks_do(one: str, other: str) -> None:
    assert not is_same_value(one, other)
