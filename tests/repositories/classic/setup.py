"""A project as they were written before pyproject.toml."""

from setuptools import setup

TESTS = ["toml"]

setup(
    name="classic-shop",
    version="1.2",
    py_modules=["shop"],
    extras_require={"test": TESTS, "docs": ["a-package-that-does-not-exist-anywhere"]},
    tests_require=TESTS,
)
