"""Measures localisation without a model: `python benchmarks/localisation/run.py ROWS.jsonl MIRRORS > recorded.json`.

ROWS holds rows of SWE-bench; MIRRORS holds git directories named `owner+name` (or with one below). Of each row's base
commit the files are checked out, without any history; then its issue alone is asked. `--ablate` asks again without each
signal in turn. Rows whose repository or base commit is not there are counted as left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from repoagent.domain import Issue, Location
from repoagent.index.build import Index
from repoagent.index.retrieval.units import find_unit
from repoagent.localise import localise
from repoagent.localise.rank import SIGNALS
from repoagent.process import CommandFailed, run

CUTS = (1, 3, 5, 10)
DEPTH = 100


@dataclass(frozen=True)
class Measured:
    """One instance: the ranks (from 1, 0 for not among the first DEPTH) of what the reference patch changes."""

    instance: str
    files: tuple[int, ...]
    functions: tuple[int, ...]
    seconds: float
    indexing: float


def main() -> None:
    """Measure all rows, and print what came out as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("mirrors", type=Path)
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "localisation")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--ablate", action="store_true")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.rows.read_text(encoding="utf-8").splitlines()]
    variants: dict[str, tuple[str, ...]] = {"all signals": ()}
    if arguments.ablate:
        variants |= {f"without {signal}": (signal,) for signal in SIGNALS}
        variants["own words only"] = SIGNALS
    measure = partial(_measure, arguments.mirrors, arguments.scratch, variants)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        found = [row for row in pool.map(measure, rows) if row]
    json.dump(_report(found, variants, len(rows) - len(found), arguments.jobs), sys.stdout, indent=1)


def _measure(
    mirrors: Path, scratch: Path, variants: dict[str, tuple[str, ...]], row: dict[str, str]
) -> dict[str, Measured] | None:
    mirror = _mirror(mirrors, row["repo"])
    tree = _checkout(mirror, row["base_commit"], scratch) if mirror else None
    if tree is None:
        return None
    started = time.perf_counter()
    index = Index.build(tree, scratch / "index.sqlite")
    indexing = time.perf_counter() - started
    title, _, body = row["problem_statement"].partition("\n")
    gold = set(_changed(row["patch"], index))
    measured = {}
    for name, without in variants.items():
        started = time.perf_counter()
        found = localise(Issue(title, body), index, DEPTH, without=without)
        seconds = time.perf_counter() - started
        ranks = _file_ranks(gold, found), _ranks(gold, found)
        measured[name] = Measured(row["instance_id"], *ranks, round(seconds, 3), round(indexing, 3))
    print(measured["all signals"], file=sys.stderr, flush=True)
    return measured


def _mirror(mirrors: Path, repository: str) -> Path | None:
    folder = mirrors / repository.replace("/", "+")
    return next((head.parent for pattern in ("HEAD", "*/HEAD", "*/.git/HEAD") for head in folder.glob(pattern)), None)


def _checkout(mirror: Path, commit: str, scratch: Path) -> Path | None:
    """The files of `commit` as a git work tree without history; files that the mirror lacks are left out."""
    tree = scratch / commit
    if (tree / ".git").exists():
        return tree
    tree.mkdir(parents=True, exist_ok=True)
    git = ("git", f"--git-dir={mirror}", f"--work-tree={tree}")
    environment = {"GIT_INDEX_FILE": str(scratch / f"{commit}.index")}
    try:
        run((*git, "read-tree", commit), timeout=120, environment=environment)
    except CommandFailed:
        return None
    run(
        (*git, "checkout-index", "--all", "--force", "--quiet"),
        cwd=tree,
        timeout=300,
        environment=environment,
        check=False,
    )
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
            if (facts := index.read_facts(path)) is not None:
                yield path, find_unit(facts, line)
            line += row.startswith("-")
        elif row.startswith(" "):
            line += 1


def _file_ranks(gold: set[tuple[str, str]], found: Sequence[Location]) -> tuple[int, ...]:
    files = list(dict.fromkeys(location.path for location in found))
    return tuple(files.index(path) + 1 if path in files else 0 for path in sorted({path for path, _ in gold}))


def _ranks(gold: set[tuple[str, str]], found: Sequence[Location]) -> tuple[int, ...]:
    """The ranks of the changed functions; of a module's own lines only where nothing else is changed."""
    places = [(location.path, location.symbol) for location in found]
    wanted = {place for place in gold if place[1]} or gold
    return tuple(places.index(place) + 1 if place in places else 0 for place in sorted(wanted))


# --- what is told -----------------------------------------------------------------------------------------------------


def _report(
    found: list[dict[str, Measured]], variants: dict[str, tuple[str, ...]], left_out: int, jobs: int
) -> dict[str, object]:
    whole = [row["all signals"] for row in found]
    repositories = sorted({row.instance.rpartition("-")[0] for row in whole})
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        "jobs": jobs,
        "instances": len(whole),
        "left_out": left_out,
        "recall": {name: _recall([row[name] for row in found]) for name in variants},
        "by_repository": {
            name: {"instances": len(rows), **_recall(rows)}
            for name in repositories
            if (rows := [row for row in whole if row.instance.rpartition("-")[0] == name])
        },
        "ranks": {row.instance: {"files": row.files, "functions": row.functions} for row in whole},
    }


def _recall(rows: Sequence[Measured]) -> dict[str, object]:
    total = max(len(rows), 1)

    def share(kind: str, cut: int, *, every: bool = False) -> float:
        hits = all if every else any
        return round(sum(hits(0 < rank <= cut for rank in getattr(row, kind)) for row in rows) / total, 3)

    return {
        "files": {f"@{cut}": share("files", cut) for cut in CUTS},
        "functions": {f"@{cut}": share("functions", cut) for cut in CUTS},
        "all_functions": {f"@{cut}": share("functions", cut, every=True) for cut in CUTS},
        "seconds_mean": round(sum(row.seconds for row in rows) / total, 2),
        "seconds_max": round(max((row.seconds for row in rows), default=0.0), 2),
    }


if __name__ == "__main__":
    main()
