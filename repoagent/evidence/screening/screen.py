"""Run variants in a sandbox, and read the results."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from repoagent.domain import Answer, Oracle, Strength
from repoagent.evidence.screening.base import FAILED, ScreeningOracle, ScreeningResult, Variant
from repoagent.sandbox.base import ENVIRONMENT, CommandResult, Sandbox
from repoagent.testbed.running.base import VARIABLES
from repoagent.testbed.running.reports import read_report

SandboxOpener = Callable[[], AbstractContextManager[Sandbox]]
"""A fresh sandbox with the code that the variants are variants of."""
OutputJudge = Callable[[Oracle, CommandResult], tuple[Answer, float]]
"""Judges a run of the oracle's script: its answer, and how much of what is expected it shows, from 0 to 1."""

_VARIANT_SECONDS = 10.0
"""Seconds that one variant may take at most."""
_TEST_SECONDS = 3.0
"""Seconds after which a single test is taken never to end."""
_CHECKPOINT = 40
"""Variants between two looks at whether one has spoilt the sandbox for the others."""
_MAX_SANDBOXES = 6
"""Sandboxes that may be spoilt before the rest is given up."""
_JOB_FILE = ".repoagent-variants.json"


@dataclass(frozen=True)
class VariedFunction:
    """The function that varies, and the file that it is in."""

    path: str
    text: str
    """The whole file."""
    symbol: str


def screen(
    variants: Sequence[Variant],
    function: VariedFunction,
    check: ScreeningOracle,
    judge: OutputJudge,
    open_sandbox: SandboxOpener,
    seconds: float,
    enough: int,
) -> list[ScreeningResult]:
    """Run each of `variants`, and return what each does, in their order; as failed counts what there was no time for.

    Ends after `seconds`, or when `enough` of them did all that is asked of tests. A variant that does lasting harm
    (deletes files, say) costs a sandbox and counts as failed. Raises SandboxFailed when a sandbox broke.
    """
    import time

    deadline = time.monotonic() + seconds
    found: list[ScreeningResult] = []
    checkpoint = _CHECKPOINT
    for _ in range(_MAX_SANDBOXES):
        left = deadline - time.monotonic()
        if len(found) >= len(variants) or left <= 0:
            break
        options = ScreeningOptions(enough, checkpoint)
        batch = _run_batch(variants[len(found) :], function, check, open_sandbox, left, options)
        found += [_read_result(each, check, judge) for each in batch.results[: batch.proven_count]]
        if batch.ending != "spoilt":
            break
        if checkpoint == 1:
            found.append(FAILED)  # the culprit
        checkpoint = 1 if checkpoint > 1 else _CHECKPOINT
    return [*found, *[FAILED] * (len(variants) - len(found))]


def observe_behaviour(
    variants: Sequence[Variant],
    function: VariedFunction,
    check: ScreeningOracle,
    open_sandbox: SandboxOpener,
    seconds: float,
) -> list[tuple[str, ...]]:
    """Observe what each of `variants` returns for the arguments that the check calls the function with, and for others
    like them; nothing for one that does not answer, or where the arguments cannot be written down."""
    batch = _run_batch(variants, function, check, open_sandbox, seconds, ScreeningOptions(probe=True))
    found = [_read_behaviour(result) for result in batch.results[: batch.proven_count]]
    return [*found, *[()] * (len(variants) - len(found))]


def _read_behaviour(result: dict[str, object]) -> tuple[str, ...]:
    answer = result.get("answer")
    return tuple(map(str, answer)) if isinstance(answer, list) else ()


def run_single_tests(
    pytest: Sequence[str], open_sandbox: SandboxOpener, seconds: float, each: float = _TEST_SECONDS
) -> tuple[frozenset[str], frozenset[str], float]:
    """Run each test in a process of its own; return those that pass, those that fail, and how long those that pass take
    together.

    A test that takes more than `each` seconds fails. Nothing is known where there is no pytest, or the sandbox answers
    nonsense.
    """
    with open_sandbox() as sandbox:
        job = _build_job(
            (),
            VariedFunction("", "", ""),
            ScreeningOracle(Oracle(Strength.NONE), pytest_arguments=tuple(pytest)),
            seconds,
        )
        data = _run_job(sandbox, {**job, "survey": True, "each": each}, seconds)
    rows = _read_outcomes(data)
    ended = {name: (outcome, took) for name, outcome, took in rows}
    passing = frozenset(name for name, (outcome, _) in ended.items() if outcome == "passed")
    failing = frozenset(name for name, (outcome, _) in ended.items() if outcome in {"failed", "hangs"})
    return passing, failing, sum(ended[name][1] for name in passing)


