"""Read what unittest prints with `-v`; Django's and other projects' own runners print the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repoagent.domain import Outcome, Status
from repoagent.testbed.results.severity import keep_worst

_TEST = re.compile(r"^(?P<name>[\w.]+) \((?P<where>[\w.]+)\)(?P<sub> [\[(].*?[\])])?(?: \.\.\. ?(?P<end>.*))?$")
_LATE = re.compile(r"(?:^|\.\.\. ?)(?P<end>ok|FAIL|ERROR|expected failure|unexpected success|skipped .*)$")
_PROBLEM = re.compile(
    r"^={70}\n(?P<kind>ERROR|FAIL): (?P<name>[\w.]+) \((?P<where>[\w.]+)\)(?P<sub>[^\n]*)\n"
    r"(?P<rest>.*?)(?=^={70}$|^-{70}\nRan |\Z)",
    re.MULTILINE | re.DOTALL,
)
_MAX_MESSAGE = 6000


def read_unittest(text: str) -> tuple[Outcome, ...]:
    """Parse one outcome for each test, by its dotted name: `module.Class.test_x`. Failed subtests fail their test."""
    messages = {
        _build_name(m["name"], m["where"]): m["rest"].strip(" -\n")[-_MAX_MESSAGE:] for m in _PROBLEM.finditer(text)
    }
    failed = [(_build_name(m["name"], m["where"]), m["kind"]) for m in _PROBLEM.finditer(text)]
    ended = [*_parse_lines(text), *((name, Status.FAILED if kind == "FAIL" else Status.ERROR) for name, kind in failed)]
    return keep_worst(
        Outcome(name, status, 0.0, "" if status is Status.PASSED else messages.get(name, "")) for name, status in ended
    )


def _parse_lines(text: str) -> Iterator[tuple[str, Status]]:
    """Yield each test's name and how it ended; a description and the test's own output may stand between both."""
    open_test = ""
    for line in text.splitlines():
        if line.startswith("=" * 70):
            return
        if match := _TEST.match(line):
            open_test = _build_name(match["name"], match["where"])
        if open_test and (late := _LATE.search(line)):
            yield open_test, _classify_status(late["end"])
            open_test = ""


def _classify_status(word: str) -> Status:
    if word in {"ok", "expected failure"}:
        return Status.PASSED
    if word.startswith("skipped"):
        return Status.SKIPPED
    return Status.ERROR if word == "ERROR" else Status.FAILED


def _build_name(name: str, where: str) -> str:
    """Build the dotted name; since Python 3.11 the parentheses repeat the test's own name."""
    return where if where.endswith(f".{name}") else f"{where}.{name}"
