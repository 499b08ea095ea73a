"""Make the client: githubkit, confined to one host, with a cache by ETag, and one retry where a server failed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
from githubkit import GitHub
from githubkit.cache import MemCacheStrategy
from githubkit.exception import GitHubException, RateLimitExceeded, RequestFailed
from githubkit.retry import RetryOption

from repoagent.errors import UserError
from repoagent.github.repository import Repository, may_receive_token
from repoagent.places import locate_cache_root

if TYPE_CHECKING:
    from hishel import SyncSqliteStorage

Client = GitHub[Any]

API_VERSION = "2022-11-28"
"""The version of the API: the newest that every supported Enterprise server knows."""


def connect_client(repository: Repository, token: str | None, transport: httpx.BaseTransport | None = None) -> Client:
    """Make a client for one repository's host. `transport` is another way to it, for tests."""
    base = transport or httpx.HTTPTransport(retries=1)
    return GitHub(
        token if may_receive_token(repository.host) else None,
        base_url=repository.api,
        accept_format="raw",
        user_agent="repoagent",
        timeout=30,
        transport=_OneHostTransport(base, repository),
        auto_retry=_decide_retry,
        cache_strategy=_DiskCache(),
        http_cache=transport is None,
    )


class _OneHostTransport(httpx.BaseTransport):
    """Refuses requests to another host than the API's, after redirects too: the token must not get there."""

    def __init__(self, inner: httpx.BaseTransport, repository: Repository) -> None:
        self._inner = inner
        self._repository = repository

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if _split_origin(str(request.url)) != _split_origin(self._repository.api):
            raise UserError(
                f"{self._repository.url} has moved to another host ({request.url.netloc.decode()}): give its new URL"
            )
        request.headers["X-GitHub-Api-Version"] = API_VERSION
        if "authorization" in request.headers:
            request.headers["Authorization"] = re.sub("^token ", "Bearer ", request.headers["Authorization"])
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def _split_origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


class _DiskCache(MemCacheStrategy):
    """Keeps replies between runs and asks for them again by ETag, which does not count against the rate limit."""

    def get_hishel_storage(self) -> SyncSqliteStorage:  # type: ignore[override]  # any of hishel's will do
        from hishel import SyncSqliteStorage

        folder = locate_cache_root() / "github"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return SyncSqliteStorage(database_path=folder / "replies.db", default_ttl=7 * 24 * 3600.0)


_SHORT = timedelta(seconds=20)


def _decide_retry(error: GitHubException, attempt: int) -> RetryOption:
    """Decide whether to try once more: after a GET that a server failed to answer, or a rate limit that ends soon."""
    if attempt or not isinstance(error, RequestFailed):
        return RetryOption(False)
    if isinstance(error, RateLimitExceeded):
        return RetryOption(error.retry_after <= _SHORT, error.retry_after)
    is_server_error = error.request.method == "GET" and error.response.status_code >= 500
    return RetryOption(is_server_error, timedelta(seconds=0.5))