def _read_outcomes(data: bytes | None) -> Sequence[tuple[str, str, float]]:
    try:
        rows = json.loads(data or b"")["outcomes"]
        return [(str(name), str(outcome), float(took)) for name, outcome, took in rows]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()


@dataclass(frozen=True)
class ScreeningOptions:
    """How variants are run: when to stop, how often to look for harm, and whether to observe behaviour instead."""

    wanted_count: int = 1_000_000
    checkpoint_interval: int = _CHECKPOINT
    probe: bool = False


@dataclass(frozen=True)
class _ScreeningBatch:
    results: Sequence[dict[str, object]]
    proven_count: int
    ending: str


_EMPTY_BATCH = _ScreeningBatch((), 0, "")


def _run_batch(
    variants: Sequence[Variant],
    function: VariedFunction,
    check: ScreeningOracle,
    open_sandbox: SandboxOpener,
    seconds: float,
    options: ScreeningOptions,
) -> _ScreeningBatch:
    job = _build_job(variants, function, check, seconds)
    how = {"enough": options.wanted_count, "checkpoint": options.checkpoint_interval, "probe": options.probe}
    with open_sandbox() as sandbox:
        data = _run_job(sandbox, {**job, **how}, seconds)
    return _read_batch(data) if data else _EMPTY_BATCH


def _build_job(
    variants: Sequence[Variant], function: VariedFunction, check: ScreeningOracle, seconds: float
) -> dict[str, object]:
    """Describe what `forks.py` is to do."""
    return {
        "path": function.path,
        "text": function.text,
        "names": function.symbol.split("."),
        "variants": [variant.changes for variant in variants],
        "script": check.script_oracle.script if check.is_judged_by_script else "",
        "failing": check.failing_tests,
        "passing": check.passing_tests,
        "pytest": check.pytest_arguments,
        "seconds": seconds,
        "each": _VARIANT_SECONDS,
        "survey": False,
    }


def _run_job(sandbox: Sandbox, job: dict[str, object], seconds: float) -> bytes | None:
    """Run the job's program in the sandbox, and return what it writes; None where it writes nothing."""
    path = f"/tmp/repoagent-{secrets.token_hex(8)}.json"  # noqa: S108 - inside the sandbox
    sandbox.write({_JOB_FILE: json.dumps(job).encode()})
    sandbox.run(_build_command(path), timeout=seconds + 3 * _VARIANT_SECONDS, environment=_JOB_VARIABLES)
    return read_report(sandbox, path)


_JOB_VARIABLES = {**VARIABLES, "MPLBACKEND": "Agg"}


def _build_command(answer: str) -> tuple[str, ...]:
    return (f"{ENVIRONMENT}/venv/bin/python", "-W", "ignore", "-c", _load_program(), _JOB_FILE, answer)


@cache
def _load_program() -> str:
    return files("repoagent.evidence.screening").joinpath("forks.py").read_text(encoding="utf-8")


def _read_batch(data: bytes) -> _ScreeningBatch:
    """Read what the sandbox answered; an empty batch where that is not what the program would write."""
    try:
        found = json.loads(data)
        results = [each for each in found["results"] if isinstance(each, dict)]
        return _ScreeningBatch(results, min(int(found["proven"]), len(results)), str(found["ended"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return _EMPTY_BATCH


def _read_result(result: dict[str, object], check: ScreeningOracle, judge: OutputJudge) -> ScreeningResult:
    if result.get("timed_out"):
        return FAILED
    return _read_script_result(result, check, judge) if check.is_judged_by_script else _read_test_result(result, check)


def _read_script_result(result: dict[str, object], check: ScreeningOracle, judge: OutputJudge) -> ScreeningResult:
    code = result.get("code")
    output = str(result.get("output", ""))
    answer, progress = judge(check.script_oracle, CommandResult(code if isinstance(code, int) else 1, output, 0.0))
    return ScreeningResult(answer == "passed", progress, output)


def _read_test_result(result: dict[str, object], check: ScreeningOracle) -> ScreeningResult:
    answer = result.get("answer")
    if not isinstance(answer, dict):
        return FAILED
    passed, broken = (answer.get(name) for name in ("passed", "broken"))
    if not isinstance(passed, list) or not isinstance(broken, list):
        return FAILED
    mended = {str(name) for name in passed} & set(check.failing_tests)
    progress = len(mended) / len(check.failing_tests) if not broken else 0.0
    return ScreeningResult(progress == 1.0, progress, " ".join(sorted(mended)))
