"""Imports what the repository no longer has."""

from cycle import spokes


def test_spokes():
    assert spokes() == 36
