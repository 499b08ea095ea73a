"""Which tests call a function: noted in real sandboxes, read with distrust, and remembered while no file changes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from repoagent.app.testbed import find_covering_tests, find_target, prepare_testbed
from repoagent.cli.main import app
from repoagent.errors import EnvironmentFailed, UserError
from repoagent.sandbox.base import Engine
from repoagent.sandbox.bubblewrap import BubblewrapEngine
from repoagent.sandbox.docker import DockerEngine
from repoagent.testbed.build_plan import UserOverrides
from repoagent.testbed.coverage import CoverageMap, SourceSpan, load_coverage, measure_coverage
from repoagent.testbed.coverage.map import read_call_trace
from repoagent.testbed.runner import Testbed

FACES = """\
import functools


@functools.lru_cache
def face(hour):
    return str(hour)


class Dial:
    def turn(self, by):
        return face(by)

    def stop(self):
        return None
"""
DIAL_TESTS = """\
import threading

import pytest

from clock.faces import Dial


@pytest.fixture
def dial():
    return Dial()


def test_turn(dial):
    assert dial.turn(2) == '2'


def test_stop(dial):
    assert dial.stop() is None


def test_thread(dial):
    thread = threading.Thread(target=dial.stop)
    thread.start()
    thread.join()
"""
FILES = {
    "pyproject.toml": '[project]\nname = "clock"\nversion = "1"\n[tool.setuptools]\npackages = ["clock"]\n',
    "clock/__init__.py": "",
    "clock/faces.py": FACES,
    "tests/test_face.py": "from clock.faces import face\n\n\ndef test_face():\n    assert face(1) == '1'\n",
    "tests/test_dial.py": DIAL_TESTS,
}
FACE = SourceSpan("clock/faces.py", 4, 6)
STOP = "clock/faces.py::Dial.stop"


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Testbed:
    return made(tmp_path_factory.mktemp("clock"), BubblewrapEngine())


def made(root: Path, engine: Engine, requires: str = "") -> Testbed:
    """The project, and an environment for it; `requires` is what it says of Python."""
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text.replace('version = "1"\n', f'version = "1"\n{requires}'))
    subprocess.run(("git", "init", "--quiet"), cwd=root, check=True)
    engine.prepare(lambda _: None)
    return prepare_testbed(root, engine, None, UserOverrides(), 600, lambda _: None)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bed: Testbed) -> Path:
    """Maps of their own for each test; the environment is opened where it was built."""
    monkeypatch.setattr("repoagent.testbed.coverage.measuring.locate_cache_root", lambda: tmp_path)
    return tmp_path


@pytest.mark.bubblewrap
def test_each_test_is_known_by_what_it_calls_in_its_fixtures_and_threads_too(bed: Testbed, cache: Path) -> None:
    found = measure_coverage(bed, (), 120)
    assert found.ended
    assert found.find_tests(FACE) == ("tests/test_face.py::test_face", "tests/test_dial.py::test_turn")
    assert set(found.find_tests(SourceSpan("clock/faces.py", 13, 14))) == {
        "tests/test_dial.py::test_stop",
        "tests/test_dial.py::test_thread",
    }
    assert len(found.find_tests(SourceSpan("clock/faces.py", 9, 14))) == 3  # the class
    assert found.find_tests(SourceSpan("clock/nowhere.py", 1, 9)) == ()


@pytest.mark.docker
def test_a_python_that_tells_of_calls_by_itself_is_asked_for_them(tmp_path: Path, cache: Path) -> None:
    newest = made(tmp_path / "clock", DockerEngine(), 'requires-python = ">=3.12"\n')
    found = measure_coverage(newest, (), 120)
    assert found.ended
    assert found.find_tests(FACE) == ("tests/test_face.py::test_face", "tests/test_dial.py::test_turn")
    assert len(found.find_tests(SourceSpan("clock/faces.py", 13, 14))) == 2


@pytest.mark.bubblewrap
def test_what_was_measured_is_known_until_a_file_changes(bed: Testbed, cache: Path) -> None:
    assert load_coverage(bed) is None
    found = measure_coverage(bed, (), 120)
    assert load_coverage(bed) == load_coverage(bed, ("tests/test_face.py",)) == found
    path = bed.root / "clock/__init__.py"
    path.write_text("# changed\n")
    assert load_coverage(bed) is None
    path.write_text("")
    assert load_coverage(bed) == found
    [kept] = cache.glob("covering/*.map")
    kept.write_bytes(b"torn")
    assert load_coverage(bed) is None


@pytest.mark.bubblewrap
def test_a_function_is_named_or_a_line_of_it_is(bed: Testbed, cache: Path) -> None:
    said: list[str] = []
    by_name = find_covering_tests(bed, find_target(bed.root, STOP), 120, whole=False, say=said.append)
    by_line = find_covering_tests(bed, find_target(bed.root, "clock/faces.py:14"), 120, whole=False, say=said.append)
    assert by_name == by_line
    assert len(by_name.tests) == 2
    assert len(said) == 1  # the second time it was known
    with pytest.raises(UserError, match=r"there is no function 'clock/faces.py::Dial.stopp'.*near it: stop"):
        find_target(bed.root, "clock/faces.py::Dial.stopp")


@pytest.mark.bubblewrap
def test_where_pytest_runs_nothing_near_files_are_told(bed: Testbed, cache: Path) -> None:
    from dataclasses import replace

    by_command = replace(bed, test_command="make test")
    found = find_covering_tests(by_command, find_target(bed.root, STOP), 120, whole=False, say=lambda _: None)
    assert (found.measured, set(found.tests)) == (False, {"tests/test_dial.py", "tests/test_face.py"})
    with pytest.raises(EnvironmentFailed, match="only known of tests that pytest runs"):
        measure_coverage(by_command, (), 120)


@pytest.mark.bubblewrap
def test_the_command_tells_scripts_and_people(bed: Testbed, cache: Path) -> None:
    arguments = ["testbed", "covering", STOP, "--repo", str(bed.root), "--sandbox", "bubblewrap"]
    told = CliRunner().invoke(app, [*arguments, "--json"])
    data = json.loads(told.stdout)
    assert told.exit_code == 0
    assert (data["measured"], data["ended"], len(data["tests"])) == (True, True, 2)
    run = CliRunner().invoke(app, ["testbed", "test", "--covering", STOP, *arguments[3:]])
    assert (run.exit_code, run.stdout.splitlines()[-1].startswith("completed: 2 passed")) == (0, True)


@pytest.mark.bubblewrap
def test_a_run_that_was_cut_off_is_told_and_not_remembered(bed: Testbed, cache: Path) -> None:
    leaving = bed.root / "tests/test_leaving.py"
    leaving.write_text("import os\n\n\ndef test_leaving():\n    os._exit(3)\n")
    try:
        found = measure_coverage(bed, (), 120)
        assert load_coverage(bed) is None
    finally:
        leaving.unlink()
    assert not found.ended
    assert found.find_tests(FACE), "what had ended before is known"


@pytest.mark.bubblewrap
@pytest.mark.parametrize("target", ["nonsense", "clock/faces.py:x", "clock/faces.py:9999", "nowhere.py::f", "::", ":1"])
def test_a_target_that_is_none_is_refused_before_anything_is_built(target: str, bed: Testbed) -> None:
    run = CliRunner().invoke(app, ["testbed", "covering", target, "--repo", str(bed.root), "--sandbox", "none-such"])
    assert isinstance(run.exception, UserError)
    assert "write PATH::FUNCTION" in str(run.exception)


LINES = [
    {"function": ["a.py", 1]},
    {"function": ["/etc/passwd", 1]},
    {"function": ["../b.py", 1]},
    {"test": "t.py::a", "calls": [0, 1, 2, 7, -1, "x"]},
    {"test": "x" * 2_000, "calls": [0]},
    {"test": ["no"], "calls": [0]},
    ["nonsense"],
]


def test_nothing_is_believed_but_the_form_of_what_a_sandbox_writes() -> None:
    data = b"\n".join([*(json.dumps(line).encode() for line in LINES), b"{torn", b"[" * 100_000])
    found = read_call_trace(data, ("t.py",))
    assert found.functions == (("a.py", 1), ("", 0), ("", 0))
    assert found.tests == (("t.py::a", (0, 1, 2)),)
    assert (found.asked, found.ended) == (("t.py",), False)


def test_files_are_ordered_by_the_suspects_that_their_tests_call() -> None:
    made = CoverageMap(
        (("a.py", 1), ("a.py", 9)),
        (("t/x.py::one", (1,)), ("t/y.py::one", (0,)), ("t/z.py::one", (0, 1)), ("t/w.py::one", ())),
    )
    places = [SourceSpan("a.py", 1, 5), SourceSpan("a.py", 9, 12)]
    assert made.rank_test_files(places) == ("t/z.py", "t/y.py", "t/x.py")
