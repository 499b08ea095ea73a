"""Reports as pytest writes them, and as an enemy would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from repoagent.domain import Status
from repoagent.testbed.results import junit
from repoagent.testbed.results.junit import UnreadableReport, build_node_id, read_outcomes

TESTS = """
import pytest, unittest

def test_plain(): pass

@pytest.mark.parametrize("x", ["a b", "a::b", "a/b.py", "[x]", "é", "\\x1b"])
def test_parameters(x): pass

class TestOuter:
    class TestInner:
        @pytest.mark.parametrize("x", [1.5])
        def test_deep(self, x): pass

class Old(unittest.TestCase):
    def test_old(self): self.assertEqual(1, 2)

@pytest.fixture
def broken(): raise RuntimeError("no fixture")

def test_setup(broken): pass

@pytest.fixture
def leaking():
    yield
    raise RuntimeError("teardown")

def test_teardown(leaking): assert 0

@pytest.mark.skip
def test_skipped(): pass

@pytest.mark.xfail
def test_expected_failure(): assert 0

@pytest.mark.xfail(strict=True)
def test_unexpected_pass(): pass
"""


BASE = """
class Checks:
    def test_inherited(self): pass

def plainly(function):
    def wrapper(): return function()
    return wrapper
"""

INHERITING = """
from base import Checks, plainly

class TestIt(Checks): pass

@plainly
def test_decorated(): pass
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, set[str]]:
    """What pytest writes for the tests above, and the ids it collects."""
    root = tmp_path_factory.mktemp("tests")
    (root / "pkg").mkdir()
    (root / "pkg" / "test_a.py").write_text(TESTS)
    (root / "pkg" / "test_gone.py").write_text("import nowhere")
    (root / "base.py").write_text(BASE)
    for name in ("test_first.py", "test_second.py"):
        (root / "pkg" / name).write_text(INHERITING)
    base = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(root)]
    flags = ["--continue-on-collection-errors", "--junitxml=out.xml", "-o", "junit_family=xunit1"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    subprocess.run([*base, *flags], cwd=root, env=environment, check=False, capture_output=True)
    listed = subprocess.run(
        [*base, "--collect-only"], cwd=root, env=environment, check=False, capture_output=True, text=True
    )
    ids = {line for line in listed.stdout.splitlines() if line.startswith("pkg/test_") and "::" in line}
    return Path(root / "out.xml").read_bytes(), ids


def test_the_ids_are_those_that_pytest_takes(report: tuple[bytes, set[str]]) -> None:
    content, ids = report
    found = {o.id for o in read_outcomes(content)}
    assert found == ids | {"pkg/test_gone.py"}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("pkg/test_a.py::test_plain", Status.PASSED),
        ("pkg/test_a.py::TestOuter::TestInner::test_deep[1.5]", Status.PASSED),
        ("pkg/test_a.py::Old::test_old", Status.FAILED),
        ("pkg/test_a.py::test_setup", Status.ERROR),
        ("pkg/test_a.py::test_teardown", Status.ERROR),
        ("pkg/test_a.py::test_skipped", Status.SKIPPED),
        ("pkg/test_a.py::test_expected_failure", Status.SKIPPED),
        ("pkg/test_a.py::test_unexpected_pass", Status.FAILED),
        ("pkg/test_gone.py", Status.ERROR),
    ],
)
def test_each_ending_has_its_status(report: tuple[bytes, set[str]], name: str, status: Status) -> None:
    assert {o.id: o.status for o in read_outcomes(report[0])}[name] is status


def test_the_message_holds_the_assertion(report: tuple[bytes, set[str]]) -> None:
    messages = {o.id: o.message for o in read_outcomes(report[0])}
    assert "1 != 2" in messages["pkg/test_a.py::Old::test_old"]


def test_a_doctest_is_named_by_its_file() -> None:
    assert build_node_id("pkg/mod.py", "pkg.mod", "pkg.mod.f") == "pkg/mod.py::pkg.mod.f"
    assert build_node_id("README.rst", "README.rst", "README.rst") == "README.rst::README.rst"


def test_a_test_that_stands_elsewhere_is_named_by_what_was_collected() -> None:
    named = [
        build_node_id("base.py", classname, "test_x", {"a.test_low"})
        for classname in ("a.test_low.case", "a.b.TestC.TestD")
    ]
    assert named == ["a/test_low.py::case::test_x", "a/b.py::TestC::TestD::test_x"]
    assert build_node_id("base.py", "TestC", "test_x") == "TestC::test_x"


BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testcase name="&b;"/>'
HOSTILE = {
    "entities": BOMB.encode(),
    "entities in another encoding": BOMB.replace('"1.0"', '"1.0" encoding="utf-16"', 1).encode("utf-16"),
    "an external file": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite>&a;</testsuite>',
    "an undeclared entity": b"<testsuite>&a;</testsuite>",
    "cut": b"<testsuite><testcase",
    "no XML": b"hello",
    "empty": b"",
    "binary": bytes(range(256)),
    "seven bits": b'<?xml version="1.0" encoding="utf-7"?>+ADw-testsuite/+AD4-',
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_report_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableReport):
        read_outcomes(content)


def test_a_report_that_is_too_large_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(junit, "MAX_BYTES", 10)
    with pytest.raises(UnreadableReport, match="more than 10"):
        read_outcomes(b"<testsuite></testsuite>")


def test_deep_nesting_and_odd_numbers_do_no_harm() -> None:
    content = b"<a>" * 50_000 + b'<testcase name="t" file="f.py" time="1e999"/>' + b"</a>" * 50_000
    assert [(o.id, o.seconds) for o in read_outcomes(content)] == [("f.py::t", 0.0)]
