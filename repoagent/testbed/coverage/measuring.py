"""Run tests with their calls recorded, and cache the result for this state of the repository."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path

from repoagent.domain import Report, dump, load
from repoagent.errors import EnvironmentFailed
from repoagent.index.listing import list_files
from repoagent.places import locate_cache_root
from repoagent.sandbox.base import Sandbox
from repoagent.sandbox.fresh import run_in_fresh
from repoagent.testbed.coverage.map import CoverageMap, read_call_trace
from repoagent.testbed.ecosystems.python.pytest_runner import PytestRunner
from repoagent.testbed.runner import Testbed
from repoagent.testbed.running.reports import make_report_path, read_report

_MAX_MAPS = 40
"""Maps that are kept; the oldest go first."""


def measure_coverage(testbed: Testbed, tests: Sequence[str], timeout: float) -> CoverageMap:
    """Measure what `tests`, all when empty, call on the untouched code, in a fresh sandbox.

    `timeout` is in seconds. Raises EnvironmentFailed where the project's tests are not run by pytest, or none of them
    could be run.
    """
    if not can_measure_coverage(testbed):
        raise EnvironmentFailed("which test covers what is only known of tests that pytest runs")
    report, found = run_with_coverage(testbed, tests, timeout)
    if not found.tests:
        raise EnvironmentFailed(f"no test could be run with its calls noted:\n{report.log[-1000:]}")
    return found


def run_with_coverage(testbed: Testbed, tests: Sequence[str], timeout: float) -> tuple[Report, CoverageMap]:
    """Run `tests` with their calls recorded, which takes about twice the time; the map is cached if the run was
    completed.

    Raises TypeError where the tests are not run by pytest.
    """
    runner = testbed.codebase.runner
    if not isinstance(runner, PytestRunner):
        raise TypeError("ask `can_measure_coverage` first")

    def run(sandbox: Sandbox) -> tuple[Report, CoverageMap]:
        path = make_report_path("calls")
        report = runner.run(sandbox, tests, timeout, ("-c", _read_program(), path))
        return report, read_call_trace(read_report(sandbox, path) or b"", tests)

    report, found = run_in_fresh(testbed.open, run, lambda _error: None)
    if found.tests and found.ended:
        _save_map(found, testbed, tests)
    return report, found


def load_coverage(testbed: Testbed, tests: Sequence[str] = ()) -> CoverageMap | None:
    """Load what was measured for this state of the repository: of all tests, else of just these; None without
    either."""
    for asked in dict.fromkeys(((), tuple(tests))):
        with suppress(OSError, ValueError, zlib.error):
            data = zlib.decompress(_locate_map(testbed, asked).read_bytes())
            return load(CoverageMap, data.decode())
    return None


def can_measure_coverage(testbed: Testbed) -> bool:
    """Whether the tests are run by pytest, without a command of somebody's own."""
    return isinstance(testbed.codebase.runner, PytestRunner) and not testbed.test_command


def _save_map(found: CoverageMap, testbed: Testbed, tests: Sequence[str]) -> None:
    """Cache a map; where that fails nothing but time is lost."""
    with suppress(OSError):
        path = _locate_map(testbed, tests)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_bytes(zlib.compress(dump(found).encode(), 1))
        draft.replace(path)
        oldest = sorted(path.parent.glob("*.map"), key=lambda each: each.stat().st_mtime)
        for each in oldest[:-_MAX_MAPS]:
            each.unlink(missing_ok=True)


def _locate_map(testbed: Testbed, tests: Sequence[str]) -> Path:
    parts = (testbed.environment.key, hash_state(testbed.root), *sorted(tests))
    return locate_cache_root() / "covering" / f"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}.map"


def hash_state(root: Path) -> str:
    """Hash the contents of all Python files and settings below `root`."""
    seen = hashlib.sha256()
    for listed in list_files(root):
        if listed.path.endswith((".py", ".cfg", ".toml", ".ini")):
            seen.update(f"{listed.path}\0{listed.size}\0".encode("utf-8", "surrogateescape"))
            with suppress(OSError):
                seen.update((root / listed.path).read_bytes())
    return seen.hexdigest()


@cache
def _read_program() -> str:
    return files("repoagent.testbed.coverage").joinpath("call_trace.py").read_text(encoding="utf-8")
