"""Is what an issue's own words become an oracle that can be believed? `run.py ROWS.jsonl MIRRORS > recorded.json`.

ROWS holds rows of SWE-bench; MIRRORS holds git directories named `owner+name`. Every row is read: how many issues hold
code at all, outputs, tracebacks. The rows of `--repos` are executed, too: the oracle is made on the untouched code,
without the tests of the fix, and asked again with the reference patch. It is right where it fails before and passes
after; one that fails with the reference patch would refuse the right answer. The environment is built as
`repoagent testbed build` does it. No model takes part.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from repoagent.domain import Issue, Oracle, Strength
from repoagent.errors import EnvironmentFailed
from repoagent.evidence.reproduction.oracle import judge, reproduce
from repoagent.evidence.reproduction.project import build_project
from repoagent.evidence.reproduction.script import run_script
from repoagent.index.build import Index
from repoagent.issue.document import parse_document
from repoagent.issue.snippets import read_material
from repoagent.sandbox import choose_engine
from repoagent.sandbox.base import CommandResult, Engine
from repoagent.sandbox.pool import SandboxPool
from repoagent.testbed.build_plan import CommitInfo
from repoagent.testbed.runner import Testbed
from repoagent.trace import Trace


@dataclass(frozen=True)
class Read:
    """What a row's issue holds, as far as reading tells."""

    instance: str
    snippets: int
    outputs: int
    exceptions: int


@dataclass(frozen=True)
class Executed:
    """What became of a row's oracle."""

    instance: str
    strength: str = ""
    source: str = ""
    before: str = ""
    """What the oracle says of the untouched code; `failed` where it is one."""
    after: str = ""
    """What it says of the reference patch; `passed` where it is right."""
    seconds: float = 0.0
    """Of making the oracle and asking it twice, without the build."""
    reason: str = ""

    @property
    def right(self) -> bool:
        """Whether it fails before and passes after."""
        return (self.before, self.after) == ("failed", "passed")


def main() -> None:
    """Measure, print a line for each row on stderr and the record on stdout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("mirrors", type=Path)
    parser.add_argument("--repos", nargs="*", default=["requests", "pytest", "sympy", "sphinx", "pylint", "django"])
    parser.add_argument("--each", type=int, default=99)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--sandbox", default=None)
    parser.add_argument("--keep", type=Path, default=None, help="Where to write each oracle's script.")
    parser.add_argument("--scratch", type=Path, default=Path.home() / ".cache" / "repoagent-benchmarks" / "reproduce")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.rows.read_text(encoding="utf-8").splitlines()]
    read = [_read(row) for row in rows]
    executed = []
    engine = choose_engine(arguments.sandbox)
    engine.prepare(lambda _line: None)
    with SandboxPool(engine, idle=1) as pool:
        for row in _chosen(rows, arguments.repos, arguments.each, arguments.only):
            tree = arguments.scratch / str(row["instance_id"])
            one = execute(row, arguments.mirrors / row["repo"].replace("/", "+"), tree, pool, arguments.keep)
            executed.append(one)
            print(one.right, one, file=sys.stderr, flush=True)
    json.dump(_record(read, executed, engine.name), sys.stdout, indent=1)
    print(_table(executed), file=sys.stderr)


def _chosen(
    rows: Iterable[dict[str, Any]], repos: Sequence[str], each: int, only: Sequence[str]
) -> Iterable[dict[str, Any]]:
    """The first rows of each repository that hold code, or those named."""
    taken: Counter[str] = Counter()
    for row in rows:
        name = row["repo"].partition("/")[2]
        if row["instance_id"] in only or (not only and name in repos and taken[name] < each and _read(row).snippets):
            taken[name] += 1
            yield row


def issue_of(row: dict[str, Any]) -> Issue:
    """The issue as it was reported; the comments under it, which may hold the answer, are left out."""
    title, _, body = row["problem_statement"].partition("\n")
    return Issue(title.strip(), body.strip())


def _read(row: dict[str, Any]) -> Read:
    material = read_material(parse_document(issue_of(row)))
    return Read(row["instance_id"], len(material.snippets), len(material.outputs), len(material.exceptions))


def execute(row: dict[str, Any], mirror: Path, tree: Path, engine: Engine, keep: Path | None) -> Executed:
    """Build, make the oracle, and ask it of the untouched code and of the reference patch."""
    try:
        _checkout(row["base_commit"], mirror, tree)
        testbed = Testbed.prepare(engine, tree, origin=_origin(row), trace=Trace(), timeout=900.0)
    except (EnvironmentFailed, subprocess.CalledProcessError) as error:
        return Executed(row["instance_id"], reason=" ".join(str(error).split())[-300:])
    started = time.perf_counter()

    def run(script: str) -> CommandResult:
        with engine.open(testbed.environment, tree, testbed.limits) as sandbox:
            return run_script(sandbox, script)

    oracle = reproduce(issue_of(row), run, build_project(Index.build(tree)))
    if oracle.strength is Strength.NONE:
        return Executed(row["instance_id"], oracle.strength, seconds=round(time.perf_counter() - started, 1))
    before = judge(oracle, run(oracle.script))
    _git(tree, "apply", "-", data=row["patch"])
    try:
        finished = run(oracle.script)
    finally:
        _git(tree, "apply", "-R", "-", data=row["patch"])
    after = judge(oracle, finished)
    _keep(keep, row["instance_id"], oracle, finished)
    spent = round(time.perf_counter() - started, 1)
    return Executed(row["instance_id"], oracle.strength, oracle.source, before, after, spent)


def _keep(folder: Path | None, name: str, oracle: Oracle, finished: CommandResult) -> None:
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        parts = (oracle.script, "# observed", oracle.observed, "# expected", oracle.expected, oracle.exception)
        (folder / f"{name}.txt").write_text("\n".join((*parts, "# with the patch", finished.output)), encoding="utf-8")


def _origin(row: dict[str, Any]) -> CommitInfo:
    return CommitInfo("", datetime.fromisoformat(row["created_at"]))


def _checkout(commit: str, mirror: Path, tree: Path) -> None:
    if not (tree / ".git").is_dir():
        tree.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "-q", "--shared", "--no-checkout", str(mirror), str(tree)], check=True)
    _git(tree, "checkout", "-q", "--force", commit)


def _git(tree: Path, *arguments: str, data: str | None = None) -> None:
    subprocess.run(["git", "-C", str(tree), *arguments], input=data, text=True, check=True)


def _record(read: Sequence[Read], executed: Sequence[Executed], sandbox: str) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, shared; {sandbox}",
        "issues": len(read),
        "with_code": sum(bool(one.snippets) for one in read),
        "with_traceback": sum(bool(one.exceptions) for one in read),
        "executed": len(executed),
        "strengths": {name: _row(executed, name) for name in Strength},
        "rows": [{**asdict(one), "right": one.right} for one in executed],
    }


def _row(executed: Sequence[Executed], strength: str) -> dict[str, int]:
    found = [one for one in executed if one.strength == strength]
    return {"of": len(found), "right": sum(one.right for one in found)}


def _table(executed: Sequence[Executed]) -> str:
    return "\n".join(f"{name:8} {_row(executed, name)}" for name in (*Strength, ""))


if __name__ == "__main__":
    main()
