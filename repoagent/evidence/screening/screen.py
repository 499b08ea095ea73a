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
from repoagent.evidence.screening.base import FAILED, Check, Screened, Variant
from repoagent.sandbox.base import ENVIRONMENT, Finished, Sandbox
from repoagent.testbed.running.base import VARIABLES
from repoagent.testbed.running.reports import read_report

Open = Callable[[], AbstractContextManager[Sandbox]]
"""A fresh sandbox with the code that the variants are variants of."""
Judge = Callable[[Oracle, Finished], tuple[Answer, float]]
"""Judges a run of the oracle's script: its answer, and how much of what is expected it shows, from 0 to 1."""

_EACH = 10.0
"""Seconds that one variant may take at most."""
_ONE_TEST = 3.0
"""Seconds after which a single test is taken never to end."""
_CHECKPOINT = 40
"""Variants between two looks at whether one has spoilt the sandbox for the others."""
_SANDBOXES = 6
"""Sandboxes that may be spoilt before the rest is given up."""
_JOB = ".repoagent-variants.json"


@dataclass(frozen=True)
class Place:
    """The function that varies, and the file that it is in."""

    path: str
    text: str
    """The whole file."""
    symbol: str


def screen(
    variants: Sequence[Variant],
    function: Place,
    check: Check,
    judge: Judge,
    open_sandbox: Open,
    seconds: float,
    enough: int,
) -> list[Screened]:
    """Run each of `variants`, and return what each does, in their order; as failed counts what there was no time for.

    Ends after `seconds`, or when `enough` of them did all that is asked of tests. A variant that does lasting harm
    (deletes files, say) costs a sandbox and counts as failed. Raises SandboxFailed when a sandbox broke.
    """
    import time

    deadline = time.monotonic() + seconds
    found: list[Screened] = []
    checkpoint = _CHECKPOINT
    for _ in range(_SANDBOXES):
        left = deadline - time.monotonic()
        if len(found) >= len(variants) or left <= 0:
            break
        options = Trying(enough, checkpoint)
        batch = _run(variants[len(found) :], function, check, open_sandbox, left, options)
        found += [_read(each, check, judge) for each in batch.results[: batch.proven]]
        if batch.ended != "spoilt":
            break
        if checkpoint == 1:
            found.append(FAILED)  # the culprit
        checkpoint = 1 if checkpoint > 1 else _CHECKPOINT
    return [*found, *[FAILED] * (len(variants) - len(found))]


def compare(
    variants: Sequence[Variant], function: Place, check: Check, open_sandbox: Open, seconds: float
) -> list[tuple[str, ...]]:
    """Observe what each of `variants` returns for the arguments that the check calls the function with, and for others
    like them; nothing for one that does not answer, or where the arguments cannot be written down."""
    batch = _run(variants, function, check, open_sandbox, seconds, Trying(probe=True))
    found = [_given_back(result) for result in batch.results[: batch.proven]]
    return [*found, *[()] * (len(variants) - len(found))]


def _given_back(result: dict[str, object]) -> tuple[str, ...]:
    answer = result.get("answer")
    return tuple(map(str, answer)) if isinstance(answer, list) else ()


def single_tests(
    pytest: Sequence[str], open_sandbox: Open, seconds: float, each: float = _ONE_TEST
) -> tuple[frozenset[str], frozenset[str], float]:
    """Run each test in a process of its own; return those that pass, those that fail, and how long those that pass take
    together.

    A test that takes more than `each` seconds fails. Nothing is known where there is no pytest, or the sandbox answers
    nonsense.
    """
    with open_sandbox() as sandbox:
        job = _job((), Place("", "", ""), Check(Oracle(Strength.NONE), pytest=tuple(pytest)), seconds)
        data = _answer(sandbox, {**job, "survey": True, "each": each}, seconds)
    rows = _outcomes(data)
    ended = {name: (outcome, took) for name, outcome, took in rows}
    passing = frozenset(name for name, (outcome, _) in ended.items() if outcome == "passed")
    failing = frozenset(name for name, (outcome, _) in ended.items() if outcome in {"failed", "hangs"})
    return passing, failing, sum(ended[name][1] for name in passing)


