"""Fetch repositories at a URL into a cache, one for each address, and bring them up to date when asked for again."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from repoagent.errors import EnvironmentFailed, RepoagentError, UserError
from repoagent.process import CommandFailed, ProcessResult, run
from repoagent.workspace.plumbing import TRANSPORTS, Git

PATIENCE = 1800.0
"""Seconds that a fetch may take; a large project over a slow line needs many."""


@dataclass(frozen=True)
class FetchedRepository:
    """Our bare copy of a repository."""

    git_dir: Path
    url: str
    """Where it is from, without credentials."""
    address: str
    """The same as it was given, perhaps with credentials: for git only, never shown or stored."""


def is_url(name: str) -> bool:
    """Whether `name` is an address that git can fetch; raises UserError for one that it must not."""
    if name.startswith("-"):
        raise UserError(f"{name!r} is not a repository: give a directory or a URL")
    if re.match(r"[A-Za-z0-9+.-]+::", name):
        raise UserError(
            "addresses like `ext::…` run commands and are refused: give an https:// or ssh:// URL, or a directory"
        )
    if "://" not in name:
        return _SCP.fullmatch(name) is not None and not Path(name).exists()
    scheme = name.split("://", 1)[0].lower()
    if scheme not in TRANSPORTS:
        raise UserError(
            f"a repository cannot be fetched by {scheme}: use {', '.join(TRANSPORTS[:-1])} or {TRANSPORTS[-1]}"
        )
    _refuse_odd(name)
    return True


def fetch(address: str, cache: Path) -> FetchedRepository:
    """Fetch the branches and tags of the repository at `address`, as they are now. Safe to call from several
    processes."""
    from filelock import FileLock

    url, git_dir = remove_credentials(address), locate_copy(address, cache)
    try:
        git_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFailed(
            f"cannot write {git_dir}: {error.strerror}. Make room there, or clone and use --repo"
        ) from error
    with FileLock(git_dir.with_suffix(".lock")):
        fetched = FetchedRepository(git_dir, url, address)
        _update(fetched)
    return fetched


def locate_copy(address: str, cache: Path) -> Path:
    """Name the folder in which `fetch` keeps the repository at `address`, whether it has been fetched or not."""
    url = remove_credentials(address)
    return cache / f"{_make_slug(url)}-{hashlib.sha256(url.encode()).hexdigest()[:12]}.git"


def fetch_commit(fetched: FetchedRepository, commit: str) -> None:
    """Fetch one commit that no branch or tag reaches, where the server allows it; the caller checks whether it came."""
    _run_online(fetched, "fetch", "--quiet", "--no-tags", fetched.address, commit, check=False, timeout=PATIENCE)


def remove_credentials(address: str) -> str:
    """Remove a name and a password from an address; for ssh, a name without a password stays."""
    if "://" not in address:
        return address
    parts = urlsplit(address)
    keep_user = parts.scheme == "ssh" and parts.username and not parts.password
    host = parts.netloc if keep_user else parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


# --- fetching ---------------------------------------------------------------------------------------------------------

_SCP = re.compile(r"(?:[\w.+-]+@)?[A-Za-z0-9][\w.-]*:(?!/?/)[^\s-][^\s]*|[\w.+-]+@[A-Za-z0-9][\w.-]*:/[^\s]+")
"""`git@host:owner/name.git`, the short form of an ssh URL."""


def _refuse_odd(address: str) -> None:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError as error:
        raise UserError(f"{address!r} is not a URL: {error}") from error
    odd = any(character.isspace() or ord(character) < 32 for character in address)
    if odd or host.startswith("-") or (not host and parts.scheme != "file"):
        raise UserError(f"{remove_credentials(address)!r} is not a repository's URL: check it")


def _update(fetched: FetchedRepository) -> None:
    git = Git(fetched.git_dir)
    if not (fetched.git_dir / "HEAD").exists():
        run(
            ["git", "init", "--quiet", "--bare", "--template=", str(fetched.git_dir)],
            timeout=60,
            environment={"GIT_DIR": None},
        )
    head = _run_online(fetched, "ls-remote", "--symref", fetched.address, "HEAD", timeout=120)
    specs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    _run_online(
        fetched, "fetch", "--quiet", "--prune", "--no-tags", "--no-auto-gc", fetched.address, *specs, timeout=PATIENCE
    )
    if default := re.search(r"^ref: (refs/heads/\S+)\tHEAD$", head.text, re.MULTILINE):
        git("symbolic-ref", "HEAD", default[1])


def _run_online(fetched: FetchedRepository, *command: str, timeout: float, check: bool = True) -> ProcessResult:
    try:
        return Git(fetched.git_dir)(*command, online=True, timeout=timeout, check=check)
    except CommandFailed as error:
        complaint = error.completed.complaint if error.completed else ""
        raise _explain_failure(fetched, complaint, timeout) from None if fetched.address != fetched.url else error


def _explain_failure(fetched: FetchedRepository, complaint: str, timeout: float) -> RepoagentError:
    """Explain what went wrong and what to do. Git's words come without the address, which may hold a password."""
    words, url = complaint.replace(fetched.address, fetched.url), fetched.url
    if not words:
        return EnvironmentFailed(
            f"{url} did not answer within {timeout:.0f} s: clone it yourself and use --repo DIRECTORY"
        )
    if re.search(
        r"Authentication failed|could not read (Username|Password)|Permission denied|error: 40[13]|denied to", words
    ):
        return UserError(
            f"{url} is missing, or may be read only with credentials: set up a git credential helper or an ssh key, or "
            "clone it yourself and use --repo DIRECTORY"
        )
    if "Host key verification failed" in words:
        return UserError(f"the ssh host of {url} is not known yet: run `ssh` to it once and accept its key")
    if re.search(
        r"not found|does not exist|not appear to be a git repository|error: 404|no such", words, re.IGNORECASE
    ):
        return UserError(f"there is no repository at {url}, or you may not see it: check the address")
    if re.search(r"No space left|disk quota", words, re.IGNORECASE):
        return EnvironmentFailed(f"the disk that holds {fetched.git_dir.parent} is full: free some space and try again")
    kept = f" An earlier copy is at {fetched.git_dir} (--repo)." if (fetched.git_dir / "FETCH_HEAD").exists() else ""
    last = words.splitlines()[-1]
    return EnvironmentFailed(f"cannot fetch {url} ({last}): check the network, or use --repo DIRECTORY.{kept}")


def _make_slug(url: str) -> str:
    return (
        re.sub(r"[^\w.-]+", "-", url.rstrip("/").removesuffix(".git").rpartition("/")[2].rpartition(":")[2]).strip("-.")
        or "repo"
    )
