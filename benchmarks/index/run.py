"""Measures the index beside other tools on one tree: `python benchmarks/index/run.py TREE > recorded.json`.

TREE is a git work tree. Each round runs every tool once, one after the other, so that all meet the same machine; told
are the medians, and the ratios within the rounds. `ctags` and `rg` are measured where they are installed, aider's
repository map and jedi with `--peers PYTHON`, an interpreter that has `aider-chat` and `jedi`, in the first round only.
Nothing is written into TREE: aider, which keeps its cache beside the files, is given a copy, and so are edits.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from repoagent.index.build import Index
from repoagent.index.repomap import build_repository_map
from repoagent.process import run

HERE = Path(__file__).parent
SAMPLE = 60
"""Names that are looked up."""


def main() -> None:
    """Measure all tools, and print what came out as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", type=Path, help="An interpreter that has aider-chat and jedi.")
    arguments = parser.parse_args()
    tree = arguments.tree.resolve()
    with tempfile.TemporaryDirectory(prefix="bench-index-") as folder:
        rounds = [
            _round(tree, Path(folder) / str(n), arguments.peers if not n else None) for n in range(arguments.rounds)
        ]
        single = _once(tree, Path(folder))
    json.dump(_report(tree, rounds, single), sys.stdout, indent=1)


def _round(tree: Path, folder: Path, peers: Path | None) -> dict[str, float]:
    """One run of each, in seconds; of processes also the peak of memory in MB."""
    folder.mkdir()
    found: dict[str, float] = {}
    for name, command in _commands(tree, folder, peers):
        seconds, peak = _timed(command)
        found[name] = seconds
        found[f"{name}, MB"] = peak
        print(f"{name}: {seconds:.2f} s, {peak:.0f} MB", file=sys.stderr, flush=True)
    return found


def _commands(tree: Path, folder: Path, peers: Path | None) -> Iterator[tuple[str, Sequence[str]]]:
    python = sys.executable
    one = str(HERE / "pieces.py")
    yield "parse, one process", (python, one, "floor", str(tree), "1", "parse")
    yield "parse and query, two processes", (python, one, "floor", str(tree), "2", "query")
    yield "index, cold", (python, one, "build", str(tree), str(folder / "index.sqlite"))
    yield "index, nothing changed", (python, one, "build", str(tree), str(folder / "index.sqlite"))
    yield "first answer, cold tree", (python, one, "find", str(tree), str(folder / "quick.sqlite"))
    if shutil.which("ctags"):
        yield "ctags", ("ctags", "-R", "--languages=Python,JavaScript", "-f", str(folder / "tags"), str(tree))
    if shutil.which("rg"):
        yield "ripgrep, one word", ("rg", "--count", "--word-regexp", "get_queryset", str(tree))
    if peers:
        copy = folder / "copy"
        shutil.copytree(tree, copy, ignore=shutil.ignore_patterns(".git"))
        yield "aider's map, cold", (str(peers), str(HERE / "peers.py"), "aider", str(copy))
        yield "aider's map, one file touched", (str(peers), str(HERE / "peers.py"), "aider-touched", str(copy))
        yield "jedi, names of 60 files", (str(peers), str(HERE / "peers.py"), "jedi", str(copy))


def _timed(command: Sequence[str]) -> tuple[float, float]:
    """Wall seconds of a process, and the largest memory of it or of one it started, in MB."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": str(HERE.parents[1]), "REPOAGENT_INDEX_BEHIND": "0"}
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    complaint = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode not in {0, 1}:  # ripgrep says 1 where nothing matches
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {complaint[-500:].decode()}")
    return seconds, usage.ru_maxrss / 1024


# --- within one process -----------------------------------------------------------------------------------------------


def _once(tree: Path, folder: Path) -> dict[str, object]:
    """What is asked of an index that is there: latencies in milliseconds."""
    cache = folder / "once.sqlite"
    index = Index.build(tree, cache)
    names = random.Random(0).sample(sorted(index.files.definers_by_name), SAMPLE)  # noqa: S311 # a sample, no secret
    index.find_symbols(names[0])
    found: dict[str, object] = {
        "files": len(index.files),
        "bytes": sum(item.size for item in index.listed if item.path in index.files),
        "symbols": len(index.list_symbols()),
        "references": sum(len(index.list_references(path)) for path in index.files),
        "cache, MB": round(cache.stat().st_size / 1e6, 1),
    }
    found["find a symbol, first time"] = _latencies(names, Index.open(tree, cache).find_symbols)
    found["find a symbol, again"] = _latencies(names, index.find_symbols)
    found["find all uses"] = _latencies(names, index.find_references)
    found["open, nothing changed"] = _latencies(range(5), lambda _: Index.open(tree, cache))
    found["map of 1000 tokens"] = _latencies(range(3), lambda _: build_repository_map(index))
    found["cold tree, all uses of a symbol"] = _latencies(
        names[:20], lambda name: Index.open(tree).find_references(name)
    )
    shutil.copytree(tree, folder / "edited", symlinks=True)
    found["after an edit"] = _edits(Index.build(folder / "edited", cache))
    found["memory of this process, MB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return found


def _edits(index: Index) -> dict[str, float]:
    """Adding a function to each of some files, until it is found."""
    paths = random.Random(1).sample([path for path in index.files if path.endswith(".py")], 20)  # noqa: S311
    spent = []
    for path in paths:
        with (index.root / path).open("ab") as file:
            file.write(b"\n\ndef added_by_the_benchmark():\n    pass\n")
        started = time.perf_counter()
        index = index.refresh([path])
        if path not in {symbol.path for symbol in index.find_symbols("added_by_the_benchmark")}:
            raise SystemExit(f"the edit of {path} was not seen")
        spent.append(time.perf_counter() - started)
    return _shown(spent)


def _latencies(items: Sequence[object] | range, ask: Callable[..., object]) -> dict[str, float]:
    spent = []
    for item in items:
        started = time.perf_counter()
        ask(item)
        spent.append(time.perf_counter() - started)
    return _shown(spent)


def _shown(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "p50 ms": round(1000 * statistics.median(ordered), 3),
        "p90 ms": round(1000 * ordered[int(0.9 * (len(ordered) - 1))], 3),
    }


# --- what is told -----------------------------------------------------------------------------------------------------


def _report(tree: Path, rounds: Sequence[Mapping[str, float]], single: Mapping[str, object]) -> dict[str, object]:
    names = list(rounds[0])
    medians = {name: round(statistics.median(r[name] for r in rounds if name in r), 3) for name in names}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        "tree": tree.name,
        "rounds": len(rounds),
        "versions": dict(_versions()),
        "seconds and MB, medians": medians,
        "ratios, medians": {
            "index, cold / parse and query, two processes": _ratio(
                rounds, "index, cold", "parse and query, two processes"
            ),
            "first answer, cold tree / ctags": _ratio(rounds, "first answer, cold tree", "ctags"),
            "aider's map, cold / index, cold": _ratio(rounds, "aider's map, cold", "index, cold"),
        },
        "one process": single,
    }


def _ratio(rounds: Sequence[Mapping[str, float]], upper: str, lower: str) -> float | None:
    found = [r[upper] / r[lower] for r in rounds if upper in r and lower in r]
    return round(statistics.median(found), 2) if found else None


def _versions() -> Iterator[tuple[str, str]]:
    for program in ("ctags", "rg", "git"):
        if shutil.which(program):
            yield program, run((program, "--version"), timeout=20).text.splitlines()[0]


if __name__ == "__main__":
    main()
