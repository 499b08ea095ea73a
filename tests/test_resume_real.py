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
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from repoagent.domain import Result, load
from repoagent.trace import read
from tests.small_project import FIXED, FUNCTION, make_issue, make_repository
from tests.test_solve_real import containers_of

SPEC = "Current:\n- 1000 is `1000 B`\nProposed:\n- 1000 is `1.0 kB`\n"
USELESS = FUNCTION.replace("count > size", "not count <= size")


@dataclass
class Scripted:
    """A model server on loopback that gives the wrong answer first, and the right one from then on."""

    url: str
    asked: list[str] = field(default_factory=list)

    def answer(self, prompt: str) -> str:
        """What the model says."""
        self.asked.append(prompt)
        if prompt.startswith("Read this bug report"):
            return SPEC
        time.sleep(0.3)  # time in which the run can be killed
        drafts = sum("The function to correct" in each for each in self.asked)
        return f"```python\n{USELESS if drafts == 1 else FIXED}```\n"


@pytest.fixture
def server() -> Iterator[Scripted]:
    """Serves one model, for as long as the test runs."""
    with serving(Scripted) as scripted:
        yield scripted


@contextmanager
def serving(kind: Callable[[str], Scripted]) -> Iterator[Scripted]:
    """Serves a model, which is made with its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply({"data": [{"id": "scripted"}]} if self.path == "/v1/models" else None)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._reply(_completion(scripted.answer(body["messages"][-1]["content"])) if "messages" in body else None)

        def _reply(self, answer: dict[str, object] | None) -> None:
            content = json.dumps(answer or {}).encode()
            self.send_response(200 if answer else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that is killed closes its connection; that is what this module is about."""

    with Quiet(("127.0.0.1", 0), Handler) as http:
        scripted = kind(f"http://127.0.0.1:{http.server_port}/v1")
        thread = Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield scripted
        http.shutdown()
        thread.join()


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
    calls_before = sum(event.kind == "model.called" for event in read(session / "events.jsonl"))
    left_behind = containers_of(killed.pid)

    resumed = _repoagent(tmp_path, "resume", json.loads((session / "session.json").read_text())["id"], "--json")

    assert resumed.returncode == 0, resumed.stderr
    result = load(Result, resumed.stdout)
    assert (result.outcome, result.unverified) == ("verified", ())
    assert "+        if count >= size:" in result.patch
    ended = Counter(_nodes(session, "node.ended"))
    assert [ended[name] for name in ("intake", "survey", "localise", "specify", "baseline", "reproduce")] == [1] * 6
    assert [prompt.startswith("Read this bug report") for prompt in server.asked].count(True) == 1
    calls_after = sum(event.kind == "model.called" for event in read(session / "events.jsonl"))
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
    return [str(event.data["node"]) for event in read(session / "events.jsonl") if event.kind == kind]


def _wait_until(holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 240
    while not holds():
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _completion(text: str) -> dict[str, object]:
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "scripted",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050},
    }
