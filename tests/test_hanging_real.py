"""A whole run on code that never ends for some of its tests, in a real sandbox with a scripted model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from repoagent.domain import FactCode, Result, load
from tests.scripted_server import serving

CODE = """\
def steps(number):
    taken = 0
    while number > 0:
        number += 1
        taken += 1
    return taken
"""
TESTS = """\
import pytest
from countdown import steps


@pytest.mark.parametrize(("number", "taken"), [(0, 0), (-3, 0), (1, 1), (4, 4), (9, 9)])
def test_steps(number, taken):
    assert steps(number) == taken
"""


@pytest.mark.bubblewrap
@pytest.mark.network
def test_tests_that_hang_today_are_what_a_patch_must_mend(tmp_path: Path) -> None:
    repository, issue = tmp_path / "repository", tmp_path / "issue.md"
    repository.mkdir()
    (repository / "countdown.py").write_text(CODE)
    (repository / "test_countdown.py").write_text(TESTS)
    for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "start")):
        who = ("-c", "user.name=a", "-c", "user.email=a@localhost")
        subprocess.run(("git", *who, *command), cwd=repository, check=True)
    issue.write_text("# steps never ends\n\n`steps` in countdown.py should count down to zero.\n")
    with serving() as server:
        arguments = f"--issue {issue} --repo {repository} --model {server.url} --sandbox bubblewrap --max-minutes 5"
        done = subprocess.run(
            (sys.executable, "-m", "repoagent", "solve", *arguments.split(), "--json", "--yes"),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    assert done.returncode == 0, done.stderr
    result = load(Result, done.stdout)
    assert result.outcome == "verified"
    assert "A test never ends on the untouched code." in result.notes
    assert {FactCode.TESTS_FIXED, FactCode.NOTHING_BROKEN} <= set(result.codes)
    assert "-        number += 1\n+        number -= 1\n" in result.patch
