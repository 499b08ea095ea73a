"""Match the test names of a benchmark with the tests that a run reports."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from repoagent.domain import Outcome, Status

_DJANGO = re.compile(r"(?P<test>\w+) \((?P<where>[\w.]+)\)")
_WORST = (Status.ERROR, Status.FAILED, Status.SKIPPED, Status.PASSED)


@dataclass(frozen=True)
class OutcomeIndex:
    """The outcomes of a test run, looked up by the names that benchmarks use.

    SWE-bench names pytest's ids; of Django `test (module.Class)`, or the first line of the test's docstring; of sympy
    the bare function; and cuts names at a blank in their parameters. Where a name means several tests the worst counts.
    """

    outcomes: Mapping[str, Status]
    bare: Mapping[str, tuple[str, ...]]
    described: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_outcomes(cls, outcomes: Iterable[Outcome], sources: Iterable[str] = ()) -> OutcomeIndex:
        """Index `outcomes`; `sources` are the texts of the test files, for tests that are named by their docstrings."""
        found = {outcome.id: outcome.status for outcome in outcomes}
        bare = _group_pairs((identity.rpartition("::")[2], identity) for identity in found)
        return cls(found, bare, _group_pairs(pair for text in sources for pair in _read_descriptions(text)))

    def find_status(self, name: str) -> Status | None:
        """Return the status of the test called `name`; None where it was not run."""
        statuses = [self.outcomes[identity] for identity in self._find_ids(name)]
        return min(statuses, key=_WORST.index) if statuses else None

    def _find_ids(self, name: str) -> Iterable[str]:
        if name in self.outcomes:
            return (name,)
        if match := _DJANGO.fullmatch(name):
            where, test = match["where"], match["test"]
            dotted = where if where.endswith(f".{test}") else f"{where}.{test}"
            return (dotted,) if dotted in self.outcomes else ()
        if name in self.bare:
            return self.bare[name]
        if "[" in name and not name.endswith("]"):
            return [identity for identity in self.outcomes if identity.startswith(name)]
        tails = self.described.get(name, ())
        return [each for each in self.outcomes if any(each.endswith(f".{tail}") for tail in tails)]


def _group_pairs(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return {key: tuple(values) for key, values in found.items()}


def _read_descriptions(source: str) -> Iterator[tuple[str, str]]:
    """Yield the first line of the docstring and `Class.test` of each test method; unittest prints the former."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for group in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        for test in group.body:
            if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef) and (doc := ast.get_docstring(test)):
                yield doc.strip().partition("\n")[0].strip(), f"{group.name}.{test.name}"
