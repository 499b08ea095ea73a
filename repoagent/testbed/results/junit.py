"""Read the JUnit XML that pytest writes; the file comes out of the sandbox and is hostile input.

The standard parser is safe once a document type is refused: without one no entity can be declared.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import takewhile
from xml.etree import ElementTree as ET

from repoagent.domain import Outcome, Status
from repoagent.testbed.results.severity import keep_worst

MAX_BYTES = 32 * 1024 * 1024
"""Bytes of the largest file that is read."""

_MAX_MESSAGE = 6000
_ENDINGS = {"error": Status.ERROR, "failure": Status.FAILED, "skipped": Status.SKIPPED}


class UnreadableReport(ValueError):
    """The file is no JUnit XML, too large, or tries tricks."""


def read_outcomes(content: bytes) -> tuple[Outcome, ...]:
    """Parse the outcomes in a file written by `pytest --junitxml … -o junit_family=xunit1`, one for each test.

    A test that is reported several times (a failure and then an error while tearing down, subtests) ended in the worst.
    Raises UnreadableReport.
    """
    cases = list(parse_xml(content).iter("testcase"))
    modules = {
        _get_module(case.get("file", ""))
        for case in cases
        if _is_collected_from(case.get("file", ""), case.get("classname", ""))
    }
    return keep_worst(_make_outcome(case, modules) for case in cases)


def build_node_id(file: str, classname: str, name: str, modules: Collection[str] = ()) -> str:
    """Build the id under which pytest runs this test again: `tests/test_x.py::TestY::test_z[1]`.

    `classname` is the collected module's dotted path followed by the classes. `file` is where the function stands: in
    another file when the test is inherited or decorated. Then the modules that other tests of the report are in
    (`modules`, dotted) tell where the path ends, or the first name that is spelled like a class. A module that could
    not be collected has no class name, and is named by its file.
    """
    if not classname:
        return file if name in {_get_module(file), file, ""} else f"{file}::{name}" if file else name
    if not _is_collected_from(file, classname):
        module = _find_longest_prefix(classname, modules) or _get_module_part(classname)
        file = module.replace(".", "/") + ".py" if module else classname
    classes = classname.removeprefix(_get_module(file)).lstrip(".")
    return "::".join([file, *(classes.split(".") if classes and classes != classname else []), name])


def _get_module(file: str) -> str:
    return re.sub(r"\.py$", "", file).replace("/", ".")


def _is_collected_from(file: str, classname: str) -> bool:
    """Whether a test of this class, or of this module, can have been collected from `file`."""
    return bool(file) and f"{classname}.".startswith(f"{_get_module(file)}.")


def _find_longest_prefix(classname: str, modules: Collection[str]) -> str:
    parts = classname.split(".")
    prefixes = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if prefix in modules), "")


def _get_module_part(classname: str) -> str:
    parts = classname.split(".")
    return ".".join(takewhile(lambda part: not part.lstrip("_")[:1].isupper(), parts))


def parse_xml(content: bytes) -> ET.Element:
    """Parse a document and return its root; raises UnreadableReport for what is too large, no XML, or declares
    entities."""
    if len(content) > MAX_BYTES:
        raise UnreadableReport(f"the report has {len(content)} bytes, more than {MAX_BYTES} are not read")
    text = content.decode("utf-8", "replace")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise UnreadableReport("the report declares a document type, which pytest never does")
    try:
        return ET.fromstring(re.sub(r"^<\?xml[^>]*\?>", "", text))  # noqa: S314 - no document type, so no entities
    except (ET.ParseError, ValueError, RecursionError) as error:
        raise UnreadableReport(f"the report is not XML: {error}") from error


def _make_outcome(case: ET.Element, modules: Collection[str]) -> Outcome:
    status, message = Status.PASSED, ""
    for tag, meaning in _ENDINGS.items():
        element = case.find(tag)
        if element is not None:
            status, message = meaning, _get_message(element)
            break
    identity = build_node_id(case.get("file", ""), case.get("classname", ""), case.get("name", ""), modules)
    return Outcome(identity, status, _parse_seconds(case.get("time", "")), message)


def _get_message(element: ET.Element) -> str:
    text: str = element.text or element.get("message") or ""
    return text if len(text) <= _MAX_MESSAGE else "…" + text[-_MAX_MESSAGE:]


def _parse_seconds(text: str) -> float:
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text) else 0.0
