"""Measures localisation: `python run.py ROWS.jsonl MIRRORS [--scratch DIR]` prints recall as JSON.

ROWS holds SWE-bench rows; MIRRORS holds git directories named `owner+name` (or with one below). Rows whose repository
or base commit is not there are counted as left out.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repoagent.domain import Issue, Location
from repoagent.index.build import Index
from repoagent.index.retrieval.units import unit_at
from repoagent.localise import localise
from repoagent.process import CommandFailed, run

CUTS = (1, 5, 10, 20)
DEPTH = 100


@dataclass(frozen=True)
class Measured:
    """One instance: the ranks (from 1, 0 for not found) of what the reference patch changes."""

    instance: str
    files: tuple[int, ...]
    functions: tuple[int, ...]
    seconds: float
    indexing: float


def main() -> None:
    """Measure all rows and print the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("mirrors", type=Path)
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "localisation")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.rows.read_text(encoding="utf-8").splitlines()]
    measured = [done for row in rows if (done := _measure(row, arguments.mirrors, arguments.scratch))]
    json.dump(_summary(measured, len(rows) - len(measured)), sys.stdout, indent=2)


def _measure(row: dict[str, str], mirrors: Path, scratch: Path) -> Measured | None:
    mirror = _mirror(mirrors, row["repo"])
    tree = _checkout(mirror, row["base_commit"], scratch) if mirror else None
    if tree is None:
        return None
    started = time.perf_counter()
    index = Index.build(tree, scratch / "index.sqlite")
    indexed = time.perf_counter()
    title, _, body = row["problem_statement"].partition("\n")
    found = localise(Issue(title, body), index, DEPTH)
    seconds = time.perf_counter() - indexed
    gold = set(_changed(row["patch"], index))
    measured = Measured(row["instance_id"], _file_ranks(gold, found), _ranks(gold, found), seconds, indexed - started)
    print(measured, file=sys.stderr)
    return measured


def _mirror(mirrors: Path, repository: str) -> Path | None:
    folder = mirrors / repository.replace("/", "+")
    return next((head.parent for pattern in ("HEAD", "*/HEAD", "*/.git/HEAD") for head in folder.glob(pattern)), None)


def _checkout(mirror: Path, commit: str, scratch: Path) -> Path | None:
    """The tree of `commit` as a git work tree without history."""
    tree = scratch / commit
    if tree.exists():
        return tree
    try:
        archive = run(("git", f"--git-dir={mirror}", "archive", commit), timeout=120).stdout
    except CommandFailed:
        return None
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        # Python 3.11 has the filter from its fourth release on.
        if hasattr(tarfile, "data_filter"):
            tar.extraction_filter = tarfile.data_filter
        tar.extractall(tree)  # noqa: S202 - `git archive` writes no name that leads outside
    run(("git", "init", "--quiet"), cwd=tree, timeout=60)
    return tree


def _changed(patch: str, index: Index) -> Iterator[tuple[str, str]]:
    """File and function of every line that the patch removes, or adds beside; of Python files that exist."""
    path, line = "", 0
    for row in patch.splitlines():
        if row.startswith("--- "):
            path = row[6:]
        elif hunk := re.match(r"@@ -(\d+)", row):
            line = int(hunk[1])
        elif row.startswith(("-", "+")) and not row.startswith("+++"):
            if (facts := index.file(path)) is not None:
                yield path, unit_at(facts, line)
            line += row.startswith("-")
        elif row.startswith(" "):
            line += 1


def _file_ranks(gold: set[tuple[str, str]], found: tuple[Location, ...]) -> tuple[int, ...]:
    files = list(dict.fromkeys(location.path for location in found))
    return tuple(files.index(path) + 1 if path in files else 0 for path in sorted({path for path, _ in gold}))


def _ranks(gold: set[tuple[str, str]], found: tuple[Location, ...]) -> tuple[int, ...]:
    places = [(location.path, location.symbol) for location in found]
    wanted = {place for place in gold if place[1]} or gold
    return tuple(places.index(place) + 1 if place in places else 0 for place in sorted(wanted))


def _summary(measured: list[Measured], left_out: int) -> dict[str, object]:
    total = max(len(measured), 1)

    def share(ranks: str, cut: int, *, every: bool = False) -> float:
        hits = all if every else any
        return round(sum(hits(0 < r <= cut for r in getattr(m, ranks)) for m in measured) / total, 3)

    return {
        "instances": len(measured),
        "left_out": left_out,
        "file_recall": {f"@{cut}": share("files", cut) for cut in CUTS},
        "function_recall_any": {f"@{cut}": share("functions", cut) for cut in CUTS},
        "function_recall_all": {f"@{cut}": share("functions", cut, every=True) for cut in CUTS},
        "seconds_mean": round(sum(m.seconds for m in measured) / total, 2),
        "seconds_max": round(max((m.seconds for m in measured), default=0.0), 2),
    }


if __name__ == "__main__":
    main()
