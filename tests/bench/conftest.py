"""What the tests of batch runs share: small repositories with a history, rows about them, and means to run them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from repoagent.bench.datasets import InstanceFilter
from repoagent.bench.instance import Instance, format_diff
from repoagent.bench.run_config import RunConfig
from repoagent.bench.runs import RunOptions, lock_run, make_executor, open_or_create, solve_all
from repoagent.bench.schedule import RunLimits, StopReason
from repoagent.bench.task import Agent
from repoagent.config import Settings

SECRET = "the-future-that-nobody-may-read"
BROKEN = "def total(values):\n    return sum(values[1:])\n"
RIGHT = "def total(values):\n    return sum(values)\n"
OLD_TEST = "from shop import total\n\n\ndef test_nothing():\n    assert total([]) == 0\n"
NEW_TEST = OLD_TEST + "\n\ndef test_all_values_are_counted():\n    assert total([1, 2]) == 3\n"


@dataclass(frozen=True)
class History:
    """A repository in which a bug is fixed one commit after the base."""

    path: Path
    base: str
    fix: str


def git(path: Path, *arguments: str) -> str:
    """Run git there."""
    who = {f"GIT_{role}_{what}": "ann" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command = ("git", "-C", str(path), *arguments)
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **who}).stdout.strip()


@pytest.fixture
def history(tmp_path: Path) -> History:
    """A small project; its later history, a tag, a remote and the reflog all know the fix."""
    path = tmp_path / "mirrors" / "ann+shop"
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--initial-branch=main")
    base = _commit(path, {"shop.py": BROKEN, "test_shop.py": OLD_TEST}, "start")
    fix = _commit(path, {"shop.py": RIGHT, "test_shop.py": NEW_TEST, "notes.txt": SECRET}, "Fix: count all values (#7)")
    git(path, "tag", "v2")
    git(path, "remote", "add", "origin", "https://localhost/ann/shop")
    return History(path, base, fix)


def _commit(path: Path, files: Mapping[str, str], message: str) -> str:
    for name, text in files.items():
        (path / name).write_text(text)
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message", message)
    return git(path, "rev-parse", "HEAD")


def row(identity: str = "ann__shop-7", **changes: object) -> dict[str, object]:
    """A row of SWE-bench about the shop."""
    return {
        "instance_id": identity,
        "repo": "ann/shop",
        "base_commit": "HEAD~1",
        "problem_statement": "total() forgets the first value\n\n`total([1, 2])` is 2.",
        "patch": format_diff("shop.py", BROKEN, RIGHT),
        "test_patch": format_diff("test_shop.py", OLD_TEST, NEW_TEST),
        "FAIL_TO_PASS": '["test_shop.py::test_all_values_are_counted"]',
        "PASS_TO_PASS": '["test_shop.py::test_nothing"]',
        "difficulty": "<15 min fix",
        **changes,
    }


def own(identity: str, text: str = BROKEN) -> Instance:
    """An instance that brings its own code."""
    from repoagent.bench.instance import SourceFile

    return Instance(identity, "", "", "total() is wrong", files=(SourceFile("shop.py", text),), tests=("test_shop.py",))


def write_rows(path: Path, *rows: object) -> Path:
    """A dataset of these rows."""
    path.write_text("".join(f"{json.dumps(each)}\n" for each in rows))
    return path


def settings(**changes: object) -> Settings:
    """Those of a run that needs no model."""
    return Settings.model_validate({"max_minutes": 1.0, **changes})


def means(workers: int = 2, **limits: object) -> RunOptions:
    """Of a run on this machine that may fill the disk."""
    return RunOptions(workers, RunLimits(**{"backoff": 0.05, **limits}), min_free_bytes=1_000_000)  # type: ignore[arg-type]


Solve = Callable[..., StopReason]


@pytest.fixture
def solve(tmp_path: Path) -> Solve:
    """Runs an agent over a dataset, in real child processes; may be called again to go on."""

    def run(out: Path, dataset: Path, agent: str, given: RunOptions | None = None, **changes: object) -> StopReason:
        config = RunConfig(
            str(dataset),
            settings(),
            Agent("command", agent),
            InstanceFilter(),
            mirrors=str(tmp_path / "mirrors"),
            name="test",
        )
        with lock_run(out, create=True) as store:
            return solve_all(store, open_or_create(store, config), given or means(), make_executor)

    return run
