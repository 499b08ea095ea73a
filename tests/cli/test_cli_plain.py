from __future__ import annotations

import pytest

from repoagent.cli.printable import make_printable


@pytest.mark.parametrize(
    ("text", "keep", "shown"),
    [
        ("a b é 漢", "", "a b é 漢"),
        ("\x1b[2Jgone", "", " [2Jgone"),
        ("\x9b31m\x07\x00", "", " 31m  "),
        ("one\ntwo\rthree", "\n", "one\ntwo three"),
        ("\u202etxt.exe", "", " txt.exe"),
    ],
)
def test_nothing_that_moves_the_cursor_reaches_a_terminal(text: str, keep: str, shown: str) -> None:
    assert make_printable(text, keep) == shown
