"""Are real Python projects built and tested without a hint? `python benchmarks/testbed/projects.py > recorded.json`.

For each project of `projects.txt` its newest source distribution is unpacked and put under git with the day of
its release; then `repoagent testbed build` is run twice, cold and cached, and `repoagent testbed test` once over all
tests. `--only NAME` measures some. Needs a sandbox and the package index.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from packaging.utils import InvalidSdistFilename, parse_sdist_filename

HERE = Path(__file__).parent
INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple")
ACCEPT = {"Accept": "application/vnd.pypi.simple.v1+json"}
GOOD = 0.95
"""Share of the tests that ran which must pass, for a project to count as tested."""


@dataclass(frozen=True)
class Measured:
    """How far one project came."""

    project: str
    setup: str = ""
    """The way to build it that was taken."""
    cold: float = 0.0
    """Seconds of the first build, a sample of the tests included; base images are there already."""
    cached: float = 0.0
    """Seconds of the second, the whole command."""
    ending: str = ""
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    testing: float = 0.0
    """Seconds of all tests."""
    reason: str = ""
    failures: tuple[str, ...] = field(default=())
    """Some of the tests that failed."""

    @property
    def works(self) -> bool:
        """Whether its tests ran to their end, and nearly all passed."""
        return self.ending == "completed" and self.passed > 0 and self.passed >= GOOD * (self.passed + self.failed)


def main() -> None:
    """Measure all, print a line for each on stderr and the record on stdout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--scratch", type=Path, default=Path.home() / ".cache" / "repoagent-benchmarks")
    parser.add_argument(
        "--repoagent", default=shutil.which("repoagent") or str(Path(sys.executable).with_name("repoagent"))
    )
    parser.add_argument("--max-seconds", type=int, default=900)
    arguments = parser.parse_args()
    names = arguments.only or _listed()
    measured = []
    for name in names:
        one = measure(name, arguments.scratch, arguments.repoagent, arguments.max_seconds)
        measured.append(one)
        print(_line(one), file=sys.stderr, flush=True)
    works = sum(one.works for one in measured)
    print(f"{works} of {len(measured)} built and tested", file=sys.stderr)
    record = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, shared",
        "works": works,
        "of": len(measured),
        "projects": [{**asdict(one), "works": one.works} for one in measured],
    }
    json.dump(record, sys.stdout, indent=1)


def measure(name: str, scratch: Path, repoagent: str, seconds: int) -> Measured:
    """Fetch, build, test."""
    tree = fetched(name, scratch)
    cold, built = _timed([repoagent, "testbed", "build", "--fresh", "--json", "--repo", str(tree)])
    if built.returncode:
        return Measured(tree.name, cold=cold, reason=built.stderr[-600:])
    cached, _ = _timed([repoagent, "testbed", "build", "--json", "--repo", str(tree)])
    setup = json.loads(built.stdout)["setup"]
    _, ran = _timed([repoagent, "testbed", "test", "--json", "--max-seconds", str(seconds), "--repo", str(tree)])
    if not ran.stdout.startswith("{"):
        return Measured(tree.name, setup, cold, cached, reason=ran.stderr[-600:])
    report = json.loads(ran.stdout)
    outcomes = report["outcomes"]
    return Measured(
        tree.name,
        setup,
        cold,
        cached,
        report["ending"],
        len(report["passed"]),
        len(report["failed"]),
        sum(outcome["status"] == "skipped" for outcome in outcomes),
        round(report["seconds"], 1),
        "" if report["ending"] == "completed" else report["log"][-600:],
        tuple(f"{o['id']}: {o['message'].strip().splitlines()[-1:]}" for o in outcomes if o["id"] in report["failed"])[
            :8
        ],
    )


def fetched(name: str, scratch: Path) -> Path:
    """The newest source distribution of `name`, unpacked and committed on the day of its release."""
    scratch.mkdir(parents=True, exist_ok=True)
    address = httpx.URL(f"{INDEX.rstrip('/')}/{name}/")
    page: dict[str, Any] = httpx.get(address, headers=ACCEPT, follow_redirects=True).json()
    newest = max(filter(_stable, page["files"]), key=lambda file: str(file.get("upload-time", "")))
    tree = scratch / str(newest["filename"]).removesuffix(".tar.gz")
    if not tree.is_dir():
        packed = scratch / newest["filename"]
        packed.write_bytes(httpx.get(address.join(newest["url"]), follow_redirects=True).content)
        with tarfile.open(packed) as archive:
            archive.extractall(scratch, filter="data")
        packed.unlink()
        _commit(tree, newest.get("upload-time") or datetime.now(UTC).isoformat())
    return tree


def _stable(file: dict[str, Any]) -> bool:
    try:
        _, version = parse_sdist_filename(file["filename"])
    except InvalidSdistFilename:
        return False
    return file["filename"].endswith(".tar.gz") and not file.get("yanked") and not version.is_prerelease


def _commit(tree: Path, day: str) -> None:
    who = {f"GIT_{role}_{what}": "benchmark" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    dates = {"GIT_AUTHOR_DATE": day, "GIT_COMMITTER_DATE": day}
    for command in (("init", "-q"), ("add", "-Af"), ("commit", "-qm", "as released")):
        subprocess.run(["git", *command], cwd=tree, check=True, env={**os.environ, **who, **dates})


def _timed(command: list[str]) -> tuple[float, subprocess.CompletedProcess[str]]:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return round(time.perf_counter() - started, 2), done


def _listed() -> list[str]:
    lines = (HERE / "projects.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _line(one: Measured) -> str:
    counts = f"{one.passed} passed, {one.failed} failed, {one.skipped} skipped"
    verdict = "works" if one.works else "FAILS"
    times = f"cold {one.cold} s, cached {one.cached} s, tests {one.testing} s"
    return f"{verdict} {one.project}: {one.setup}; {one.ending}: {counts}; {times}"


if __name__ == "__main__":
    main()
