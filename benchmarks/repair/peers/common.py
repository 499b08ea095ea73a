"""What the peers' adapters share.

Each is an agent for `repoagent bench run --agent`: it is run in the instance's work tree, with the issue on standard
input, and the patch that its peer hands in is applied to that tree. Only the standard library is used, so that any
Python runs it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """One instance for a peer."""

    instance: str
    issue: str
    row: Mapping[str, str]
    """The dataset's row, of which an adapter reads names and dates only, never patches or tests."""
    tree: Path
    server: str
    """Where the model answers, with `/v1`."""
    folder: Path
    """For what the peer writes; kept."""
    seconds: float
    """Of the peer's own work, which begins when its environment is there."""


def parser(description: str) -> argparse.ArgumentParser:
    """The options of every adapter."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--dataset", type=Path, required=True, help="the same JSON lines as for `bench run`")
    made.add_argument("--server", required=True, help="what `repoagent model serve` prints, with /v1")
    made.add_argument("--logs", type=Path, required=True, help="trajectories are kept here")
    made.add_argument("--minutes", type=float, default=15.0, help="for the peer, after its environment is there")
    return made


def job(arguments: argparse.Namespace) -> Job:
    """The instance that `bench run` names; ends the program where there is none."""
    instance = os.environ.get("REPOAGENT_INSTANCE", "")
    rows = (json.loads(line) for line in arguments.dataset.read_text(encoding="utf-8").splitlines() if line.strip())
    row = next((row for row in rows if row["instance_id"] == instance), None)
    if row is None:
        what = f"{arguments.dataset} has no row {instance!r}" if instance else "REPOAGENT_INSTANCE is not set"
        sys.exit(f"{what}: this is run by `repoagent bench run --agent`")
    folder = arguments.logs.resolve() / instance
    folder.mkdir(parents=True, exist_ok=True)
    return Job(
        instance, sys.stdin.read(), row, Path.cwd(), arguments.server.rstrip("/"), folder, arguments.minutes * 60
    )


def run(
    command: Sequence[str], seconds: float, log: Path, cwd: Path | None = None, more: Mapping[str, str] | None = None
) -> bool:
    """Run a step of a peer; what it prints goes to `log`. False where it failed or its time was over."""
    with log.open("a", encoding="utf-8") as out:
        out.write(f"$ {' '.join(command)}\n")
        out.flush()
        try:
            ended = subprocess.run(
                command,
                cwd=cwd,
                env={**os.environ, **(more or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=max(1.0, seconds),
                check=False,
            )
        except subprocess.TimeoutExpired:
            out.write(f"stopped after {seconds:.0f} s\n")
            return False
        return ended.returncode == 0


def hand_in(job: Job, patch: str, ending: str, seconds: float) -> None:
    """Apply the peer's patch to the tree, where it can be, and keep how it came about."""
    applied = bool(patch.strip()) and _applied(job, patch)
    (job.folder / "patch.diff").write_text(patch, encoding="utf-8")
    told = {"ending": ending, "seconds": round(seconds, 1), "characters": len(patch), "applied": applied}
    (job.folder / "ending.json").write_text(json.dumps(told) + "\n", encoding="utf-8")
    print(json.dumps(told))


def _applied(job: Job, patch: str) -> bool:
    """As the official harness does it: strictly, then with some fuzz."""
    place = job.folder / "patch.diff"
    text = patch if patch.endswith("\n") else patch + "\n"
    place.write_text(text, encoding="utf-8")
    ways = (("git", "apply", "--verbose", str(place)), ("patch", "--batch", "--fuzz=5", "-p1", "-i", str(place)))
    return any(run(way, 120, job.folder / "apply.log", job.tree) for way in ways)


class Clock:
    """What is left of a job's time."""

    def __init__(self, seconds: float) -> None:
        self._began, self._seconds = time.monotonic(), seconds

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    @property
    def left(self) -> float:
        """Seconds that are left, never below zero."""
        return max(0.0, self._seconds - self.spent)
