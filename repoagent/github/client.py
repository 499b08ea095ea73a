"""The client: githubkit, held to one host, with a cache that asks by ETag, and one more try where a server stumbled."""

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
from repoagent.github.repository import Repository, may_have_token
from repoagent.places import cache_root

if TYPE_CHECKING:
    from hishel import SyncSqliteStorage

Client = GitHub[Any]

VERSION = "2022-11-28"
"""Of the API; the newest that every Enterprise server in support knows."""


def connect(repository: Repository, token: str | None, transport: httpx.BaseTransport | None = None) -> Client:
    """A client for one repository's host. `transport` is another way to it, for tests."""
    base = transport or httpx.HTTPTransport(retries=1)
    return GitHub(
        token if may_have_token(repository.host) else None,
        base_url=repository.api,
        accept_format="raw",
        user_agent="repoagent",
        timeout=30,
        transport=_OneHost(base, repository),
        auto_retry=_again,
        cache_strategy=_OnDisk(),
        http_cache=transport is None,
    )


class _OneHost(httpx.BaseTransport):
    """Lets nothing pass to another host than the API's: the token must not leave it, redirects included."""

    def __init__(self, inner: httpx.BaseTransport, repository: Repository) -> None:
        self._inner = inner
        self._repository = repository

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if _origin(str(request.url)) != _origin(self._repository.api):
            raise UserError(
                f"{self._repository.url} has moved to another host ({request.url.netloc.decode()}): give its new URL"
            )
        request.headers["X-GitHub-Api-Version"] = VERSION
        if "authorization" in request.headers:
            request.headers["Authorization"] = re.sub("^token ", "Bearer ", request.headers["Authorization"])
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


class _OnDisk(MemCacheStrategy):
    """Replies are kept between runs, and asked for again by ETag, which costs nothing of the limit of requests."""

    def get_hishel_storage(self) -> SyncSqliteStorage:  # type: ignore[override]  # any of hishel's will do
        from hishel import SyncSqliteStorage

        folder = cache_root() / "github"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return SyncSqliteStorage(database_path=folder / "replies.db", default_ttl=7 * 24 * 3600.0)


_SHORT = timedelta(seconds=20)


def _again(error: GitHubException, attempt: int) -> RetryOption:
    """Once more, where nothing was changed by the first time: a reading that stumbled, a limit that ends soon."""
    if attempt or not isinstance(error, RequestFailed):
        return RetryOption(False)
    if isinstance(error, RateLimitExceeded):
        return RetryOption(error.retry_after <= _SHORT, error.retry_after)
    stumbled = error.request.method == "GET" and error.response.status_code >= 500
    return RetryOption(stumbled, timedelta(seconds=0.5))
