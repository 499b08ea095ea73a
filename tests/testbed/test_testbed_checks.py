"""What compilers, type checkers and linters say, and which of it is new."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoagent.domain import Ending, Report
from repoagent.sandbox.base import CommandResult, Environment
from repoagent.sandbox.fake import FakeEngine
from repoagent.testbed.checks import ProjectCheck, find_new_complaints, parse_complaints, run_check
from repoagent.testbed.ecosystems.finding import detect_codebases
from repoagent.testbed.running.base import Entry

SAID = {
    "mypy": (
        "a/b.py:3: error: no such name  [name-defined]\nFound 1 error\n",
        "a/b.py: error: no such name  [name-defined]",
    ),
    "ruff": ("a.py:1:8: F401 `os` imported but unused\n", "a.py: F401 `os` imported but unused"),
    "tsc": ("src/a.ts(3,7): error TS2322: not assignable\n", "src/a.ts: error TS2322: not assignable"),
    "eslint": ("\n/work/repo/a.js\n  3:5  error  Unexpected var  no-var\n", "a.js: error Unexpected var no-var"),
    "vet": ("# example.com/a\n./a.go:4:2: unreachable code\n", "a.go: unreachable code"),
    "cargo": (
        "src/lib.rs:2:5: error[E0425]: cannot find value `x`\n",
        "src/lib.rs: error[E0425]: cannot find value `x`",
    ),
}


@pytest.mark.parametrize(("text", "expected"), SAID.values(), ids=SAID)
def test_complaints_are_named_by_file_and_words(text: str, expected: str) -> None:
    assert [outcome.id for outcome in parse_complaints(text)] == [expected]


def checked(finished: CommandResult) -> Report:
    with FakeEngine(lambda _command, _files: finished).open(Environment("k", "r"), Path("nowhere")) as sandbox:
        return run_check(ProjectCheck("mypy", "mypy ."), Entry(), sandbox, 5)


def test_a_complaint_that_only_moved_is_not_new() -> None:
    before = checked(CommandResult(1, "a.py:3: error: x\nb.py:1: error: y\n", 0.0))
    after = checked(CommandResult(1, "a.py:9: error: x\na.py:10: error: x\n", 0.0))
    assert find_new_complaints(before, after) == {"a.py: error: x [2]"}


@pytest.mark.parametrize(
    ("finished", "ending", "passed", "failed"),
    [
        (CommandResult(0, "all well", 0.0), Ending.COMPLETED, {"mypy"}, set()),
        (CommandResult(2, "an internal error", 0.0), Ending.COMPLETED, set(), {"mypy"}),
        (CommandResult(127, "mypy: not found", 0.0), Ending.NOT_COLLECTED, set(), set()),
        (CommandResult(139, "", 0.0), Ending.CRASHED, set(), set()),
        (CommandResult(1, "a.py:3: error: x\n", 0.0, timed_out=True), Ending.TIMED_OUT, set(), set()),
    ],
)
def test_a_check_that_did_not_end_well_is_no_success(
    finished: CommandResult, ending: Ending, passed: set[str], failed: set[str]
) -> None:
    report = checked(finished)
    assert (report.ending, set(report.passed), set(report.failed)) == (ending, passed, failed)
    assert (
        not find_new_complaints(report, checked(CommandResult(1, "a.py:3: error: z", 0.0)))
        or ending is Ending.COMPLETED
    )


def test_checks_are_those_that_the_project_has_settings_for(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a"\n[tool.mypy]\nstrict = true\n[tool.ruff]\n')
    (tmp_path / "a").mkdir()
    (tmp_path / "a/__init__.py").touch()
    (found, *_) = detect_codebases(tmp_path)
    assert [check.name for check in found.checks] == ["mypy", "ruff"]
    assert found.checks[0].command.endswith("/bin/python a")


def test_scripts_of_a_package_are_checks(tmp_path: Path) -> None:
    text = '{"scripts": {"test": "jest", "lint": "eslint ."}, "devDependencies": {"typescript": "5"}}'
    (tmp_path / "package.json").write_text(text)
    (tmp_path / "tsconfig.json").write_text("{}")
    (found, *_) = detect_codebases(tmp_path)
    assert [check.command for check in found.checks] == ["npm run --silent lint", "tsc --noEmit --pretty false"]
