"""What is read from tests that do not find a program."""

from __future__ import annotations

import pytest

from repoagent.domain import Ending, Outcome, Report, Status
from repoagent.testbed.programs import find_missing_programs

SAID = {
    "E   FileNotFoundError: [Errno 2] No such file or directory: 'dot'": ("graphviz",),
    "WARNING: dot command 'dot' cannot be run (needed for graphviz output), check the graphviz_dot setting": (
        "graphviz",
    ),
    'Skipped: graphviz "dot" is not available': ("graphviz",),
    "Skipped: ImageMagick convert executable not found": ("imagemagick",),
    "Skipped: git and hg: hg is not installed": ("mercurial",),
    "/bin/sh: 1: make: not found": ("build-essential",),
    "bash: line 1: gcc: command not found": ("build-essential",),
    "E   AssertionError: `patch` not found": ("patch",),
    "E   FileNotFoundError: [Errno 2] No such file or directory: '/repo/git'": (),
    "E   AssertionError: the page was not found": (),
    "E   KeyError: 'file not found in archive'": (),
    "E   ValueError: x.dot is not available": (),
    "E   NameError: name 'ps' is not defined": (),
    "": (),
}


def report(message: str, status: Status = Status.FAILED) -> Report:
    return Report(Ending.COMPLETED, (Outcome("t", status, message=message),))


@pytest.mark.parametrize(("message", "packages"), SAID.items(), ids=lambda value: str(value)[:40])
def test_what_a_test_says_names_packages(message: str, packages: tuple[str, ...]) -> None:
    assert find_missing_programs(report(message)).packages == packages
    assert find_missing_programs(report(message, Status.SKIPPED)).packages == packages
    assert find_missing_programs(report(message, Status.PASSED)).packages == ()


def test_what_is_large_is_said_and_not_installed() -> None:
    missing = find_missing_programs(report("Skipped: latex is not installed"))
    assert missing.packages == ()
    (advice,) = missing.advice
    assert "`latex`, which is too large" in advice
    assert 'packages = ["texlive-latex-extra"]' in advice


def test_a_long_message_costs_little() -> None:
    assert find_missing_programs(report("dot command '" * 2_000)).packages == ()
