"""Read an issue from wherever the user points to, without what a person reading it would not see."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from repoagent.domain import Issue
from repoagent.errors import UserError
from repoagent.issue.sanitise import describe_removed, remove_hidden
from repoagent.issue.sources.local import read_file, read_stream
from repoagent.issue.sources.reference import parse_reference

if TYPE_CHECKING:
    import httpx

Notice = Callable[[str], None]


def read_issue(
    source: str,
    *,
    token: str | None,
    stdin: TextIO | None = None,
    transport: httpx.BaseTransport | None = None,
    notice: Notice | None = None,
) -> Issue:
    """Return the issue at `source`: a URL on GitHub or an Enterprise host, `owner/name#7`, a text file, or `-` for
    standard input.

    `token` is sent to GitHub's API only; `notice` is told what was hidden in the text and therefore removed. Raises
    UserError for what cannot be read or is empty, EnvironmentFailed where GitHub or the network fails.
    """
    raw = _read_source(source, token, stdin, transport, notice)
    issue, cleaned = remove_hidden(raw)
    if not issue.title.strip() and not issue.body.strip():
        raise UserError(
            f"the issue {_describe_place(source)} is empty: describe what is wrong and what you expect instead"
        )
    for sentence in describe_removed(cleaned):
        (notice or _ignore)(sentence)
    return issue


def _ignore(_sentence: str) -> None:
    """Take a notice that nobody wants to hear."""


def find_clone_url(source: str) -> str | None:
    """Return the URL to clone the repository from that an issue's URL belongs to; None for a file or standard input."""
    reference = parse_reference(source)
    return reference.clone if reference else None


# --- where it comes from ----------------------------------------------------------------------------------------------


def _read_source(
    source: str,
    token: str | None,
    stdin: TextIO | None,
    transport: httpx.BaseTransport | None,
    notice: Notice | None,
) -> Issue:
    if source == "-":
        return read_stream(stdin or sys.stdin)
    reference = parse_reference(source)
    if reference is None:
        return read_file(source)
    from repoagent.github.api import Api  # imports the client
    from repoagent.issue.sources.github import fetch_issue

    return fetch_issue(reference, Api(reference.repository, token, transport), notice or _ignore)


def _describe_place(source: str) -> str:
    return "on standard input" if source == "-" else f"in {source}"
