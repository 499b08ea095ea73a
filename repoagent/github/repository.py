"""A repository on GitHub or on an Enterprise host: the addresses of its pages, its API and its git."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from repoagent.errors import UserError

FULL_NAME = re.compile(r"([A-Za-z0-9][\w-]{0,99})/([\w.-]{1,100})")


@dataclass(frozen=True)
class Repository:
    """One repository."""

    server: str
    """The address of its pages: `https://github.com`."""
    api: str
    """The address of its API: `https://api.github.com`."""
    owner: str
    name: str

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def host(self) -> str:
        return urlsplit(self.server).netloc

    @property
    def url(self) -> str:
        return f"{self.server}/{self.full_name}"

    @property
    def clone_url(self) -> str:
        return f"{self.url}.git"


def describe_repository(host: str, owner: str, name: str) -> Repository:
    """Describe a repository at `host`, whose API is where GitHub's products put it: on github.com and ghe.com at a
    host of its own, on an Enterprise server at a path."""
    hosted = host == "github.com" or host.endswith(".ghe.com")
    api = f"https://api.{host}" if hosted else f"https://{host}/api/v3"
    return Repository(f"https://{host}", api, owner, name)


def find_repository(host: str, owner: str, name: str) -> Repository:
    """Find a repository at `host`: as the Action's runner says, if the host is its own, else as GitHub has it."""
    if host == urlsplit(read_runner_server()).netloc:
        return read_runner_repository({**os.environ, "GITHUB_REPOSITORY": f"{owner}/{name}"})
    return describe_repository(host, owner, name)


def find_default_host() -> str:
    """Return the default host: the runner's (`GITHUB_SERVER_URL`), the user's (`GH_HOST`), or github.com."""
    return urlsplit(read_runner_server()).netloc or os.environ.get("GH_HOST", "") or "github.com"


def read_runner_server() -> str:
    """Read the server that the Action's runner names, as `https://github.example.com`; empty outside of an Action."""
    return os.environ.get("GITHUB_SERVER_URL", "").rstrip("/")


def read_runner_repository(environment: Mapping[str, str]) -> Repository:
    """Read the repository that an Action runs for from its environment; raises UserError outside of an Action."""
    found = FULL_NAME.fullmatch(environment.get("GITHUB_REPOSITORY", ""))
    if not found:
        raise UserError("GITHUB_REPOSITORY is not set to `owner/name`: this command is for GitHub Actions")
    server = environment.get("GITHUB_SERVER_URL") or "https://github.com"
    api = environment.get("GITHUB_API_URL") or describe_repository(urlsplit(server).netloc, "", "").api
    return Repository(server.rstrip("/"), api.rstrip("/"), found[1], found[2])


def may_receive_token(host: str) -> bool:
    """Whether a token may be sent to `host`: github.com, or the host that the user (`GH_HOST`) or the Action's runner
    names, and no other."""
    named = {os.environ.get("GH_HOST", ""), urlsplit(read_runner_server()).netloc}
    return host == "github.com" or host.endswith(".ghe.com") or host in named