def _outcomes(data: bytes | None) -> Sequence[tuple[str, str, float]]:
    try:
        rows = json.loads(data or b"")["outcomes"]
        return [(str(name), str(outcome), float(took)) for name, outcome, took in rows]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()


@dataclass(frozen=True)
class Trying:
    """How variants are run: when to stop, how often to look for harm, and whether to observe behaviour instead."""

    enough: int = 1_000_000
    checkpoint: int = _CHECKPOINT
    probe: bool = False


@dataclass(frozen=True)
class _Batch:
    results: Sequence[dict[str, object]]
    proven: int
    ended: str


_NOTHING = _Batch((), 0, "")


def _run(
    variants: Sequence[Variant], function: Place, check: Check, open_sandbox: Open, seconds: float, options: Trying
) -> _Batch:
    job = _job(variants, function, check, seconds)
    how = {"enough": options.enough, "checkpoint": options.checkpoint, "probe": options.probe}
    with open_sandbox() as sandbox:
        data = _answer(sandbox, {**job, **how}, seconds)
    return _batch(data) if data else _NOTHING


def _job(variants: Sequence[Variant], function: Place, check: Check, seconds: float) -> dict[str, object]:
    """Describe what `forks.py` is to do."""
    return {
        "path": function.path,
        "text": function.text,
        "names": function.symbol.split("."),
        "variants": [variant.changes for variant in variants],
        "script": check.oracle.script if check.by_script else "",
        "failing": check.failing,
        "passing": check.passing,
        "pytest": check.pytest,
        "seconds": seconds,
        "each": _EACH,
        "survey": False,
    }


def _answer(sandbox: Sandbox, job: dict[str, object], seconds: float) -> bytes | None:
    """Run the job's program in the sandbox, and return what it writes; None where it writes nothing."""
    path = f"/tmp/repoagent-{secrets.token_hex(8)}.json"  # noqa: S108 - inside the sandbox
    sandbox.write({_JOB: json.dumps(job).encode()})
    sandbox.run(_command(path), timeout=seconds + 3 * _EACH, environment=_VARIABLES)
    return read_report(sandbox, path)


_VARIABLES = {**VARIABLES, "MPLBACKEND": "Agg"}


def _command(answer: str) -> tuple[str, ...]:
    return (f"{ENVIRONMENT}/venv/bin/python", "-W", "ignore", "-c", _program(), _JOB, answer)


@cache
def _program() -> str:
    return files("repoagent.evidence.screening").joinpath("forks.py").read_text(encoding="utf-8")


def _batch(data: bytes) -> _Batch:
    """Read what the sandbox answered; an empty batch where that is not what the program would write."""
    try:
        found = json.loads(data)
        results = [each for each in found["results"] if isinstance(each, dict)]
        return _Batch(results, min(int(found["proven"]), len(results)), str(found["ended"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return _NOTHING


def _read(result: dict[str, object], check: Check, judge: Judge) -> Screened:
    if result.get("timed_out"):
        return FAILED
    return _of_script(result, check, judge) if check.by_script else _of_tests(result, check)


def _of_script(result: dict[str, object], check: Check, judge: Judge) -> Screened:
    code = result.get("code")
    output = str(result.get("output", ""))
    answer, progress = judge(check.oracle, Finished(code if isinstance(code, int) else 1, output, 0.0))
    return Screened(answer == "passed", progress, output)


def _of_tests(result: dict[str, object], check: Check) -> Screened:
    answer = result.get("answer")
    if not isinstance(answer, dict):
        return FAILED
    passed, broken = (answer.get(name) for name in ("passed", "broken"))
    if not isinstance(passed, list) or not isinstance(broken, list):
        return FAILED
    mended = {str(name) for name in passed} & set(check.failing)
    progress = len(mended) / len(check.failing) if not broken else 0.0
    return Screened(progress == 1.0, progress, " ".join(sorted(mended)))
