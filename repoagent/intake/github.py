"""Issues from GitHub's REST API, version 2022-11-28: the issue and what people wrote under it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from repoagent.domain import Comment, Issue
from repoagent.errors import EnvironmentFailed, RepoagentError, UserError
from repoagent.intake.reference import Reference

T = TypeVar("T")

COMMENTS = 100
"""How many comments are read, the oldest first."""


def fetch(reference: Reference, token: str | None, client: httpx.Client | None = None) -> Issue:
    """The issue with its comments, bots' left out; as it was written, nothing removed.

    Raises UserError where it is missing, private, deleted or a pull request; EnvironmentFailed where GitHub cannot
    answer.
    """
    with nullcontext(client) if client else httpx.Client(timeout=30) as session:
        api = _Api(session, reference, token)
        reply = api.get(reference.api + reference.path)
        issue = _parse(_ISSUE, reply)
        if issue.pull_request is not None:
            raise UserError(
                f"{reference.owner}/{reference.name}#{reference.number} is a pull request: give the issue it is about"
            )
        comments = tuple(api.comments(f"{reply.url}/comments")) if issue.comments else ()
    return Issue(issue.title, issue.body or "", comments, _address(reference, issue.html_url))


# --- what GitHub says -------------------------------------------------------------------------------------------------


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _User(_Reply):
    login: str = ""
    type: str = "User"


class _Issue(_Reply):
    title: str
    body: str | None = None
    html_url: str = ""
    comments: int = 0
    pull_request: object = None


class _Comment(_Reply):
    user: _User | None = None
    """None where the account is gone."""
    body: str | None = None

    @property
    def by_bot(self) -> bool:
        return self.user is not None and (self.user.type == "Bot" or self.user.login.endswith("[bot]"))


_ISSUE = TypeAdapter(_Issue)
_COMMENTS = TypeAdapter(list[_Comment])


# --- asking -----------------------------------------------------------------------------------------------------------


class _Api:
    """Asks one host, and no other: the token must not leave it."""

    def __init__(self, client: httpx.Client, reference: Reference, token: str | None) -> None:
        self._client = client
        self._reference = reference
        self._origin = _origin(reference.api)
        self._trusted = _may_have_token(reference.host)
        self._token = token if self._trusted else None

    def get(self, url: str) -> httpx.Response:
        """A reply that says OK, after redirects on the same host."""
        for _ in range(5):
            response = self._ask(url)
            if not response.is_redirect:
                return self._checked(response)
            url = str(response.url.join(response.headers["location"]))
            if _origin(url) != self._origin:
                raise UserError(
                    f"{self._reference.url} has moved to another host ({urlsplit(url).netloc}): give its new URL"
                )
        raise EnvironmentFailed(
            f"{self._reference.url} is redirected in circles: give the URL that your browser ends at"
        )

    def comments(self, url: str) -> Iterator[Comment]:
        """What people wrote, page after page, as far as `COMMENTS`."""
        next_page, wanted = f"{url}?per_page=100", COMMENTS
        for _ in range(5):
            reply = self.get(next_page)
            people = [
                comment for comment in _parse(_COMMENTS, reply) if not comment.by_bot and (comment.body or "").strip()
            ]
            for comment in people[:wanted]:
                yield Comment(comment.user.login if comment.user else "ghost", comment.body or "")
            wanted -= len(people)
            next_page = reply.links.get("next", {}).get("url", "")
            if wanted <= 0 or _origin(next_page) != self._origin:
                return

    def _ask(self, url: str) -> httpx.Response:
        """One request, and another one where the server stumbled."""
        try:
            response = self._client.get(url, headers=self._headers(), follow_redirects=False)
            if response.is_server_error:
                time.sleep(_PAUSE)
                response = self._client.get(url, headers=self._headers(), follow_redirects=False)
        except httpx.HTTPError as error:
            raise EnvironmentFailed(
                f"cannot reach {urlsplit(url).netloc} ({error or type(error).__name__}): check the network, or save "
                "the issue's text to a file and give that instead"
            ) from error
        return response

    def _headers(self) -> dict[str, str]:
        headers = {
            "Accept": "application/vnd.github.raw+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "repoagent",
        }
        return headers | ({"Authorization": f"Bearer {self._token}"} if self._token else {})

    def _checked(self, response: httpx.Response) -> httpx.Response:
        if response.is_success:
            return response
        if response.is_server_error:
            raise EnvironmentFailed(
                f"{urlsplit(str(response.url)).netloc} answers {response.status_code}: try again later"
            )
        if response.status_code in {403, 429} and (wait := _reset(response)):
            how = "try again then" if self._token else f"try again then, or {self._ask_for_token()}"
            raise EnvironmentFailed(f"GitHub's limit of requests is reached until {wait}: {how}")
        raise self._refusal(response.status_code)

    def _refusal(self, status: int) -> RepoagentError:
        issue = self._reference.url
        rights = "the token may not read it" if self._token else f"it is private: {self._ask_for_token()}"
        known = {
            401: "GitHub does not accept the token: make a new one, or unset GITHUB_TOKEN to read a public issue",
            403: f"GitHub forbids reading {issue}: give the token the right to read issues there (and single sign-on)",
            404: f"there is no {issue}, or {rights}",
            410: f"{issue} was deleted, or issues are switched off there: give its text as a file instead",
            451: f"{issue} is not available for legal reasons: give its text as a file instead",
        }
        return UserError(known.get(status, f"GitHub answers {status} for {issue}: check the URL"))

    def _ask_for_token(self) -> str:
        return "set GITHUB_TOKEN" + ("" if self._trusted else f" and GH_HOST={self._reference.host}")


_PAUSE = 0.5
"""Seconds."""


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _may_have_token(host: str) -> bool:
    """A token is for github.com, or for the host that the user (`GH_HOST`) or the Action's runner names, not for any
    URL."""
    named = {os.environ.get("GH_HOST", ""), urlsplit(os.environ.get("GITHUB_SERVER_URL", "")).netloc}
    return host == "github.com" or host.endswith(".ghe.com") or host in named


def _reset(response: httpx.Response) -> str:
    """When the limit of requests ends, for a person; empty where the reply is not about a limit."""
    headers = response.headers
    if headers.get("retry-after", "").isdigit():
        return _clock(time.time() + int(headers["retry-after"]))
    if headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdigit():
        return _clock(int(headers["x-ratelimit-reset"]))
    return "a little later" if response.status_code == 429 or "rate limit" in response.text.lower() else ""


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(min(seconds, 32503680000), UTC).strftime("%H:%M UTC")


def _address(reference: Reference, html_url: str) -> str:
    """Where a person finds the issue: after a transfer not where it was asked for."""
    return html_url if html_url.startswith(f"https://{reference.host}/") else reference.url


def _parse(adapter: TypeAdapter[T], response: httpx.Response) -> T:
    try:
        return adapter.validate_json(response.content)
    except ValidationError as error:
        raise EnvironmentFailed(
            f"{urlsplit(str(response.url)).netloc} did not answer as GitHub does; a proxy may be in between: save the "
            "issue's text to a file and give that instead"
        ) from error
