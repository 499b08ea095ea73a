"""Find what exists already for an issue: pull requests of others, and other issues about the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from repoagent.errors import EnvironmentFailed, UserError
from repoagent.github.api import Api
from repoagent.github.replies import GitHubIssue

_MIN_LIKENESS = 90.0
"""Likeness of two titles, in percent, above which they may be about the same."""


def find_pulls_about(api: Api, number: int, ours: int) -> tuple[GitHubIssue, ...]:
    """Find the open pull requests of the same repository that mention the issue, but our own (number `ours`)."""
    return tuple({pull.number: pull for pull in _find_mentions(api, number) if pull.number != ours}.values())


def is_closing(pull: GitHubIssue, number: int) -> bool:
    """Whether a pull request says that it will close the issue."""
    keyword = rf"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:[\w./-]+)?#{number}\b"
    return bool(re.search(keyword, pull.body or "", re.IGNORECASE))


def find_duplicates(api: Api, issue: GitHubIssue) -> tuple[GitHubIssue, ...]:
    """Find other open issues with nearly the same title, at most 5; a search that fails finds none."""
    from rapidfuzz.fuzz import token_sort_ratio

    words = " ".join(re.findall(r"\w{3,}", issue.title)[:6])
    found: tuple[GitHubIssue, ...] = ()
    with suppress(UserError, EnvironmentFailed):
        found = api.search_issues(words) if words else ()
    others = (each for each in found if each.number != issue.number and each.pull_request is None)
    return tuple(each for each in others if token_sort_ratio(each.title, issue.title) >= _MIN_LIKENESS)[:5]


def _find_mentions(api: Api, number: int) -> Iterator[GitHubIssue]:
    for event in api.list_timeline(number):
        pull = event.source.issue if event.event == "cross-referenced" and event.source else None
        here = pull is not None and pull.html_url.startswith(f"{api.repository.url}/")
        if pull and here and pull.pull_request is not None and pull.state == "open":
            yield pull
