"""A whole run in a real sandbox with a scripted model: the patch comes with a test for the project's own runner."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from repoagent.domain import Result, load
from tests.scripted_server import serving
from tests.small_project import FILES, make_issue, make_repository

TESTS = "tests/test_sizes.py"
NAME = "test_natural_keeps_bytes_where_a_unit"


@pytest.mark.docker
@pytest.mark.network
def test_the_regression_test_goes_where_the_patch_goes(tmp_path: Path) -> None:
    repository, issue = make_repository(tmp_path / "repository"), make_issue(tmp_path)
    with serving() as server:
        arguments = f"--issue {issue} --repo {repository} --out {tmp_path / 'out'} --model {server.url} --json --yes"
        command = (sys.executable, "-m", "repoagent", "solve", *arguments.split(), "--with-test", "--branch", "fixed")
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=500, check=False, stdin=subprocess.DEVNULL
        )

    assert done.returncode == 0, done.stderr
    result = load(Result, done.stdout)
    assert f"+def {NAME}():" in result.test_patch
    assert TESTS not in result.patch
    assert (tmp_path / "out" / "test.patch").read_text() == result.test_patch
    assert any(f"{TESTS}::{NAME} (test.patch) fails before" in sentence for sentence in result.verified)
    subprocess.run(("git", "checkout", "--quiet", "fixed"), cwd=repository, check=True)
    assert (repository / TESTS).read_text().startswith(FILES[TESTS])
    assert outcome_of(repository) == 0
    subprocess.run(("git", "checkout", "--quiet", "HEAD~1", "--", "sizes"), cwd=repository, check=True)
    assert outcome_of(repository) == 1


def outcome_of(repository: Path) -> int:
    """What the project's own runner says of the new test: these are this module's own files, not a stranger's."""
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{TESTS}::{NAME}")
    return subprocess.run(command, cwd=repository, capture_output=True, check=False).returncode
