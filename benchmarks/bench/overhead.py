"""What scheduling costs: `python benchmarks/bench/overhead.py > benchmarks/bench/overhead.json`.

COUNT instances that do nothing run in child processes, as all instances do. An instance's own time is that of its
process, from its start to its end; what the workers spend between two processes is overhead. The scheduler's memory is
read after each tenth of the run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from repoagent.bench.executors.base import FinishedTask
from repoagent.bench.run_config import RunConfig
from repoagent.bench.runs import RunOptions, lock_run, make_executor, open_or_create, solve_all
from repoagent.bench.schedule import RunLimits, StageProgress
from repoagent.bench.task import Agent
from repoagent.config import Settings


def main() -> None:
    """Run it, and print what came out as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        json.dump(measured(Path(scratch), arguments.count, arguments.workers), sys.stdout, indent=1)


def measured(folder: Path, count: int, workers: int) -> dict[str, object]:
    """The overhead of a run in `folder`."""
    rows = folder / "rows.jsonl"
    rows.write_text("".join(f"{json.dumps(_row(number))}\n" for number in range(count)), encoding="utf-8")
    memory: list[float] = []
    last = 0.0

    def watch(moment: StageProgress, ended: FinishedTask | None) -> None:
        nonlocal last
        if ended and moment.finished % max(count // 10, 1) == 0:
            memory.append(_resident())
        last = time.monotonic()

    with lock_run(folder / "run", create=True) as store:
        config = open_or_create(store, RunConfig(str(rows), Settings.model_validate({}), Agent("empty")))
        started = time.monotonic()
        solve_all(store, config, RunOptions(workers, RunLimits(), 1), make_executor, watch)
        wall = last - started
        own = sum(job.done.seconds for job in store.read_jobs("solve") if job.done)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        "instances": count,
        "workers": workers,
        "wall_seconds": round(wall, 2),
        "own_seconds": round(own, 2),
        "mean_own_seconds": round(own / count, 3),
        "overhead": round((wall * workers - own) / own, 4),
        "scheduler_mib": memory,
    }


def _row(number: int) -> dict[str, object]:
    return {
        "instance_id": f"nothing-{number}",
        "repo": "nobody/nothing",
        "base_commit": "HEAD",
        "problem_statement": "Nothing is wrong.\n" + "Nothing at all. " * 500,
        "FAIL_TO_PASS": [],
    }


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


if __name__ == "__main__":
    main()
