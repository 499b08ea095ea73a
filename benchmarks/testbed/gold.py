"""Does the reference patch pass? `python benchmarks/testbed/gold.py ROWS.jsonl MIRRORS > recorded.json`.

ROWS holds rows of SWE-bench; MIRRORS holds git directories named `owner+name`. Of each repository the first `--each`
rows are taken whose commit is there. The test files that a row's test patch touches are run by `repoagent testbed test`
alone, without a hint, on the untouched code and with the reference patch. A row counts as right where with the patch
every test of FAIL_TO_PASS passes and one or more did not without, no test of PASS_TO_PASS that passed before fails, and
nine in ten of them pass. Of django some tests are named by the first line of their docstring: those are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DJANGO = re.compile(r"(?P<test>\w+) \((?P<where>[\w.]+)\)")


@dataclass(frozen=True)
class Measured:
    """How the reference patch of one row fared."""

    instance: str
    setup: str = ""
    seconds: float = 0.0
    """Of everything: building, and running the tests twice."""
    before: str = ""
    """How the run on the untouched code ended."""
    after: str = ""
    to_pass: int = 0
    green: int = 0
    """Tests of FAIL_TO_PASS that pass with the patch."""
    fixed: int = 0
    """Those of them that did not without."""
    to_keep: int = 0
    passing: int = 0
    """Tests of PASS_TO_PASS that pass with the patch."""
    broken: int = 0
    """Tests of PASS_TO_PASS that passed without the patch, and do not with it."""
    reason: str = ""

    @property
    def right(self) -> bool:
        """See the module."""
        return 0 < self.to_pass == self.green and self.fixed > 0 == self.broken and self.passing >= 0.9 * self.to_keep


def main() -> None:
    """Measure, print a line for each row on stderr and the record on stdout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("mirrors", type=Path)
    parser.add_argument("--each", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--scratch", type=Path, default=Path.home() / ".cache" / "repoagent-benchmarks")
    parser.add_argument(
        "--repoagent", default=shutil.which("repoagent") or str(Path(sys.executable).with_name("repoagent"))
    )
    parser.add_argument("--max-seconds", type=int, default=900)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.rows.read_text(encoding="utf-8").splitlines()]
    measured = []
    for row in chosen(rows, arguments.mirrors, arguments.each, arguments.only):
        one = measure(row, arguments.mirrors, arguments.scratch, arguments.repoagent, arguments.max_seconds)
        measured.append(one)
        print(one.right, one, file=sys.stderr, flush=True)
    right = sum(one.right for one in measured)
    print(f"{right} of {len(measured)} right", file=sys.stderr)
    record = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, shared",
        "right": right,
        "of": len(measured),
        "rows": [{**asdict(one), "right": one.right} for one in measured],
    }
    json.dump(record, sys.stdout, indent=1)


def chosen(rows: list[dict[str, Any]], mirrors: Path, each: int, only: list[str]) -> Iterator[dict[str, Any]]:
    """The first `each` rows of every repository whose base commit can be had, or those named."""
    taken: dict[str, int] = {}
    for row in rows:
        if only:
            if row["instance_id"] in only:
                yield row
        elif taken.get(row["repo"], 0) < each and _has(mirror(mirrors, row["repo"]), row["base_commit"]):
            taken[row["repo"]] = taken.get(row["repo"], 0) + 1
            yield row


def mirror(mirrors: Path, repository: str) -> Path:
    """The git directory of a repository, whether it exists or not."""
    return mirrors / repository.replace("/", "+")


