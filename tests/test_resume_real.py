"""Runs that were killed and go on: in a real sandbox, with a model server that answers from a script."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repoagent.domain import Result, load
from repoagent.trace import read_events
from tests.scripted_server import Scripted, serving
from tests.small_project import make_issue, make_repository
from tests.test_solve_real import containers_of


@pytest.fixture
def server() -> Iterator[Scripted]:
    """Serves one model, for as long as the test runs."""
    with serving() as scripted:
        yield scripted


@pytest.mark.docker
@pytest.mark.network
@pytest.mark.parametrize("node", ["draft", "validate"])
def test_a_killed_run_goes_on_where_it_was(node: str, server: Scripted, tmp_path: Path) -> None:
    session = tmp_path / "out"
    killed = _start(server, tmp_path, session)
    _wait_until(lambda: node in _nodes(session, "node.started"), killed)
    if node == "validate":
        _wait_until(lambda: bool(containers_of(killed.pid)), killed)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    calls_before = sum(event.kind == "model.called" for event in read_events(session / "events.jsonl"))
    left_behind = containers_of(killed.pid)

    resumed = _repoagent(tmp_path, "resume", json.loads((session / "session.json").read_text())["id"], "--json")

    assert resumed.returncode == 0, resumed.stderr
    result = load(Result, resumed.stdout)
    assert (result.outcome, result.unverified) == ("verified", ())
    assert "+        if count >= size:" in result.patch
    ended = Counter(_nodes(session, "node.ended"))
    assert [ended[name] for name in ("intake", "survey", "localise", "specify", "baseline", "reproduce")] == [1] * 6
    assert [prompt.startswith("Read this bug report") for prompt in server.asked].count(True) == 1
    calls_after = sum(event.kind == "model.called" for event in read_events(session / "events.jsonl"))
    assert result.usage.calls == calls_after >= calls_before > 0
    cleaned = json.loads(_repoagent(tmp_path, "clean", "--json").stdout)
    assert len(cleaned) >= len(left_behind) >= (node == "validate")
    assert containers_of(killed.pid) == []


def _start(server: Scripted, folder: Path, session: Path) -> subprocess.Popen[bytes]:
    repository, issue = make_repository(folder / "repository"), make_issue(folder)
    arguments = ("--issue", issue, "--repo", repository, "--out", session, "--model", server.url)
    command = (
        sys.executable,
        "-m",
        "repoagent",
        "solve",
        *map(str, arguments),
        "--sandbox",
        "docker",
        "--samples",
        "2",
    )
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)


def _repoagent(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "repoagent", *arguments)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def _nodes(session: Path, kind: str) -> list[str]:
    return [str(event.data["node"]) for event in read_events(session / "events.jsonl") if event.kind == kind]


def _wait_until(holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 240
    while not holds():
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.05)
