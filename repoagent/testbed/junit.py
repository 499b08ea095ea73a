"""Read the JUnit XML that pytest writes; the file comes out of the sandbox and is hostile input.

The standard parser is safe once a document type is refused: without one no entity can be declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from repoagent.domain import Outcome, Status

LARGEST = 32 * 1024 * 1024
"""Bytes of the largest file that is read."""

_LONGEST_MESSAGE = 6000
_SEVERITY = (Status.PASSED, Status.SKIPPED, Status.FAILED, Status.ERROR)
_ENDINGS = {"error": Status.ERROR, "failure": Status.FAILED, "skipped": Status.SKIPPED}


class UnreadableReport(ValueError):
    """The file is no JUnit XML, too large, or tries tricks."""


def read_outcomes(content: bytes) -> tuple[Outcome, ...]:
    """The outcomes in a file written by `pytest --junitxml … -o junit_family=xunit1`, one for each test.

    A test that is reported several times (a failure and then an error while tearing down, subtests) ended in the worst.
    Raises UnreadableReport.
    """
    worst: dict[str, Outcome] = {}
    for outcome in map(_outcome, _parse(content).iter("testcase")):
        known = worst.get(outcome.id)
        if known is None or _SEVERITY.index(outcome.status) > _SEVERITY.index(known.status):
            worst[outcome.id] = outcome
    return tuple(worst.values())


def node_id(file: str, classname: str, name: str) -> str:
    """The id under which pytest runs this test again: `tests/test_x.py::TestY::test_z[1]`.

    `classname` is the module's dotted path followed by the classes; `file` tells where one ends and the other begins.
    A module that could not be collected has no class name, and is named by its file.
    """
    module = re.sub(r"\.py$", "", file).replace("/", ".")
    if not classname:
        return file if name in {module, file, ""} else f"{file}::{name}" if file else name
    if classname == module or not file:
        return f"{file or classname}::{name}"
    classes = classname.removeprefix(f"{module}.").split(".") if classname.startswith(f"{module}.") else []
    return "::".join([file, *classes, name])


def _parse(content: bytes) -> ET.Element:
    if len(content) > LARGEST:
        raise UnreadableReport(f"the report has {len(content)} bytes, more than {LARGEST} are not read")
    text = content.decode("utf-8", "replace")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise UnreadableReport("the report declares a document type, which pytest never does")
    try:
        return ET.fromstring(re.sub(r"^<\?xml[^>]*\?>", "", text))  # noqa: S314 - no document type, so no entities
    except (ET.ParseError, ValueError, RecursionError) as error:
        raise UnreadableReport(f"the report is not XML: {error}") from error


def _outcome(case: ET.Element) -> Outcome:
    status, message = Status.PASSED, ""
    for tag, meaning in _ENDINGS.items():
        element = case.find(tag)
        if element is not None:
            status, message = meaning, _message(element)
            break
    identity = node_id(case.get("file", ""), case.get("classname", ""), case.get("name", ""))
    return Outcome(identity, status, _seconds(case.get("time", "")), message)


def _message(element: ET.Element) -> str:
    text: str = element.text or element.get("message") or ""
    return text if len(text) <= _LONGEST_MESSAGE else "…" + text[-_LONGEST_MESSAGE:]


def _seconds(text: str) -> float:
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text) else 0.0


def worst_first(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Errors, failures, skipped, passed; within these by id."""
    return sorted(outcomes, key=lambda o: (-_SEVERITY.index(o.status), o.id))
