"""A GitHub on loopback for tests: issues, comments, branches and pull requests in memory, git over HTTP by git itself.

Every request is held against GitHub's OpenAPI description first; what does not fit it is a violation, and fails.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest

from repoagent.github.api import Api
from repoagent.github.repository import Repository

DESCRIPTION = Path(__file__).parents[1] / "recordings" / "github_openapi.json"
TOKEN = "ghs_" + "t" * 36
Json = dict[str, Any]


@cache
def description() -> OpenAPI:
    """GitHub's, read once."""
    return OpenAPI.from_dict(json.loads(DESCRIPTION.read_text()))


@dataclass(frozen=True)
class Logged:
    """One request, and how it was answered."""

    method: str
    path: str
    authorization: str
    body: Any
    status: int


@dataclass
class ApiServer:
    """What the server knows, and what it was asked."""

    root: Path
    """Where the bare repositories are, as `owner/name.git`."""
    url: str = ""
    owner: str = "acme"
    name: str = "rulers"
    issues: dict[int, Json] = field(default_factory=dict)
    comments: dict[int, list[Json]] = field(default_factory=dict)
    pulls: list[Json] = field(default_factory=list)
    timeline: dict[int, list[Json]] = field(default_factory=dict)
    similar: list[Json] = field(default_factory=list)
    permissions: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    labels: set[str] = field(default_factory=lambda: {"repoagent"})
    protected: set[str] = field(default_factory=set)
    forbidden: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By `METHOD pattern`: the permission that GitHub would name, and its words."""
    log: list[Logged] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    git_users: list[str] = field(default_factory=list)
    """Who spoke git over HTTP, as their authorisation says."""

    @property
    def repository(self) -> Repository:
        return Repository(self.url, f"{self.url}/api/v3", self.owner, self.name)

    @property
    def bare(self) -> Path:
        return self.root / self.owner / f"{self.name}.git"

    def api(self, token: str | None = TOKEN) -> Api:
        """A client of this server."""
        return Api(self.repository, token)

    def asked(self, method: str, pattern: str = "") -> list[Logged]:
        """The requests of one method whose path holds a pattern."""
        return [each for each in self.log if each.method == method and re.search(pattern, each.path)]

    def adopt(self, repository: Path) -> None:
        """Serve a bare copy of a repository."""
        self.bare.parent.mkdir(parents=True, exist_ok=True)
        self.git("clone", "--quiet", "--bare", str(repository), str(self.bare), where=self.root)
        self.git("config", "uploadpack.allowAnySHA1InWant", "true")

    def git(self, *arguments: str, where: Path | None = None) -> str:
        """What git says in the bare repository."""
        command = ("git", *arguments)
        done = subprocess.run(command, cwd=where or self.bare, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def branches(self) -> list[str]:
        """Of the bare repository."""
        return self.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split()

    # --- answers

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Status and JSON."""
        for pattern, (_, words) in self.forbidden.items():
            if re.fullmatch(pattern, f"{method} {path}"):
                return 403, {"message": words}
        for pattern, handler in self._routes().items():
            if found := re.fullmatch(pattern, f"{method} {path}"):
                return handler([unquote(part) for part in found.groups()], query, body)
        return 404, {"message": "Not Found"}

    def _routes(self) -> dict[str, Callable[[list[str], dict[str, str], Any], tuple[int, Any]]]:
        here = f"/repos/{self.owner}/{self.name}"
        return {
            f"GET {here}": lambda _p, _q, _b: (200, self._facts()),
            rf"GET {here}/issues/(\d+)": lambda p, _q, _b: _known(self.issues.get(int(p[0])), int(p[0]), self),
            rf"GET {here}/issues/(\d+)/comments": lambda p, _q, _b: (200, self.comments.get(int(p[0]), [])),
            rf"POST {here}/issues/(\d+)/comments": lambda p, _q, b: (201, self._comment(int(p[0]), b["body"])),
            rf"GET {here}/issues/comments/(\d+)": lambda p, _q, _b: self._comment_of(int(p[0])),
            rf"PATCH {here}/issues/comments/(\d+)": lambda p, _q, b: self._changed(int(p[0]), b["body"]),
            rf"POST {here}/issues/comments/(\d+)/reactions": lambda _p, _q, b: (201, {"content": b["content"]}),
            rf"GET {here}/issues/(\d+)/timeline": lambda p, _q, _b: (200, self.timeline.get(int(p[0]), [])),
            "GET /search/issues": lambda _p, _q, _b: (200, {"items": self.similar}),
            rf"GET {here}/collaborators/([^/]+)/permission": lambda p, _q, _b: self._permission(p[0]),
            rf"GET {here}/branches/([^/]+)": lambda p, _q, _b: self._branch(p[0]),
            rf"GET {here}/contents/([^/]+)": lambda p, _q, _b: self._file(p[0]),
            rf"GET {here}/labels/([^/]+)": lambda p, _q, _b: self._label(p[0]),
            rf"POST {here}/issues": lambda _p, _q, b: (410 if b["title"] else 422, {"message": "Validation Failed"}),
            rf"GET {here}/pulls": lambda _p, q, _b: (200, self._pulls_from(q.get("head", ""))),
            rf"POST {here}/pulls": lambda _p, _q, b: self._open(b),
            rf"PATCH {here}/pulls/(\d+)": lambda p, _q, b: self._edit(int(p[0]), b),
            rf"POST {here}/git/refs": lambda _p, _q, _b: (422, {"message": "Object does not exist"}),
        }

    def _facts(self) -> Json:
        default = self.git("symbolic-ref", "--short", "HEAD") if self.bare.exists() else "main"
        return {"full_name": f"{self.owner}/{self.name}", "default_branch": default}

    def _comment(self, number: int, body: str) -> Json:
        identity = 1000 + sum(map(len, self.comments.values()))
        made = {"id": identity, "body": body, "user": {"login": "github-actions[bot]", "type": "Bot"}}
        made["html_url"] = f"{self.url}/{self.owner}/{self.name}/issues/{number}#issuecomment-{identity}"
        self.comments.setdefault(number, []).append(made)
        return made

    def _all_comments(self) -> Iterator[Json]:
        for comments in self.comments.values():
            yield from comments

    def _comment_of(self, identity: int) -> tuple[int, Any]:
        found = next((each for each in self._all_comments() if each.get("id") == identity), None)
        return (200, found) if found else (404, {"message": "Not Found"})

    def _changed(self, identity: int, body: str) -> tuple[int, Any]:
        status, found = self._comment_of(identity)
        if status == 200:
            found["body"] = body
        return status, found

    def _permission(self, user: str) -> tuple[int, Any]:
        if user not in self.permissions:
            return 404, {"message": f"{user} is not a user"}
        return 200, {"permission": self.permissions[user], "role_name": self.permissions[user]}

    def _branch(self, name: str) -> tuple[int, Any]:
        if name not in self.branches():
            return 404, {"message": "Branch not found"}
        sha = self.git("rev-parse", f"refs/heads/{name}")
        return 200, {"name": name, "commit": {"sha": sha}, "protected": name in self.protected}

    def _file(self, path: str) -> tuple[int, Any]:
        if path not in self.files:
            return 404, {"message": "Not Found"}
        return 200, {"content": base64.b64encode(self.files[path].encode()).decode(), "encoding": "base64"}

    def _label(self, name: str) -> tuple[int, Any]:
        return (200, {"name": name}) if name in self.labels else (404, {"message": "Not Found"})

    def _pulls_from(self, head: str) -> list[Json]:
        wanted = head.partition(":")[2]
        return [pull for pull in self.pulls if pull["head"]["ref"] == wanted and pull["state"] == "open"]

    def _open(self, body: Json) -> tuple[int, Any]:
        if body["head"] == body["base"] or body["head"] not in self.branches():
            return 422, {"message": "Validation Failed", "errors": [{"message": "No commits between them"}]}
        number = 100 + len(self.pulls)
        made = {"number": number, "html_url": f"{self.url}/{self.owner}/{self.name}/pull/{number}", "state": "open"}
        made |= {"title": body["title"], "body": body["body"], "draft": body["draft"]}
        made |= {"head": {"ref": body["head"]}, "base": {"ref": body["base"]}}
        self.pulls.append(made)
        return 201, made

    def _edit(self, number: int, body: Json) -> tuple[int, Any]:
        pull = next(each for each in self.pulls if each["number"] == number)
        pull.update(body)
        return 200, pull


