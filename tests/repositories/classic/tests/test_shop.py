"""One failure, parameters, a class, a skipped test, and two that are dangerous when asked for."""

from pathlib import Path

import pytest
import shop
import toml


def test_total():
    assert shop.total([1, 2, 3]) == 6


@pytest.mark.parametrize(("percent", "price"), [(0, 100), (50, 50)])
def test_discount(percent, price):
    assert shop.discount(100, percent) == price


class TestSettings:
    """A class with a parameter in brackets."""

    @pytest.mark.parametrize("text", ["a = 1", "b = [2]"])
    def test_read(self, text):
        assert toml.loads(text)


@pytest.mark.skip(reason="no till here")
def test_till():
    raise AssertionError


def test_hang():
    if Path("hang").exists():
        shop.hang()


def test_abort():
    if Path("abort").exists():
        shop.abort()
