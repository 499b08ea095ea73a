"""A model server on loopback that answers from a script, for runs of the whole program in a process of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.small_project import FIXED, FUNCTION

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


@contextmanager
def serving(kind: Callable[[str], Scripted] = Scripted) -> Iterator[Scripted]:
    """Serves one model, which is made with its URL, for as long as the block lasts."""

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


def _completion(text: str) -> dict[str, object]:
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "scripted",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050},
    }
