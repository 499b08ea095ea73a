"""The plug-in that is laid into every environment, run by a real pytest, and what is read of its lines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import repoagent.testbed.ecosystems.python.reporter
from repoagent.domain import Outcome, Status
from repoagent.testbed.results.lines import ReportedRun, read_lines

PLUGIN = Path(repoagent.testbed.ecosystems.python.reporter.__file__)

TESTS = """
import pytest, os

class Odd:
    def __repr__(self):
        raise SystemExit("no")

def deep(number, odd):
    text = "x" * 500
    assert number == 2

def test_passes(): pass
def test_fails(): deep(1, Odd())
def test_skipped(): pytest.skip("no database")
@pytest.mark.xfail
def test_known(): assert False
@pytest.fixture
def broken(): raise ValueError("no fixture")
def test_error(broken): pass
@pytest.fixture
def late():
    yield
    raise ValueError("no end")
def test_late(late): pass
class TestNested:
    @pytest.mark.parametrize("a", ["é", "x y"])
    def test_values(self, a): assert a
"""


def told(folder: Path, source: str, *options: str) -> ReportedRun:
    (folder / "test_it.py").write_text(source, encoding="utf-8")
    path = folder / "report"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--tb=short",
        "-p",
        "reporter",
        f"--repoagent-report={path}",
        "--rootdir=.",
        *options,
    ]
    environment = {**os.environ, "PYTHONPATH": str(PLUGIN.parent), "PYTEST_ADDOPTS": ""}
    subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, timeout=60)
    return read_lines(path.read_bytes())


def by_name(found: ReportedRun) -> dict[str, Outcome]:
    return {outcome.id.partition("::")[2]: outcome for outcome in found.outcomes}


def test_every_test_is_told_as_it_ended(tmp_path: Path) -> None:
    found = told(tmp_path, TESTS)
    assert found.ended
    assert not found.running
    assert {name: outcome.status.value for name, outcome in by_name(found).items()} == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_skipped": "skipped",
        "test_known": "skipped",
        "test_error": "error",
        "test_late": "error",
        "TestNested::test_values[\\xe9]": "passed",
        "TestNested::test_values[x y]": "passed",
    }


def test_a_failure_comes_with_the_values_of_its_deepest_frame(tmp_path: Path) -> None:
    failed = by_name(told(tmp_path, TESTS))["test_fails"]
    assert "assert 1 == 2" in failed.message
    number, odd, text = failed.locals
    assert number == "number = 1"
    assert odd == "odd = <Odd, whose repr raises SystemExit>"
    assert len(text) < 100


def test_a_module_that_cannot_be_imported_is_an_error_of_its_file(tmp_path: Path) -> None:
    (outcome,) = told(tmp_path, "import nothing_of_this_name").outcomes
    assert (outcome.id, outcome.status) == ("test_it.py", Status.ERROR)
    assert "nothing_of_this_name" in outcome.message


def test_a_test_that_hangs_is_ended_and_the_others_are_run(tmp_path: Path) -> None:
    found = told(tmp_path, "import time\ndef test_a(): time.sleep(60)\ndef test_b(): pass", "--repoagent-seconds=1")
    assert [(outcome.id, outcome.status.value) for outcome in found.outcomes] == [
        ("test_it.py::test_a", "failed"),
        ("test_it.py::test_b", "passed"),
    ]
    assert "took more than 1 s" in found.outcomes[0].message
    assert [outcome.timed_out for outcome in found.outcomes] == [True, False]


def test_a_test_that_fails_after_one_that_hangs_is_not_taken_for_hanging(tmp_path: Path) -> None:
    source = "import time\ndef test_a(): time.sleep(60)\ndef test_b(): assert False"
    found = told(tmp_path, source, "--repoagent-seconds=1")
    assert [(outcome.status.value, outcome.timed_out) for outcome in found.outcomes] == [
        ("failed", True),
        ("failed", False),
    ]


@pytest.mark.parametrize("death", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_process_that_dies_leaves_what_it_had_found(tmp_path: Path, death: str) -> None:
    found = told(tmp_path, f"import os\ndef test_a(): pass\ndef test_b(): {death}\ndef test_c(): pass")
    assert [outcome.id for outcome in found.outcomes] == ["test_it.py::test_a"]
    assert found.running == "test_it.py::test_b"
    assert not found.ended


def test_a_child_that_a_test_forks_tells_nothing(tmp_path: Path) -> None:
    found = told(tmp_path, "import os\ndef test_a():\n    assert os.fork()\n    os.wait()")
    assert [outcome.status for outcome in found.outcomes] == [Status.PASSED]


@given(st.one_of(st.binary(), st.text().map(str.encode)))
def test_any_bytes_can_be_read(content: bytes) -> None:
    assert isinstance(read_lines(content), ReportedRun)


def test_ids_of_old_releases_are_those_of_new_ones() -> None:
    told = read_lines(b'{"id": "t.py::TestA::()::test_b", "outcome": "passed"}\n{"start": "t.py::TestA::()::test_c"}')
    assert [outcome.id for outcome in told.outcomes] == ["t.py::TestA::test_b"]
    assert told.running == "t.py::TestA::test_c"


def test_what_is_no_event_counts_for_nothing() -> None:
    odd = b'[1]\n{"id": 3, "outcome": "passed"}\n{"id": "a", "outcome": "great"}\n'
    assert read_lines(odd + b'{"id": "b", "outcome": "passed", "seconds": "x"}') == ReportedRun(
        (Outcome("b", Status.PASSED),)
    )
