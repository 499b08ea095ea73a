"""The units of a repository that are ranked: functions, methods, classes without any, and the rest of each file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from repoagent.index.model import FileFacts, Symbol


@dataclass(frozen=True, slots=True)
class Unit:
    """A function, a class without functions, or the lines of a file outside of both."""

    path: str
    symbol: str
    """Qualified name; empty for the lines outside of units."""
    start: int
    end: int

    @property
    def name(self) -> str:
        """The last part of `symbol`."""
        return self.symbol.rpartition(".")[2]


_ASIDE = frozenset(
    {"tests", "doc", "docs", "example", "examples", "benchmark", "benchmarks", "vendor", "_vendor", "node_modules"}
)
_ASIDE_AT_TOP = frozenset({"test", "testing", "bench", "ci", "scripts", "build_tools", "release"})
_MIGRATION = re.compile(r"(^|/)migrations/\d+_[^/]*\.py$")
"""Migrations of a database: generated, and never changed afterwards."""

_TESTS = frozenset({"test", "tests", "testing", "spec", "specs", "__tests__"})
_TEST_FILES = re.compile(r"(test_.*|.*_tests?|tests?)\.pyi?$|.*\.(test|spec)\.\w+$|.*_test\.go$")
_ASIDE_FILES = re.compile(r"(test_.*|.*_tests?|tests?|conftest|setup|conf)\.pyi?$|.*\.(test|spec)\.\w+$|.*_test\.go$")


def is_non_source(path: str) -> bool:
    """Whether `path` is a test, documentation, example, migration or set-up: a fix is hardly ever there."""
    *folders, name = path.split("/")
    return (
        not _ASIDE.isdisjoint(folders)
        or (bool(folders) and folders[0] in _ASIDE_AT_TOP)
        or _ASIDE_FILES.match(name) is not None
        or _MIGRATION.search(path) is not None
    )


def is_test(path: str) -> bool:
    """Whether `path` holds tests."""
    *folders, name = path.split("/")
    return not _TESTS.isdisjoint(folders) or _TEST_FILES.match(name) is not None


def find_unit(facts: FileFacts, line: int) -> str:
    """Find the qualified name of the unit around `line`; empty for the lines outside of units."""
    return next((symbol.qualified for symbol in list_units(facts) if symbol.start <= line <= symbol.end), "")


def list_units(facts: FileFacts) -> Iterator[Symbol]:
    """Yield the units of a file: outermost functions and methods, and classes in which there are none."""
    parents = {symbol.parent for symbol in facts.symbols}
    functions = {symbol.qualified for symbol in facts.symbols if symbol.is_function}
    for symbol in facts.symbols:
        if symbol.kind in {"module", "cell"} or any(name in functions for name in _list_ancestors(symbol)):
            continue
        if symbol.is_function or symbol.qualified not in parents:
            yield symbol


def _list_ancestors(symbol: Symbol) -> Iterator[str]:
    name = symbol.parent
    while name:
        yield name
        name = name.rpartition(".")[0]
