"""Read what `go test -json` prints: an event a line (https://pkg.go.dev/cmd/test2json)."""

from __future__ import annotations

import json
import re
from collections import defaultdict

from repoagent.domain import Outcome, Status

_ENDINGS = {"pass": Status.PASSED, "fail": Status.FAILED, "skip": Status.SKIPPED}
_MAX_MESSAGE = 6000
_FRAME = re.compile(r"^ *(=== (RUN|PAUSE|CONT|NAME) |--- (FAIL|SKIP): ).*\n?", re.MULTILINE)
"""What is printed around each test; of a test that only its subtests fail nothing else is said."""


def read_go(text: str) -> tuple[Outcome, ...]:
    """Parse one outcome for each test, named `package.Test/subtest`; a package that does not compile is an error."""
    printed: dict[str, list[str]] = defaultdict(list)
    found: dict[str, Outcome] = {}
    with_tests: set[str] = set()
    for event in _parse_events(text):
        package, test = str(event.get("Package") or event.get("ImportPath") or ""), str(event.get("Test") or "")
        name = f"{package}.{test}" if test else package
        action = str(event.get("Action"))
        if action in {"output", "build-output"}:
            printed[name].append(str(event.get("Output", "")))
        elif action in _ENDINGS and (test or (action == "fail" and package not in with_tests)):
            with_tests.add(package)
            found[name] = _make_outcome(name, action, event.get("Elapsed"), "".join(printed[name]), bool(test))
    return tuple(found.values())


def _make_outcome(name: str, action: str, elapsed: object, output: str, is_test: bool) -> Outcome:
    status = _ENDINGS[action] if is_test else Status.ERROR
    seconds = float(elapsed) if isinstance(elapsed, int | float) else 0.0
    said = "" if status is Status.PASSED else _FRAME.sub("", output).strip("\n")
    return Outcome(name, status, seconds, said[-_MAX_MESSAGE:])


def _parse_events(text: str) -> list[dict[str, object]]:
    events = []
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict):
                events.append(event)
    return events
