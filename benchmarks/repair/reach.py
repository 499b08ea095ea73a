"""How many real fixes lie in reach of mutation? `python benchmarks/repair/reach.py ROWS.jsonl MIRRORS > OUT.json`.

ROWS holds rows of SWE-bench; MIRRORS holds git directories named `owner+name`. Nothing is run and no model asked: of
each fix that changes one Python function it is told whether a mutant of that function means the same, and which place
the mutant has among all of them, likeliest first; and, where the function is long, which of its parts holds the fix.
The issue's words weigh as they do in a run; no failing run does.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from itertools import repeat
from pathlib import Path

from repoagent.domain import Location
from repoagent.edits import EditRefused
from repoagent.generators.mutation.mutants import generate_mutants
from repoagent.generators.rewrite_part import LONG
from repoagent.generators.statement_ranges import count_words, find_statement_ranges
from repoagent.languages.python.syntax import find_last_line, iterate_functions, parse, split_docstring

MOST = 6_000
"""Mutants of one function that are looked at."""
CHARACTERS = 3.5
"""Of a token of code, roughly."""


@dataclass(frozen=True)
class Reached:
    """What became of one row."""

    instance: str
    files: int
    functions: tuple[str, ...]
    """Those that the fix changes, of all its files; of others than functions a file stands here."""
    mutants: int = 0
    place: int = 0
    """Of the first mutant that means what the fix means; 0 where there is none."""
    pattern: str = ""
    part: int | None = None
    """Of a long function, the place of the first part that holds all lines of the fix; 0 where none does."""


def main() -> None:
    """Look at every row, and print what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("mirrors", type=Path)
    parser.add_argument("--only", nargs="*", help="ids of instances; all without")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.rows.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if not arguments.only or row["instance_id"] in arguments.only]
    with ProcessPoolExecutor() as pool:
        found = [each for each in pool.map(_reached, rows, repeat(arguments.mirrors)) if each]
    single = [each for each in found if each.files == 1 and len(each.functions) == 1]
    within = [each.place for each in single if each.place]
    told = {f"among the first {most}": sum(place <= most for place in within) for most in (100, 600, 2_000, MOST)}
    parts = Counter(each.part for each in single if each.part is not None)
    counts = {"rows": len(found), "one function": len(single), "a mutant": told, "in part": dict(sorted(parts.items()))}
    json.dump({**counts, "found": [asdict(each) for each in found]}, sys.stdout, indent=1)


def _reached(row: dict[str, str], mirrors: Path) -> Reached | None:
    """What is found of a row; None where its repository is not there."""
    mirror = mirrors / row["repo"].replace("/", "+")
    if not mirror.exists():
        return None
    paths = [path for path in re.findall(r"^--- a/(.+)$", row["patch"], re.MULTILINE) if path.endswith(".py")]
    with tempfile.TemporaryDirectory() as scratch:
        pairs = [(path, *_versions(row, mirror, path, Path(scratch))) for path in paths]
    changed = [(path, *pair, name) for path, *pair in pairs for name in _changed(pair[0], pair[1])]
    files = len(re.findall(r"^diff --git", row["patch"], re.MULTILINE))
    names = tuple(f"{path}::{name}" for path, _, _, name in changed)
    if files != 1 or len(changed) != 1:
        return Reached(row["instance_id"], files, names)
    path, before, after, name = changed[0]
    return _searched(Reached(row["instance_id"], files, names), path, before, after, name, row["problem_statement"])


def _versions(row: dict[str, str], mirror: Path, path: str, scratch: Path) -> tuple[str, str]:
    """The file before the fix, and after."""
    shown = subprocess.run(
        ("git", f"--git-dir={mirror}", "show", f"{row['base_commit']}:{path}"), capture_output=True, check=True
    )
    place = scratch / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(shown.stdout)
    before = place.read_text(encoding="utf-8")
    apply = ("git", "apply", "--unsafe-paths", f"--include={path}", "-")
    subprocess.run(apply, cwd=scratch, input=row["patch"].encode(), check=True, capture_output=True)
    return before, place.read_text(encoding="utf-8")


def _changed(before: str, after: str) -> Iterator[str]:
    """Functions whose meaning differs, outermost first where one lies in another; empty where something else does."""
    old, new = (dict(_meanings(text)) for text in (before, after))
    names = [name for name in old if name and old[name] != new.get(name)]
    yield from (name for name in names if not any(other != name and name.startswith(f"{other}.") for other in names))
    if _outside(before) != _outside(after) or set(new) - set(old):
        yield ""


def _meanings(text: str) -> Iterator[tuple[str, str]]:
    return ((name, _meaning(node)) for name, node in iterate_functions(parse(text)))


def _outside(text: str) -> str:
    """A file's meaning without the bodies of its functions."""
    tree = parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [ast.Pass()]
    return _meaning(tree)


def _meaning(node: ast.AST) -> str:
    """Without docstrings and other texts that stand for comments, which are taken out of the tree."""
    for inner in ast.walk(node):
        if isinstance(body := getattr(inner, "body", None), list):
            kept = [n for n in body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
            inner.body = kept or [ast.Pass()]  # type: ignore[attr-defined]  # every node with a list of this name
    return ast.dump(node)


def _searched(row: Reached, path: str, before: str, after: str, name: str, issue: str) -> Reached:
    found = dict(iterate_functions(parse(before)))
    if name not in found:
        return row
    node = found[name]
    target = Location(path, name, node.lineno, find_last_line(node))
    wanted = _meaning(dict(iterate_functions(parse(after)))[name])
    lines = before.splitlines(keepends=True)
    start, rest = len("".join(lines[: node.lineno - 1])), len("".join(lines[find_last_line(node) :]))
    row = replace(row, part=_part(before, after, target, issue))
    try:
        made = generate_mutants(before, target, issue, MOST)
    except (EditRefused, RecursionError):
        return row
    for place, mutant in enumerate(made, 1):
        text = mutant.apply(before)
        if _means(text[start : len(text) - rest], node, wanted):
            return replace(row, mutants=len(made), place=place, pattern=mutant.pattern)
    return replace(row, mutants=len(made))


def _part(before: str, after: str, target: Location, issue: str) -> int | None:
    """The place of the first part that holds the lines of the fix; None where the function is short."""
    body, _ = split_docstring(before, target.symbol, target.start)
    if len(body) <= LONG * CHARACTERS:
        return None
    matcher = SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    changed = [op for op in matcher.get_opcodes() if op[0] != "equal"]
    first, last = changed[0][1] + 1, max(changed[-1][2], changed[-1][1] + 1)
    found = find_statement_ranges(before, target.symbol, target.start, (), count_words(issue))
    return next((n for n, part in enumerate(found, 1) if part.first - 1 <= first and last <= part.last + 1), 0)


def _means(text: str, original: ast.FunctionDef | ast.AsyncFunctionDef, wanted: str) -> bool:
    """Whether a function's lines, its decorators left out, mean what is wanted."""
    try:
        [made] = ast.parse(textwrap.dedent(text)).body
    except (SyntaxError, ValueError):
        return False
    if isinstance(made, ast.FunctionDef | ast.AsyncFunctionDef):
        made.decorator_list = original.decorator_list
    return _meaning(made) == wanted


if __name__ == "__main__":
    main()
