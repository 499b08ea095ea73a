"""What names an issue on GitHub, or on a GitHub Enterprise host."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from repoagent.errors import UserError
from repoagent.github.repository import Repository, find_default_host, find_repository, read_runner_server


@dataclass(frozen=True)
class IssueReference:
    """One issue."""

    host: str
    owner: str
    name: str
    number: int

    comment: int = 0
    """The comment that the URL's anchor points to, 0 for none."""

    @property
    def repository(self) -> Repository:
        return find_repository(self.host, self.owner, self.name)

    @property
    def url(self) -> str:
        return f"{self.repository.url}/issues/{self.number}"

    @property
    def clone(self) -> str:
        return self.repository.clone_url


def parse_reference(source: str) -> IssueReference | None:
    """Return the issue that `source` names; None where it is a file or `-`.

    Raises UserError for a URL that names no issue.
    """
    if short := _SHORT.fullmatch(source):
        return None if Path(source).exists() else IssueReference(find_default_host(), short[1], short[2], int(short[3]))
    if "://" in source:
        return _parse_url(source)
    if source.startswith("github.com/") and not Path(source).exists():
        return _parse_url(f"https://{source}")
    return None


_SHORT = re.compile(r"([A-Za-z0-9][\w-]*)/([\w.-]+)#(\d{1,12})")
_PATH = re.compile(r"/([A-Za-z0-9][\w-]*)/([\w.-]+)/(?:issues|pull)/(\d{1,12})(?:/.*)?")
"""Also `/pull/7`: GitHub sends from one to the other, and only its reply tells which of them number 7 is."""


def _parse_url(url: str) -> IssueReference:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UserError(f"{url} is not a URL: {error}") from error
    found = _PATH.fullmatch(parts.path)
    secure = parts.scheme == "https" or f"{parts.scheme}://{parts.netloc}" == read_runner_server()
    if not secure or not found or not host or found[2] in {".", ".."}:
        raise UserError(
            f"{url} is not the URL of a GitHub issue, as https://github.com/OWNER/NAME/issues/7 is: save the issue's "
            "text to a file, and give that instead"
        )
    where = host.removeprefix("www.") if port in {None, 443} else f"{host}:{port}"
    anchor = re.fullmatch(r"issuecomment-(\d{1,18})", parts.fragment)
    comment = int(anchor[1]) if anchor else 0
    return IssueReference(where, found[1], found[2].removesuffix(".git"), int(found[3]), comment)
