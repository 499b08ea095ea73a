"""A model server on loopback that knows how to mend the small project, and that can die and rise again."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self

from tests.small_project import FIXED

SPEC = "Current:\n- 1000 is `1000 B`\nProposed:\n- 1000 is `1.0 kB`\n"


class _Http(ThreadingHTTPServer):
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client whose connection breaks; that is what this server is for."""


class FlakyServer:
    """Use as a context manager; after `dies_after` questions nobody listens any more, until `rise`."""

    def __init__(self, dies_after: int | None = None) -> None:
        self.asked = 0
        self._dies_after = dies_after
        self._port = 0
        self._http: _Http | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def __enter__(self) -> Self:
        self.rise()
        return self

    def __exit__(self, *_: object) -> None:
        self.die()

    def rise(self) -> None:
        """Listen, at the address that it always had."""
        self._http = _Http(("127.0.0.1", self._port), self._handler())
        self._port = self._http.server_port
        Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def die(self) -> None:
        """Listen no more."""
        if self._http:
            self._http.shutdown()
            self._http.server_close()
            self._http = None

    def answer(self, prompt: str) -> str | None:
        """What the model says; nothing, and the last, when its time has come."""
        self.asked += 1
        if self._dies_after is not None and self.asked > self._dies_after:
            self._dies_after = None
            self.die()
            return None
        return SPEC if prompt.startswith("Read this bug report") else f"```python\n{FIXED}```\n"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply({"data": [{"id": "scripted"}]} if self.path == "/v1/models" else None)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                said = server.answer(body["messages"][-1]["content"]) if "messages" in body else None
                if said is not None or "messages" not in body:
                    self._reply(completion(said) if said is not None else None)

            def _reply(self, answer: dict[str, object] | None) -> None:
                content = json.dumps(answer or {}).encode()
                self.send_response(200 if answer else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
                pass

        return Handler


def completion(text: str) -> dict[str, object]:
    """An answer as OpenAI writes it."""
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "scripted",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050},
    }
