"""A model server whose answers a test writes down, and a real one with real weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from repoagent.llm.openai import OpenAIModel

Json = dict[str, object]


@dataclass(frozen=True)
class Answer:
    """What a route answers."""

    body: Json | str
    status: int = 200


@dataclass
class WrittenServer:
    """Routes and their answers, and what was asked."""

    url: str
    routes: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, Json]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    """What each request was authorised with."""

    def answer(self, path: str, body: Json | str, status: int = 200) -> None:
        """Let `path` answer so; of several answers the last one is repeated."""
        self.routes.setdefault(path, []).append(Answer(body, status))

    def serve_models(self, *names: str, **facts: object) -> None:
        """Let the server offer models."""
        self.answer("/v1/models", {"data": [{"id": name, **facts} for name in names]})

    def say(self, text: str | None, finish: str = "stop", prompt_tokens: int = 5, **message: object) -> None:
        """Let the next chat be answered so."""
        said = {"role": "assistant", "content": text, **message}
        usage = {"prompt_tokens": prompt_tokens, "completion_tokens": 2, "total_tokens": prompt_tokens + 2}
        self.answer(
            "/v1/chat/completions",
            {
                "id": "1",
                "object": "chat.completion",
                "created": 0,
                "model": "m",
                "choices": [{"index": 0, "finish_reason": finish, "message": said}],
                "usage": usage,
            },
        )

    def bodies(self, path: str) -> list[Json]:
        """What was posted to `path`."""
        return [body for asked, body in self.asked if asked == path]

    def next_answer(self, path: str) -> Answer:
        answers = self.routes.get(path, [Answer({"error": "no such route"}, 404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def written_server() -> Iterator[WrittenServer]:
    """A server on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply({})

        def do_POST(self) -> None:
            self._reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _reply(self, body: Json) -> None:
            written.asked.append((self.path, body))
            written.keys.append(self.headers.get("Authorization", ""))
            answer = written.next_answer(self.path)
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        written = WrittenServer(f"http://127.0.0.1:{server.server_port}/v1")
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield written
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def small_model() -> Iterator[OpenAIModel]:
    """The smallest embedded model, really served."""
    from repoagent.llm import open_model

    with open_model("qwen2.5-coder-0.5b") as model:
        yield model