def measure(row: dict[str, Any], mirrors: Path, scratch: Path, repoagent: str, seconds: int) -> Measured:
    """Build once, run the tests without and with the reference patch."""
    started = time.perf_counter()
    tree = checkout(row, mirror(mirrors, row["repo"]), scratch)
    patch = tree.with_suffix(".diff")
    patch.write_text(row["patch"], encoding="utf-8")
    build = _asked([repoagent, "testbed", "build", "--json", "--repo", str(tree)])
    if build.returncode:
        return Measured(row["instance_id"], seconds=time.perf_counter() - started, reason=build.stderr[-800:])
    run = [repoagent, "testbed", "test", "--json", "--max-seconds", str(seconds), "--repo", str(tree), *test_files(row)]
    before, after = _asked(run), _asked([*run, "--patch", str(patch)])
    setup = json.loads(build.stdout)["setup"]
    spent = round(time.perf_counter() - started, 1)
    if not (before.stdout.startswith("{") and after.stdout.startswith("{")):
        return Measured(row["instance_id"], setup, spent, reason=(before.stderr + after.stderr)[-800:])
    return compared(row, setup, spent, json.loads(before.stdout), json.loads(after.stdout))


def compared(row: dict[str, Any], setup: str, spent: float, before: dict[str, Any], after: dict[str, Any]) -> Measured:
    """What both runs say of the tests that the row names."""
    to_pass, to_keep = _names(row["FAIL_TO_PASS"]), _names(row["PASS_TO_PASS"])
    was, now = passed(before["passed"], to_pass | to_keep), passed(after["passed"], to_pass | to_keep)
    missing = sorted(to_pass - now) or sorted(to_keep & was - now)
    tail = "" if after["ending"] == "completed" else after["log"][-500:]
    return Measured(
        instance=row["instance_id"],
        setup=setup,
        seconds=spent,
        before=before["ending"],
        after=after["ending"],
        to_pass=len(to_pass),
        green=len(to_pass & now),
        fixed=len(to_pass & now - was),
        to_keep=len(to_keep),
        passing=len(to_keep & now),
        broken=len(to_keep & was - now),
        reason=" ".join((*missing[:4], tail)).strip(),
    )


def _names(value: str | list[str]) -> set[str]:
    """A list, or a list written as JSON, without sentences."""
    names = json.loads(value) if isinstance(value, str) else value
    return {name for name in names if " " not in name or "(" in name or "[" in name}


def passed(ids: Iterable[str], wanted: set[str]) -> set[str]:
    """Those of `wanted`, named as the benchmark names them, that are among `ids`.

    Django's are `test (module.Class)`, sympy's the bare name of a function; those with spaces in their parameters were
    cut when the benchmark was made, and are found by their start.
    """
    known = set(ids)
    bare = {identity.rpartition("::")[2] for identity in known}
    found = set()
    for name in wanted:
        match = DJANGO.fullmatch(name)
        dotted = f"{match['where']}.{match['test']}" if match else name
        cut = "[" in name and not name.endswith("]")
        if dotted in known or name in bare or (cut and any(identity.startswith(name) for identity in known)):
            found.add(name)
    return found


def test_files(row: dict[str, Any]) -> list[str]:
    """The files that the test patch leaves behind and that hold tests."""
    names = re.findall(r"^\+\+\+ b/(.+)$", row["test_patch"], re.MULTILINE)
    return [name for name in names if name.endswith(".py") and Path(name).name != "conftest.py"]


def checkout(row: dict[str, Any], source: Path, scratch: Path) -> Path:
    """A clone at the base commit with the tests of the fix, committed on the day of the base."""
    tree = scratch / str(row["instance_id"])
    if (tree / ".git").is_dir():
        return tree
    git = ["git", "-C", str(tree)]
    subprocess.run(["git", "clone", "-q", "--shared", "--no-checkout", str(source), str(tree)], check=True)
    subprocess.run([*git, "checkout", "-q", row["base_commit"]], check=True)
    subprocess.run([*git, "apply", "-"], input=row["test_patch"], text=True, check=True)
    day = subprocess.check_output([*git, "log", "-1", "--format=%cI"], text=True).strip()
    who = {f"GIT_{role}_{what}": "benchmark" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    dates = {"GIT_AUTHOR_DATE": day, "GIT_COMMITTER_DATE": day}
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "tests of the fix"], check=True, env={**os.environ, **who, **dates})
    return tree


def _has(source: Path, commit: str) -> bool:
    if not source.exists():
        return False
    asked = ["git", f"--git-dir={source}", "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def _asked(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    main()
