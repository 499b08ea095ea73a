"""Two modules, one of which cannot be imported."""

from cycle import turns


def test_turns():
    assert turns(6, 2) == 3
