"""Which patterns of mutation pay? `python benchmarks/repair/patterns.py HUMANEVALFIX.jsonl QUIXBUGS > patterns.json`.

Nothing is run and no model asked. Of each problem it is told which patterns hold a mutant that means what the authors'
repair means, and how many mutants each pattern adds to a function; `chosen` counts how often a pattern's mutant was
delivered in the recorded runs beside this file. A pattern that reaches no repair and was never delivered costs
screening time and probability, and brings nothing that is known of.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.repair.bench import Problem
from benchmarks.repair.humanevalfix import read_problems as read_humanevalfix
from benchmarks.repair.quixbugs import read_problems as read_quixbugs
from repoagent.domain import Location
from repoagent.edits import EditRefused
from repoagent.generators.mutation.mutants import generate_mutants
from repoagent.generators.mutation.patterns import PATTERNS
from repoagent.languages.python.fingerprint import ast_fingerprint
from repoagent.languages.python.syntax import find_first_line, find_last_line, iterate_functions, parse

MAX_MUTANTS = 20_000
"""Of one function: all that the patterns propose, for nearly all functions."""


@dataclass(frozen=True)
class Reach:
    """What the patterns make of one problem."""

    problem: str
    reaching: tuple[str, ...]
    """The patterns of which a mutant means what the repair means."""
    mutants: dict[str, int]
    """How many mutants each pattern has."""


def main() -> None:
    """Look at every problem, and print what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("humanevalfix", type=Path)
    parser.add_argument("quixbugs", type=Path)
    arguments = parser.parse_args()
    problems = [*read_humanevalfix(arguments.humanevalfix), *read_quixbugs(arguments.quixbugs)]
    with ProcessPoolExecutor() as pool:
        found = [reach for reach in pool.map(measure_reach, problems) if reach]
    reaching = Counter(pattern for each in found for pattern in each.reaching)
    alone = Counter(each.reaching[0] for each in found if len(each.reaching) == 1)
    made: dict[str, int] = defaultdict(int)
    for each in found:
        for pattern, count in each.mutants.items():
            made[pattern] += count
    chosen = Counter(list_chosen(Path(__file__).parent))
    rows = {
        pattern.name: {
            "reaches": reaching[pattern.name],
            "alone": alone[pattern.name],
            "chosen": chosen[pattern.name],
            "mutants": made[pattern.name],
        }
        for pattern in PATTERNS
    }
    json.dump(
        {"problems": len(found), "patterns": rows, "found": [asdict(each) for each in found]}, sys.stdout, indent=1
    )


def list_chosen(folder: Path) -> Iterator[str]:
    """The patterns of the mutants that recorded runs delivered."""
    for path in sorted(folder.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        for row in data.get("rows", ()) if isinstance(data, dict) else ():
            name = str(row.get("generator", ""))
            if name.startswith("mutation: "):
                yield name.removeprefix("mutation: ")


def measure_reach(problem: Problem) -> Reach | None:
    """Which patterns reach the repair of a problem; None where it does not change one function."""
    before, wanted = problem.files[problem.path], ast_fingerprint(problem.reference)
    old, new = (dict(iterate_functions(parse(text))) for text in (before, problem.reference))
    changed = [name for name in old if name in new and ast.dump(old[name]) != ast.dump(new[name])]
    outer = [name for name in changed if not any(name.startswith(f"{other}.") for other in changed if other != name)]
    if len(outer) != 1:
        return None
    node = old[outer[0]]
    target = Location(problem.path, outer[0], find_first_line(node), find_last_line(node))
    reaching: list[str] = []
    counts: dict[str, int] = {}
    for pattern in PATTERNS:  # one by one: of two that make the same change, both count
        try:
            found = generate_mutants(before, target, problem.issue.text, MAX_MUTANTS, (pattern,))
        except (EditRefused, RecursionError):
            return None
        counts[pattern.name] = len(found)
        if any(ast_fingerprint(mutant.apply(before)) == wanted for mutant in found):
            reaching.append(pattern.name)
    return Reach(problem.name, tuple(reaching), counts)


if __name__ == "__main__":
    main()
