"""Tests of unittest's, in a file that pytest does not look for; one needs a module that no manifest names."""

import unittest

import yaml
from maths import half


class HalfTest(unittest.TestCase):
    """Two methods."""

    def test_even(self):
        self.assertEqual(half(4), 2)  # noqa: PT009 - a unittest project

    def test_odd(self):
        self.assertEqual(half(yaml.safe_load("3")), 1.5)  # noqa: PT009 - a unittest project
