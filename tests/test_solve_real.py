"""A real bug, solved by the real embedded model, in a real container, with the command that a user types."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from repoagent.domain import Result, load
from tests.small_project import MODULE, make_issue, make_repository, snapshot


@pytest.mark.model
@pytest.mark.network
@pytest.mark.docker
def test_a_small_bug_is_solved_and_verified(tmp_path: Path) -> None:
    repository, issue = make_repository(tmp_path / "repository"), make_issue(tmp_path)
    before = snapshot(repository)
    arguments = f"--repo {repository} --sandbox docker --yes --samples 3 --json --out {tmp_path / 'out'}".split()
    command = (sys.executable, "-m", "repoagent", "solve", "--issue", str(issue), *arguments)
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        printed, progress = process.communicate(timeout=500)

    assert process.returncode == 0, progress
    result = load(Result, printed)
    assert (result.outcome, result.sandbox) == ("verified", "docker")
    assert snapshot(repository) == before
    assert containers_of(process.pid) == []
    assert_claims_hold(result, tmp_path / "out")
    subprocess.run(("git", "apply", "--check", str(tmp_path / "out" / "patch.diff")), cwd=repository, check=True)


def assert_claims_hold(result: Result, session: Path) -> None:
    """What the report says is what its own patch does, run here on the test's own files."""
    assert (session / "patch.diff").read_text() == result.patch
    assert json.loads((session / "report.json").read_text())["outcome"] == "verified"
    assert any("'1.0 kB'" in sentence for sentence in result.verified)
    assert any("3 tests pass and none that passed before is broken" in sentence for sentence in result.verified)
    assert result.unverified == ()
    assert f"+++ b/{MODULE}" in result.patch
    assert result.usage.calls > 0


def containers_of(pid: int) -> list[str]:
    """The containers that a process made and that are still there."""
    command = (
        "docker",
        "ps",
        "--all",
        "--filter",
        "label=org.repoagent=1",
        "--format",
        '{{.Label "org.repoagent.owner"}}',
    )
    try:
        owners = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    except FileNotFoundError:
        return []  # where there is no docker, nothing can be left in it
    return [owner for owner in owners if owner.split(".")[-2:-1] == [str(pid)]]
