"""Read the reports of JavaScript's runners: the JSON of jest, vitest and mocha, and our own reporter's lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from repoagent.domain import Outcome, Status
from repoagent.sandbox.base import REPOSITORY
from repoagent.testbed.results.severity import keep_worst

BETWEEN = " > "
"""Between the names of suites and their tests, in an id."""

_MAX_MESSAGE = 6000
_JEST = {
    "passed": Status.PASSED,
    "failed": Status.FAILED,
    "pending": Status.SKIPPED,
    "skipped": Status.SKIPPED,
    "todo": Status.SKIPPED,
    "disabled": Status.SKIPPED,
}
_NODE = {"pass": Status.PASSED, "fail": Status.FAILED, "skip": Status.SKIPPED, "todo": Status.SKIPPED}


def read_jest(text: str) -> tuple[Outcome, ...]:
    """Parse what jest writes with `--json`, and vitest by its reporter of that name. A file that fails whole is an
    error."""
    results = _parse_object(text).get("testResults")
    return keep_worst(outcome for result in _select_objects(results) for outcome in _parse_file(result))


def read_mocha(text: str) -> tuple[Outcome, ...]:
    """Parse what mocha's reporter `json` writes, into a file or, in old releases, among other output."""
    start = text.find('{\n  "stats"')
    report = _parse_object(text[max(start, 0) :])
    pending = {str(test.get("fullTitle")) for test in _select_objects(report.get("pending"))}
    ended = [*_select_objects(report.get("tests")), *_select_objects(report.get("failures"))]
    return keep_worst(_parse_mocha_test(test, pending) for test in ended)


def read_node(text: str) -> tuple[Outcome, ...]:
    """Parse what `node_reporter.mjs` writes. A file that could not be run is an error of that name."""
    return keep_worst(_parse_node_event(event) for line in text.splitlines() if (event := _parse_object(line)))


def _parse_file(result: Mapping[str, object]) -> Iterator[Outcome]:
    path = _make_relative(result.get("name"))
    tests = _select_objects(result.get("assertionResults"))
    if result.get("status") == "failed" and not any(test.get("status") == "failed" for test in tests):
        yield Outcome(path, Status.ERROR, 0.0, _truncate_message(result.get("message")))
    for test in tests:
        ancestors = test.get("ancestorTitles")
        names = [*(ancestors if isinstance(ancestors, list) else []), test.get("title")]
        status = _JEST.get(str(test.get("status")), Status.ERROR)
        messages = test.get("failureMessages")
        message = "\n".join(map(str, messages)) if isinstance(messages, list) else ""
        name = BETWEEN.join(str(name) for name in names if name)
        yield Outcome(
            f"{path}::{name}", status, _convert_milliseconds(test.get("duration")), _truncate_message(message)
        )


def _parse_mocha_test(test: Mapping[str, object], pending: set[str]) -> Outcome:
    title = str(test.get("fullTitle", "")).strip()
    error = test.get("err")
    failed = isinstance(error, Mapping) and bool(error)
    path = _make_relative(test.get("file"))
    status = Status.FAILED if failed else Status.SKIPPED if title in pending else Status.PASSED
    message = _truncate_message(_format_error(error)) if failed and isinstance(error, Mapping) else ""
    return Outcome(f"{path}::{title}" if path else title, status, _convert_milliseconds(test.get("duration")), message)


def _format_error(error: Mapping[str, object]) -> str:
    message, stack = str(error.get("message", "")), str(error.get("stack", ""))
    return stack if message in stack else f"{message}\n{stack}"


def _parse_node_event(event: Mapping[str, object]) -> Outcome:
    names = event.get("names")
    name = BETWEEN.join(map(str, names)) if isinstance(names, list) else ""
    path = _make_relative(event.get("file")) or _make_relative(name)
    status = _NODE.get(str(event.get("status")), Status.ERROR)
    seconds, message = event.get("seconds"), _truncate_message(event.get("message"))
    whole = _make_relative(name) == path
    if whole and status is Status.FAILED:
        status = Status.ERROR
    return Outcome(
        path if whole else f"{path}::{name}",
        status,
        float(seconds) if isinstance(seconds, int | float) else 0.0,
        message,
    )


def _make_relative(path: object) -> str:
    return str(path or "").removeprefix(f"{REPOSITORY}/")


def _truncate_message(text: object) -> str:
    return str(text or "")[:_MAX_MESSAGE]


def _convert_milliseconds(milliseconds: object) -> float:
    return float(milliseconds) / 1000 if isinstance(milliseconds, int | float) else 0.0


def _parse_object(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _select_objects(value: object) -> list[Mapping[str, object]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
