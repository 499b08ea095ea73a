"""What names an issue on GitHub, or on a GitHub Enterprise host."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from repoagent.errors import UserError


@dataclass(frozen=True)
class Reference:
    """One issue."""

    host: str
    owner: str
    name: str
    number: int

    @property
    def api(self) -> str:
        """Where the host's REST API is: on github.com and ghe.com a host of its own, on a server of one's own a
        path."""
        if self.host == "github.com" or self.host.endswith(".ghe.com"):
            return f"https://api.{self.host}"
        return f"https://{self.host}/api/v3"

    @property
    def path(self) -> str:
        return f"/repos/{self.owner}/{self.name}/issues/{self.number}"

    @property
    def url(self) -> str:
        return f"https://{self.host}/{self.owner}/{self.name}/issues/{self.number}"

    @property
    def clone(self) -> str:
        return f"https://{self.host}/{self.owner}/{self.name}.git"


def parse(source: str) -> Reference | None:
    """The issue that `source` names; None where it is a file or `-`. Raises UserError for a URL that names no issue."""
    if short := _SHORT.fullmatch(source):
        return None if Path(source).exists() else Reference("github.com", short[1], short[2], int(short[3]))
    if "://" in source:
        return _from_url(source)
    if source.startswith("github.com/") and not Path(source).exists():
        return _from_url(f"https://{source}")
    return None


_SHORT = re.compile(r"([A-Za-z0-9][\w-]*)/([\w.-]+)#(\d{1,12})")
_PATH = re.compile(r"/([A-Za-z0-9][\w-]*)/([\w.-]+)/(?:issues|pull)/(\d{1,12})(?:/.*)?")
"""Also `/pull/7`: GitHub sends from one to the other, and only its reply tells which of them number 7 is."""


def _from_url(url: str) -> Reference:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UserError(f"{url} is not a URL: {error}") from error
    found = _PATH.fullmatch(parts.path)
    if parts.scheme != "https" or not found or not host or found[2] in {".", ".."}:
        raise UserError(
            f"{url} is not the URL of a GitHub issue, as https://github.com/OWNER/NAME/issues/7 is: save the issue's "
            "text to a file, and give that instead"
        )
    where = host.removeprefix("www.") if port in {None, 443} else f"{host}:{port}"
    return Reference(where, found[1], found[2].removesuffix(".git"), int(found[3]))
