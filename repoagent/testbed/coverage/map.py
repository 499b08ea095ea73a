"""Which test calls which function, as it was measured."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

_MAX_TESTS = 200_000
_MAX_LENGTH = 1_000
"""Characters of an id or a path; what is longer is left out."""


class SourceSpan(NamedTuple):
    """Lines of a file, the first and the last: those of a function, say."""

    path: str
    """Relative to the repository."""
    first: int
    last: int


@dataclass(frozen=True)
class CoverageMap:
    """The functions that each test calls, by the line where their text begins, decorators included."""

    functions: tuple[tuple[str, int], ...]
    """Path and line."""
    tests: tuple[tuple[str, tuple[int, ...]], ...]
    """Id, and places in `functions`."""
    asked: tuple[str, ...] = ()
    """The files that were run; empty for all."""
    ended: bool = True
    """Whether the run came to its end; otherwise some of the tests are not in here."""

    def find_tests(self, place: SourceSpan) -> tuple[str, ...]:
        """Find the tests that call the function at `place`, or one of a class there; those first that call fewest
        others."""
        numbers = self._find_functions(place)
        found = [(len(calls), test) for test, calls in self.tests if numbers.intersection(calls)]
        return tuple(test for _, test in sorted(found))

    def rank_test_files(self, places: Sequence[SourceSpan]) -> tuple[str, ...]:
        """Order the test files by how many of `places` their tests call; the first place weighs most."""
        weights: dict[str, float] = {}
        for rank, place in enumerate(places):
            for path in {test.partition("::")[0] for test in self.find_tests(place)}:
                weights[path] = weights.get(path, 0.0) + 1 / (1 + rank)
        return tuple(sorted(weights, key=lambda path: (-weights[path], path)))

    def _find_functions(self, place: SourceSpan) -> frozenset[int]:
        """Number the function that begins with the place; where none does, as for a class, all that begin inside."""
        inside = [(line, n) for line, n in self._by_path.get(place.path, ()) if place.first <= line <= place.last]
        exact = frozenset(n for line, n in inside if line == place.first)
        return exact or frozenset(n for _, n in inside)

    @cached_property
    def _by_path(self) -> dict[str, list[tuple[int, int]]]:
        found: dict[str, list[tuple[int, int]]] = {}
        for number, (path, line) in enumerate(self.functions):
            found.setdefault(path, []).append((line, number))
        return found


def read_call_trace(data: bytes, asked: Sequence[str]) -> CoverageMap:
    """Parse what `call_trace.py` wrote; only its form is believed, for the code under test could write it, too."""
    functions: list[tuple[str, int]] = []
    tests: dict[str, tuple[int, ...]] = {}
    ended = False
    for event in _parse_events(data):
        match event:
            case {"function": [str(path), int(line)]}:
                functions.append((path, line) if _is_inside(path) else ("", 0))
            case {"test": str(test), "calls": list(calls)} if len(test) <= _MAX_LENGTH and len(tests) < _MAX_TESTS:
                tests[test] = tuple(n for n in calls if isinstance(n, int) and 0 <= n < len(functions))
            case {"end": int(_)}:
                ended = True
    return CoverageMap(tuple(functions), tuple(sorted(tests.items())), tuple(asked), ended)


def _parse_events(data: bytes) -> Iterator[object]:
    for line in data.splitlines():
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            continue


def _is_inside(path: str) -> bool:
    return len(path) <= _MAX_LENGTH and not path.startswith("/") and ".." not in path.split("/")
