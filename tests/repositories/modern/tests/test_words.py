"""The module is imported by the package's name, so that the source directory must be on the path."""

import clock
import tomli
import typing_extensions


def test_afternoon():
    assert clock.spoken(15) == "3 o'clock"
    assert tomli
    assert typing_extensions


def test_noon():
    assert clock.spoken(12) == "12 o'clock"
