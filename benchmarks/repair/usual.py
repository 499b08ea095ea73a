"""Counts the mutants of each pattern in a function of usual length: `python benchmarks/repair/usual.py`.

The functions are a sample of those of Python's standard library with 3 to 40 lines; nothing is run.
"""

from __future__ import annotations

import random
import sysconfig
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from repoagent.edits import EditRefused
from repoagent.generators.mutation.patterns import PATTERNS
from repoagent.generators.mutation.target import MutationTarget
from repoagent.generators.mutation.vocabulary import IssueVocabulary
from repoagent.languages.python.syntax import find_last_line, iterate_functions, parse

SAMPLE = 120


def main() -> None:
    """Print a pattern a line: its name, and the plausibility of its mutants together, on average."""
    found = list(_functions(Path(sysconfig.get_paths()["stdlib"])))
    totals: Counter[str] = Counter()
    chosen = random.Random(1).sample(found, SAMPLE)  # noqa: S311 - a sample, not a secret
    for source, name, line in chosen:
        totals.update(_fits(source, name, line))
    for pattern in PATTERNS:
        print(f"{pattern.name:20} {totals[pattern.name] / 100 / SAMPLE:7.1f}")


def _functions(library: Path) -> Iterator[tuple[str, str, int]]:
    for path in sorted(library.glob("*.py")):
        source = path.read_text(encoding="utf-8")
        for name, node in iterate_functions(parse(source)):
            if 3 <= find_last_line(node) - node.lineno <= 40:
                yield source, name, node.lineno


def _fits(source: str, name: str, line: int) -> dict[str, int]:
    """In hundredths."""
    try:
        target = MutationTarget.find(source, name, line, IssueVocabulary())
    except EditRefused:
        return {}
    return {p.name: round(100 * sum(each.plausibility for each in islice(p.propose(target), 4000))) for p in PATTERNS}


if __name__ == "__main__":
    main()
