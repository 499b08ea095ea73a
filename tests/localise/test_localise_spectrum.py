"""What runs tell about where a fault lies."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from repoagent.domain import Issue
from repoagent.index.build import Index
from repoagent.index.retrieval.units import Unit
from repoagent.localise import localise
from repoagent.localise.spectrum import Spectrum, find_by_spectrum

Indexed = Callable[[Mapping[str, str | bytes]], Index]

ALWAYS, SOMETIMES, NEVER = (Unit("a.py", name, n, n + 9) for name, n in (("always", 1), ("sometimes", 11), ("no", 21)))
MODULE = Unit("a.py", "", 1, 30)


def _lines(*lines: int) -> dict[str, frozenset[int]]:
    return {"a.py": frozenset(lines)}


def test_lines_that_only_failing_runs_execute_are_most_suspicious() -> None:
    spectrum = Spectrum(failing=(_lines(2, 12), _lines(2, 12)), passing=(_lines(2), _lines(2)))
    assert spectrum.suspicion == {"a.py": {2: 2 / math.sqrt(2 * 4), 12: 1.0}}
    evidence = {e.symbol: e.weight for e in find_by_spectrum(spectrum, (ALWAYS, SOMETIMES, NEVER, MODULE))}
    assert evidence["sometimes"] > evidence["always"] > 0
    assert evidence.keys() == {"always", "sometimes"}


def test_what_no_failing_run_reaches_is_ruled_out_but_for_what_runs_on_import() -> None:
    spectrum = Spectrum(failing=(_lines(2),))
    assert [spectrum.is_reached(unit) for unit in (ALWAYS, NEVER, MODULE, Unit("b.py", "f", 1, 5))] == [
        True,
        False,
        True,
        False,
    ]
    assert spectrum.is_reached(Unit("b.py", "", 1, 5))


def test_of_equally_suspicious_lines_the_last_comes_first() -> None:
    assert Spectrum(failing=(_lines(2, 5, 3, 12),)).rank_lines(ALWAYS) == (5, 3, 2)


def test_functions_that_the_failing_run_never_reached_come_last(indexed: Indexed) -> None:
    files = {
        "pkg/a.py": "def total_price(items):\n    return wrong(items)\n\n\ndef unrelated(x):\n    return x\n",
        "pkg/b.py": "def total_tax(items):\n    return 0\n",
    }
    index = indexed(files)
    issue = Issue("total price of items is wrong", "total_price(items) and the total tax")
    assert localise(issue, index)[0].symbol == "total_price"
    spectrum = Spectrum(failing=({"pkg/b.py": frozenset({1, 2})},))
    ranked = localise(issue, index, spectrum=spectrum)
    assert ranked[0].symbol == "total_tax"
    assert "runs when it fails, and seldom when it does not" in ranked[0].reasons
    assert ranked[0].lines == (2, 1) or set(ranked[0].lines) <= {1, 2}
    assert "total_price" in {location.symbol for location in ranked}
