"""Read the JUnit XML of ctest, meson, surefire and Gradle, in which a test is its name, and its class if it has one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from repoagent.domain import Outcome, Status
from repoagent.testbed.results.junit import UnreadableReport, parse_xml
from repoagent.testbed.results.severity import keep_worst

_MAX_MESSAGE = 6000
_ENDINGS = {"error": Status.ERROR, "failure": Status.FAILED, "skipped": Status.SKIPPED}
_BY_STATUS = {"fail": Status.FAILED, "notrun": Status.ERROR, "disabled": Status.SKIPPED}


def read_named(content: bytes | None) -> tuple[Outcome, ...]:
    """Parse the outcomes by the tests' names; none where there is no report, or it cannot be read."""
    return keep_worst(_make_outcome(case, case.get("name", "")) for case in _find_cases(content))


def read_classes(content: bytes | None) -> tuple[Outcome, ...]:
    """Parse the outcomes as `package.Class#method`, as JVM's runners take them; see `read_named`."""
    return keep_worst(
        _make_outcome(case, f"{case.get('classname', '')}#{case.get('name', '')}") for case in _find_cases(content)
    )


def _find_cases(content: bytes | None) -> Iterator[ET.Element]:
    try:
        yield from parse_xml(content).iter("testcase") if content else ()
    except UnreadableReport:
        return


def _make_outcome(case: ET.Element, name: str) -> Outcome:
    status = _BY_STATUS.get(case.get("status", ""), Status.PASSED)
    message = "" if status is Status.PASSED else _get_printed_text(case)
    for tag, meaning in _ENDINGS.items():
        element = case.find(tag)
        if element is not None and status is not Status.ERROR:
            status, message = (
                meaning,
                (element.text or "").strip() or _get_printed_text(case) or element.get("message", ""),
            )
            break
    short = "…" + message[-_MAX_MESSAGE:] if len(message) > _MAX_MESSAGE else message
    return Outcome(name, status, _parse_seconds(case.get("time", "")), short)


def _get_printed_text(case: ET.Element) -> str:
    """Get what a failed test printed: programs in C say there what went wrong."""
    return "\n".join(text for tag in ("system-out", "system-err") if (text := (case.findtext(tag) or "").strip()))


def _parse_seconds(text: str) -> float:
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text) else 0.0