def _known(issue: Json | None, number: int, server: ApiServer) -> tuple[int, Any]:
    if issue is None:
        return 404, {"message": "Not Found"}
    address = f"{server.url}/{server.owner}/{server.name}/issues/{number}"
    given = {"number": number, "html_url": address, "comments": len(server.comments.get(number, []))}
    return 200, given | issue


@contextmanager
def serving(root: Path) -> Iterator[ApiServer]:
    """A server on loopback, until the block ends; it fails there if a request did not fit the description."""
    state = ApiServer(root)
    handler = type("Handler", (_Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert state.violations == []


class _Handler(BaseHTTPRequestHandler):
    state: ApiServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""

    def _serve(self) -> None:
        if "/api/v3/" in self.path:
            self._api()
        else:
            self._git()

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - the names are the base class's

    def _api(self) -> None:
        parts = urlsplit(self.path.removeprefix("/api/v3"))
        query, raw = dict(parse_qsl(parts.query)), self._body()
        body = json.loads(raw) if raw else None
        problem = violation(self.command, parts.path, query, raw)
        if problem:
            self.state.violations.append(problem)
        status, reply = (500, {"message": problem}) if problem else self._answer(parts.path, query, body)
        content = json.dumps(reply).encode()
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if self.command == "GET" and self.headers.get("If-None-Match") == etag:
            status, content = 304, b""
        authorization = self.headers.get("Authorization", "")
        self.state.log.append(Logged(self.command, parts.path, authorization, body, status))
        self._reply(status, content, {"ETag": etag, "Cache-Control": "private, max-age=60", **self._needs(parts.path)})

    def _answer(self, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if self.command != "GET" and TOKEN not in self.headers.get("Authorization", ""):
            return 401, {"message": "Requires authentication"}
        return self.state.answer(self.command, path, query, body)

    def _needs(self, path: str) -> dict[str, str]:
        for pattern, (permission, _) in self.state.forbidden.items():
            if permission and re.fullmatch(pattern, f"{self.command} {path}"):
                return {"X-Accepted-GitHub-Permissions": permission}
        return {}

    def _git(self) -> None:
        """Git's own server program, for whoever has the token."""
        parts = urlsplit(self.path)
        kind, _, secret = self.headers.get("Authorization", "").partition(" ")
        user = base64.b64decode(secret).decode() if kind.lower() == "basic" else ""
        if user:
            self.state.git_users.append(user)
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.state.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": parts.path,
            "REQUEST_METHOD": self.command,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "someone" if user.endswith(f":{TOKEN}") else "",
        }
        body = self._body()
        environment["CONTENT_LENGTH"] = str(len(body))
        done = subprocess.run(("git", "http-backend"), input=body, env=environment, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split()[0])
        if status == 403 and not user:
            status, headers = 401, {"WWW-Authenticate": "Basic"}
        self._reply(status, content, headers)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _reply(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def violation(method: str, path: str, query: dict[str, str], body: bytes) -> str:
    """How a request differs from GitHub's description; empty where it does not."""
    request = MockRequest(
        "https://api.github.com",
        method.lower(),
        path,
        args=dict(query),
        data=body or None,
        content_type="application/json",
    )
    try:
        description().validate_request(request)
    except OpenAPIError as error:
        return f"{method} {path}: {error!r} {error.__cause__!r}"
    return ""
