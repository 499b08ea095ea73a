"""The pieces of code that are ranked: functions and methods, classes without any, and what is left of each module."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from repoagent.index.build import Index
from repoagent.index.model import FileFacts, Symbol
from repoagent.index.text import split_lines


@dataclass(frozen=True)
class Unit:
    """One piece."""

    path: str
    symbol: str
    """Qualified name; empty for a module's own lines."""
    start: int
    end: int
    text: str
    docstring: str = ""

    @property
    def name(self) -> str:
        return self.symbol.rpartition(".")[2]

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.path, self.symbol, self.start)


_ASIDE = frozenset(
    {"tests", "doc", "docs", "example", "examples", "benchmark", "benchmarks", "vendor", "_vendor", "node_modules"}
)
_ASIDE_AT_TOP = frozenset({"test", "testing", "bench", "ci", "scripts", "build_tools", "release"})
_ASIDE_FILES = re.compile(r"(test_.*|.*_tests?|tests?|conftest|setup|conf)\.pyi?$")


def is_aside(path: str) -> bool:
    """Whether `path` is a test, documentation, example or set-up: a fix is hardly ever there."""
    parts = PurePosixPath(path).parts
    return (
        not _ASIDE.isdisjoint(parts[:-1])
        or (len(parts) > 1 and parts[0] in _ASIDE_AT_TOP)
        or _ASIDE_FILES.match(parts[-1]) is not None
    )


def units(index: Index, path: str) -> Iterator[Unit]:
    """The units of one file, the module's own lines last."""
    facts = index.definitions.get(path)
    if facts is None or facts.skipped:
        return
    lines = split_lines(index.source(path))
    rest = [True] * len(lines)
    for symbol in _ranked(facts):
        rest[symbol.start - 1 : symbol.end] = [False] * (min(symbol.end, len(lines)) - symbol.start + 1)
        text = "".join(lines[symbol.start - 1 : symbol.end])
        yield Unit(path, symbol.qualified, symbol.start, symbol.end, text, symbol.docstring)
    text = "".join(line for line, own in zip(lines, rest, strict=True) if own)
    if text.strip():
        yield Unit(path, "", 1, len(lines), text)


def unit_at(index: Index, path: str, line: int) -> str | None:
    """The qualified name of the unit around `line`: empty for the module, None where the file is not indexed."""
    facts = index.definitions.get(path)
    if facts is None:
        return None
    return next((s.qualified for s in _ranked(facts) if s.start <= line <= s.end), "")


def _ranked(facts: FileFacts) -> Iterator[Symbol]:
    """Outermost functions and methods, and classes in which there are none."""
    parents = {symbol.parent for symbol in facts.symbols}
    functions = {symbol.qualified for symbol in facts.symbols if symbol.kind != "class"}
    for symbol in facts.symbols:
        inside_function = any(symbol.qualified.startswith(f"{name}.") for name in _ancestors(symbol, functions))
        if not inside_function and (symbol.kind != "class" or symbol.qualified not in parents):
            yield symbol


def _ancestors(symbol: Symbol, functions: set[str]) -> Iterator[str]:
    name = symbol.parent
    while name:
        if name in functions:
            yield name
        name = name.rpartition(".")[0]
