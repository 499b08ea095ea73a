"""Choose the tests that are most likely to notice a change to given files, nearest first."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

MAX_ALL_RELEVANT = 12
"""With no more test files than this, all are relevant."""


class Imports(Protocol):
    """The part of the index that is asked: who imports whom."""

    def find_importers(self, path: str) -> frozenset[str]:
        """Find the files that import the module at `path`, relative to the repository."""

    def find_users(self, name: str) -> frozenset[str]:
        """Find the files that use `name`, import it, or define it."""


def select_relevant_tests(
    index: Imports, paths: Sequence[str], tests: Sequence[str], limit: int = 8, symbols: Sequence[str] = ()
) -> tuple[str, ...]:
    """Select at most `limit` of the test files `tests` for the source files at `paths`; all, ordered, where they are
    few.

    First the tests named after a file or one of `symbols`, then those that import the file or name a symbol, then those
    that import an importer of it, then those that lie nearest in the tree. Of equals those come first that name the
    more likely symbols, which are qualified names in the order of suspicion. A test file among `paths` is relevant to
    itself.
    """
    weights = {test: weight for test, weight in _weigh_files(index, symbols).items() if test in set(tests)}
    direct = _find_importers(index, paths)
    ranks = (
        frozenset(paths),
        _find_named_after(tests, (*paths, *symbols)),
        direct | weights.keys(),
        _find_importers(index, direct - frozenset(tests)),
    )

    def rank_test(test: str) -> tuple[int, float, int, str]:
        rank = next((n for n, files in enumerate(ranks) if test in files), len(ranks))
        return (
            rank,
            -weights.get(test, 0.0),
            -max((_count_shared_folders(test, path) for path in paths), default=0),
            test,
        )

    ordered = sorted(tests, key=rank_test)
    return tuple(ordered if len(ordered) <= MAX_ALL_RELEVANT else ordered[:limit])


def _weigh_files(index: Imports, symbols: Sequence[str]) -> dict[str, float]:
    """Weigh files by the symbols they mention, the likelier the heavier; a symbol counts by its name and its
    class's."""
    found: dict[str, float] = defaultdict(float)
    for rank, symbol in enumerate(symbols):
        for name in symbol.split(".")[-2:]:
            for path in index.find_users(name) if len(name) >= _MIN_NAME and not name.startswith("__") else ():
                found[path] += 1 / (1 + rank)
    return found


_MIN_NAME = 4
"""Characters of a name that is not everywhere."""


def _find_importers(index: Imports, paths: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*(index.find_importers(path) for path in paths))


def _find_named_after(tests: Iterable[str], paths: Iterable[str]) -> frozenset[str]:
    subjects = {_extract_subject(path) for path in paths}
    return frozenset(test for test in tests if _extract_subject(test) in subjects)


def _extract_subject(path: str) -> str:
    """Reduce a path or symbol to its subject: `ab` for `src/pkg/_ab.py`, `tests/test_ab.py`, `ab.spec.ts` and
    `AbTest.java`.

    A package's `__init__.py`, an `index.js` or a `mod.rs` is about what its directory is named after.
    """
    *directories, name = path.split("/")
    stem = _ENDING.sub("", name)
    if stem in _PACKAGES and directories:
        stem = directories[-1]
    return _MARK.sub("", stem).strip("_").lower()


_ENDING = re.compile(r"\.[A-Za-z]+$")
_PACKAGES = frozenset({"__init__", "index", "mod"})
_MARK = re.compile(r"^tests?_|[._-](tests?|spec)$|^Test(?=[A-Z])|(?<=[a-z0-9])(Tests?|Spec|IT)$")


def _count_shared_folders(test: str, path: str) -> int:
    """Count the directory names that both paths have; `tests/parser/test_x.py` is near `src/pkg/parser/y.py`."""
    return len(set(test.split("/")[:-1]) & set(path.split("/")[:-1]))
