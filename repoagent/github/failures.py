"""Translate GitHub's refusals: what they mean, and who has to do what about them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from repoagent.errors import EnvironmentFailed, RepoagentError, UserError

if TYPE_CHECKING:
    import httpx


class GitHubRefused(UserError):
    """GitHub refused a request; `status` (of HTTP) and `needs` say why."""

    def __init__(self, message: str, status: int, needs: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.needs = needs
        """The permission that was missing, as GitHub names it: `contents=write`."""


@dataclass(frozen=True)
class GitHubRequest:
    """What was asked for, for people who read that it was refused."""

    what: str
    """`https://github.com/o/n/issues/7`, `the branch main`."""
    advice: str = ""
    """What the user can do instead."""
    has_token: bool = False
    token_host: str = ""
    """The host that GH_HOST must name before the token is sent; empty where it is sent."""


@contextmanager
def translate_errors(asked: GitHubRequest) -> Iterator[None]:
    """Translate githubkit's errors inside of the block into GitHubRefused, EnvironmentFailed and UserError."""
    import httpx
    from githubkit.exception import GitHubException, RequestError, RequestFailed
    from pydantic import ValidationError

    try:
        yield
    except RequestFailed as error:
        raise _translate_refusal(error.response.raw_response, asked) from error
    except RequestError as error:
        cause = error.exc
        if isinstance(cause, RepoagentError):
            raise cause from error
        if isinstance(cause, httpx.TooManyRedirects):
            raise EnvironmentFailed(
                f"{asked.what} is redirected in circles: give the URL that your browser ends at"
            ) from error
        raise EnvironmentFailed(
            f"cannot reach GitHub for {asked.what} ({cause or type(cause).__name__}): check the network"
            f"{_format_advice(asked)}"
        ) from error
    except (GitHubException, ValidationError, ValueError) as error:
        raise EnvironmentFailed(
            f"what was asked for {asked.what} did not answer as GitHub does; a proxy may be in between: check the "
            f"URL{_format_advice(asked)}"
        ) from error


def _translate_refusal(response: httpx.Response, asked: GitHubRequest) -> RepoagentError:
    status = response.status_code
    if response.is_server_error:
        return EnvironmentFailed(f"{urlsplit(str(response.url)).netloc} answers {status}: try again later")
    if status in {403, 429} and (wait := _find_reset_time(response)):
        how = "try again then" if asked.has_token else f"try again then, or {_format_token_advice(asked)}"
        return EnvironmentFailed(f"GitHub's limit of requests is reached until {wait}: {how}")
    needs = response.headers.get("x-accepted-github-permissions", "")
    return GitHubRefused(_format_refusal(status, response, asked, needs), status, needs)


def _format_refusal(status: int, response: httpx.Response, asked: GitHubRequest, needs: str) -> str:
    rights = "the token may not read it" if asked.has_token else f"it is private: {_format_token_advice(asked)}"
    permission = f" the permission `{needs}`" if needs else " the right to do so there (and single sign-on)"
    known = {
        401: "GitHub does not accept the token: make a new one, or unset GITHUB_TOKEN to read a public issue",
        403: f"GitHub forbids {asked.what}: give the token{permission}",
        404: f"there is no {asked.what}, or {rights}",
        410: f"{asked.what} was deleted, or issues are switched off there{_format_advice(asked)}",
        451: f"{asked.what} is not available for legal reasons{_format_advice(asked)}",
    }
    return known.get(status, f"GitHub answers {status} for {asked.what}: {_read_message(response) or 'check the URL'}")


def _format_advice(asked: GitHubRequest) -> str:
    return f", or {asked.advice}" if asked.advice else ""


def _read_message(response: httpx.Response) -> str:
    """Read GitHub's own message, at most 300 characters; empty where there is none."""
    try:
        reply = response.json()
    except ValueError:
        return ""
    if not isinstance(reply, dict):
        return ""
    errors = [each.get("message", "") for each in reply.get("errors") or () if isinstance(each, dict)]
    return "; ".join(filter(None, (str(reply.get("message", "")), *map(str, errors))))[:300]


def _format_token_advice(asked: GitHubRequest) -> str:
    return "set GITHUB_TOKEN" + (f" and GH_HOST={asked.token_host}" if asked.token_host else "")


def _find_reset_time(response: httpx.Response) -> str:
    """Find when the rate limit ends, for people; empty where the reply is not about a limit."""
    headers = response.headers
    if headers.get("retry-after", "").isdigit():
        return _format_clock(time.time() + int(headers["retry-after"]))
    if headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdigit():
        return _format_clock(int(headers["x-ratelimit-reset"]))
    return "a little later" if response.status_code == 429 or "rate limit" in response.text.lower() else ""


def _format_clock(seconds: float) -> str:
    return datetime.fromtimestamp(min(seconds, 32503680000), UTC).strftime("%H:%M UTC")
