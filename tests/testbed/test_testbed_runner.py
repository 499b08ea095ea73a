"""How a run's exit code and report become an ending, told by a fake engine; the real ones follow in the next module."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path

import pytest

from repoagent.domain import Ending, Status
from repoagent.sandbox.base import CommandResult, Environment
from repoagent.sandbox.fake import FakeEngine, PlayedCommand
from repoagent.testbed.ecosystems.finding import detect_codebases
from repoagent.testbed.runner import Testbed

REPOSITORIES = Path(__file__).parents[1] / "repositories"


def lines(*events: Mapping[str, object], end: int | None = 0) -> str:
    closing = [] if end is None else [{"end": end}]
    return "\n".join(json.dumps(event) for event in [*events, *closing])


def ended(name: str, outcome: str = "passed", when: str = "call") -> dict[str, object]:
    return {"id": f"test_a.py::{name}", "when": when, "outcome": outcome, "message": "E   assert 1 == 2"}


PASSED, FAILED = ended("test_a"), ended("test_b", "failed")
COLLECTION = lines({"id": "test_a.py", "when": "collect", "outcome": "failed", "message": "boom"}, end=2)
STARTED = {"start": "test_a.py::test_b"}


def pytest_that(exit_code: int, *reports: str | None, timed_out: bool = False) -> PlayedCommand:
    """Plays pytest: writes the next of `reports` where it is asked to, the last one again and again."""
    left = list(reports)

    def answer(command: Sequence[str], files: MutableMapping[str, bytes]) -> CommandResult:
        if command[0] == "stat":
            size = len(files.get(command[-1], b""))
            return (
                CommandResult(0, str(size), 0.0)
                if command[-1] in files
                else CommandResult(1, "stat: no such file", 0.0)
            )
        report = left.pop(0) if len(left) > 1 else left[0]
        path = next((a.partition("=")[2] for a in command if a.startswith("--repoagent-report=")), "")
        if report is not None:
            files[path] = report.encode()
        return CommandResult(exit_code, "the log", 1.5, timed_out)

    return answer


def bed_with(answer: PlayedCommand, name: str = "modern", command: str | None = None) -> Testbed:
    root = REPOSITORIES / name
    return Testbed.attach(
        FakeEngine(answer), Environment("key", "fake:key"), root, detect_codebases(root), command or ""
    )


ENDINGS = [
    (pytest_that(0, lines(PASSED)), Ending.COMPLETED),
    (pytest_that(1, lines(PASSED, FAILED)), Ending.COMPLETED),
    (pytest_that(0, None, timed_out=True), Ending.TIMED_OUT),
    (pytest_that(134, None), Ending.CRASHED),
    (pytest_that(139, lines(PASSED)), Ending.CRASHED),
    (pytest_that(3, None), Ending.CRASHED),
    (pytest_that(0, None), Ending.CRASHED),
    (pytest_that(0, lines()), Ending.CRASHED),
    (pytest_that(0, "no JSON\n[1]\n{"), Ending.CRASHED),
    (pytest_that(0, lines(PASSED, end=None)), Ending.CRASHED),
    (pytest_that(0, lines(FAILED)), Ending.CRASHED),
    (pytest_that(5, lines()), Ending.NOT_COLLECTED),
    (pytest_that(4, None), Ending.NOT_COLLECTED),
    (pytest_that(2, COLLECTION), Ending.NOT_COLLECTED),
    (pytest_that(1, COLLECTION), Ending.NOT_COLLECTED),
]


@pytest.mark.parametrize(("answer", "ending"), ENDINGS)
def test_only_a_run_with_a_report_that_agrees_is_complete(answer: PlayedCommand, ending: Ending) -> None:
    bed = bed_with(answer)
    report = bed.run(bed.open())
    assert report.ending is ending
    assert report.log == "the log"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (pytest_that(137, lines(PASSED, STARTED, end=None), timed_out=True), "did not end in time"),
        (pytest_that(139, lines(PASSED, STARTED, end=None)), "ended the whole run, with exit code 139"),
    ],
)
def test_a_run_that_is_cut_off_tells_what_ended_before_and_what_was_running(answer: PlayedCommand, told: str) -> None:
    bed = bed_with(answer)
    passed, running = bed.run(bed.open()).outcomes
    assert (passed.id, passed.status) == ("test_a.py::test_a", Status.PASSED)
    assert (running.id, running.status) == ("test_a.py::test_b", Status.ERROR)
    assert told in running.message


def test_chosen_tests_stand_behind_a_dash_so_that_none_is_an_option() -> None:
    bed = bed_with(pytest_that(0, lines(PASSED)))
    command = bed.run(bed.open(), ["-evil.py"]).command
    assert command.endswith("-- -evil.py")
    assert "addopts= --import-mode=importlib" in command


def test_the_project_s_options_are_tried_where_nothing_is_collected_without() -> None:
    bed = bed_with(pytest_that(4, None, lines(PASSED, FAILED)))
    report = bed.run(bed.open())
    assert "addopts" not in report.command
    assert len(report.outcomes) == 2


def test_tests_with_an_unusual_name_are_named_to_pytest() -> None:
    bed = bed_with(pytest_that(0, lines(PASSED)), "unit")
    assert bed.run(bed.open()).command.endswith(" -- test.py")


def test_a_test_that_fails_once_is_flaky_and_ignored() -> None:
    first = lines(PASSED, FAILED, ended("test_c", "failed"))
    bed = bed_with(pytest_that(1, first, lines(ended("test_b"), ended("test_c", "failed"))))
    baseline = bed.measure_baseline()
    assert baseline.passing == {"test_a.py::test_a"}
    assert baseline.failing == {"test_a.py::test_c"}
    assert baseline.flaky == {"test_a.py::test_b"}


def test_what_fails_for_want_of_a_network_is_no_failure_of_the_code() -> None:
    refused = {**ended("test_d", "failed"), "message": "E   OSError: [Errno 101] Network is unreachable"}
    baseline = bed_with(pytest_that(1, lines(PASSED, FAILED, refused), lines(FAILED))).measure_baseline()
    assert baseline.failing == {"test_a.py::test_b"}
    assert not baseline.flaky
    assert baseline.outside == {"test_a.py::test_d"}


def test_files_are_run_again_where_an_id_is_not_found() -> None:
    first = lines(PASSED, FAILED, ended("test_c", "failed"))
    bed = bed_with(pytest_that(1, first, lines(), lines(FAILED)))
    baseline = bed.measure_baseline()
    assert baseline.failing == {"test_a.py::test_b"}
    assert baseline.flaky == {"test_a.py::test_c"}, "it has no second outcome"


def test_a_file_that_cannot_be_collected_alone_either_is_failing() -> None:
    gone = COLLECTION.replace("test_a.py", "test_gone.py")
    both = f"{lines(PASSED, end=None)}\n{gone}"
    baseline = bed_with(pytest_that(1, both, gone)).measure_baseline()
    assert baseline.failing == {"test_gone.py"}


def test_without_a_second_run_no_failure_is_confirmed() -> None:
    baseline = bed_with(pytest_that(1, lines(PASSED, FAILED), None)).measure_baseline()
    assert not baseline.failing
    assert baseline.flaky == {"test_a.py::test_b"}


def test_a_run_that_broke_is_no_baseline() -> None:
    baseline = bed_with(pytest_that(139, None)).measure_baseline()
    assert baseline.report.ending is Ending.CRASHED
    assert not baseline.passing | baseline.failing


@pytest.mark.parametrize(("exit_code", "status"), [(0, Status.PASSED), (2, Status.FAILED)])
def test_any_other_command_is_one_test(exit_code: int, status: Status) -> None:
    bed = bed_with(pytest_that(exit_code, None), command="make check")
    report = bed.run(bed.open())
    assert report.ending is Ending.COMPLETED
    assert [(o.id, o.status) for o in report.outcomes] == [("make check", status)]


def test_a_command_with_pytest_is_asked_for_a_report_through_the_environment() -> None:
    bed = bed_with(pytest_that(1, None), command="cd x && pytest")
    bed.run(bed.open())
    assert isinstance(bed.engine, FakeEngine)
    (asked, *_) = bed.engine.commands
    assert "--junitxml=/tmp/" in asked.environment["PYTEST_ADDOPTS"]
    assert asked.command == ("sh", "-c", "cd x && pytest")


def test_a_report_as_large_as_the_disk_is_not_fetched() -> None:
    fetched: list[str] = []

    def answer(command: Sequence[str], _files: MutableMapping[str, bytes]) -> CommandResult:
        fetched.append(command[0])
        return CommandResult(0, "99999999999", 0.0) if command[0] == "stat" else CommandResult(0, "", 0.0)

    bed = bed_with(answer)
    assert bed.run(bed.open()).ending is Ending.CRASHED
    assert "stat" in fetched
