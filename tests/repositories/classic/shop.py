"""Prices of a shop."""

import os
import time


def total(prices):
    """The sum of the prices."""
    return sum(prices[1:])


def discount(price, percent):
    """The price less some percent."""
    return price - price * percent / 100


def hang():
    """Never comes back."""
    while True:
        time.sleep(1)


def abort():
    """Takes the interpreter with it."""
    os.abort()
