"""Fetch commits of a repository on GitHub into a repository of our own without a work tree, and push a branch from
there. Nothing of it is ever checked out, so nothing of it can run."""

from __future__ import annotations

import base64
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from repoagent.domain import Patch
from repoagent.errors import EnvironmentFailed, RepoagentError, UserError
from repoagent.github.repository import Repository
from repoagent.policy import FileChange
from repoagent.process import CommandFailed, ProcessResult
from repoagent.workspace.delivery import commit_on
from repoagent.workspace.plumbing import TRANSPORTS, Git, create_repository

AUTHOR = ("repoagent", "repoagent@localhost")
BRANCH_PREFIX = "repoagent/"
"""The beginning of the name of every branch that is made here."""
_TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True)
class NewCommit:
    """A commit that is not pushed yet, and what it changes."""

    commit: str
    changes: tuple[FileChange, ...]


@contextmanager
def open_remote(repository: Repository, token: str) -> Iterator[Remote]:
    """Open the repository for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="repoagent-publish-") as folder:
        yield Remote(_make_git(Path(folder), repository, token), repository)


class Remote:
    """One repository on GitHub. It raises UserError and EnvironmentFailed with git's words, never with the token."""

    def __init__(self, git: Git, repository: Repository) -> None:
        self._git = git
        self._repository = repository

    def fetch(self, commit: str) -> None:
        """Fetch one commit; raises UserError where GitHub does not have it."""
        if not re.fullmatch(r"[0-9a-f]{40}", commit):
            raise UserError(f"{commit[:60]!r} is not the id of a commit")
        self._run_git("fetch", "--quiet", "--no-tags", "--depth=1", self._repository.clone_url, commit)

    def commit(self, base: str, patch: Patch, message: str) -> NewCommit:
        """Commit a patch on `base`, which was fetched; raises UserError where the patch does not apply."""
        made = commit_on(self._git, base, patch, message)
        return NewCommit(made, tuple(_read_changes(self._git, base, made)))

    def find_tip(self, branch: str) -> str:
        """Find the commit that a branch points to on GitHub; empty where there is no such branch."""
        answer = self._run_git("ls-remote", self._repository.clone_url, f"refs/heads/{branch}").text
        return answer.split()[0] if answer.strip() else ""

    def is_ours(self, commit: str) -> bool:
        """Whether a commit on GitHub was made and pushed here, and nobody has put another one on it."""
        self.fetch(commit)
        who, message = self._git.read_line("show", "--no-patch", "--format=%cn <%ce>%n%B", commit).partition("\n")[::2]
        return who == f"{AUTHOR[0]} <{AUTHOR[1]}>" and "\nRepoagent-Session: " in message

    def push(self, commit: str, branch: str, expected: str) -> None:
        """Push `commit` to a branch that points to `expected`; empty for a branch that must not exist yet."""
        if not branch.startswith(BRANCH_PREFIX):
            raise UserError(f"{branch} is not a branch of repoagent's: those begin with {BRANCH_PREFIX}")
        name = f"refs/heads/{branch}"
        self._run_git(
            "push", "--quiet", f"--force-with-lease={name}:{expected}", self._repository.clone_url, f"{commit}:{name}"
        )

    def _run_git(self, *command: str) -> ProcessResult:
        try:
            return self._git(*command, online=True, timeout=_TIMEOUT_SECONDS)
        except CommandFailed as error:
            words = error.completed.complaint if error.completed else str(error)
            raise _explain_error(self._repository, words) from None


def _make_git(folder: Path, repository: Repository, token: str) -> Git:
    """Make a git in a repository of our own that sends the token to the one host and nowhere else."""
    own = create_repository(folder)
    secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    names = {f"GIT_{role}_{kind}": value for role in ("AUTHOR", "COMMITTER") for kind, value in _list_identity()}
    scheme = urlsplit(repository.server).scheme
    allowed = {"GIT_ALLOW_PROTOCOL": ":".join(dict.fromkeys((*TRANSPORTS, scheme)))}
    settings = {
        f"http.{repository.server}/.extraHeader": f"Authorization: Basic {secret}",
        "credential.helper": "",
        "http.followRedirects": "false",
    }
    return Git(own.git_dir, None, ours=True, environment=names | allowed, settings=settings)


def _list_identity() -> tuple[tuple[str, str], tuple[str, str]]:
    return ("NAME", AUTHOR[0]), ("EMAIL", AUTHOR[1])


def _explain_error(repository: Repository, words: str) -> RepoagentError:
    last = words.strip().splitlines()[-1][:300] if words.strip() else "no answer in time"
    if re.search(r"workflow.{0,40}scope|refusing to allow .* workflow", words):
        return UserError(f"{repository.url} refuses changes of workflows from this token: they are not published")
    if re.search(r"error: 403|Permission .*denied|denied to|not granted|Write access", words):
        return UserError(f"the token may not push to {repository.url}: give it the permission `contents=write`")
    if re.search(r"error: 401|Authentication failed|could not read Username", words):
        return UserError(f"{repository.url} does not accept the token: make a new one")
    if re.search(r"not our ref|couldn't find remote ref|unadvertised object|upload-pack: not", words):
        return UserError(f"{repository.url} does not have the commit that the patch is made for: push it first")
    if re.search(r"stale info|non-fast-forward|fetch first|already exists", words):
        return UserError(f"the branch was changed on {repository.url} meanwhile, and stays as it is: try again")
    if re.search(r"protected branch|rule violations|GH006|GH013", words):
        return UserError(f"{repository.url} protects the branch by its rules ({last}): allow {BRANCH_PREFIX}* there")
    return EnvironmentFailed(f"git could not talk to {repository.url} ({last}): try again later")


# --- what a commit changes --------------------------------------------------------------------------------------------

_MAX_FILES_READ = 200
"""Files whose content is read, at most; a patch with more is refused by its size anyway."""


def _read_changes(git: Git, before: str, after: str) -> Iterator[FileChange]:
    raw = git("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", before, after).stdout
    fields = raw.decode("utf-8", "surrogateescape").split("\0")
    for number, (meta, path) in enumerate(zip(fields[::2], fields[1::2], strict=False)):
        old_mode, new_mode, _, blob, _ = meta.lstrip(":").split(" ")
        read = number < _MAX_FILES_READ and new_mode != "160000"
        yield _read_change(git, (before, after), path, (old_mode, new_mode), blob if read else "")


def _read_change(git: Git, commits: tuple[str, str], path: str, modes: tuple[str, str], blob: str) -> FileChange:
    if not blob:
        return FileChange(path, *modes)
    between = (*commits, "--", f":(literal){path}")
    counts = git("diff-tree", "-r", "--numstat", "--no-renames", *between).text.split("\t")
    size = int(git.read_line("cat-file", "-s", blob) or 0) if blob.strip("0") else 0
    if counts[0] == "-":
        return FileChange(path, *modes, binary=True, bytes_after=size)
    diff = git("diff-tree", "-r", "-p", "-U0", "--no-renames", "--no-color", "--no-ext-diff", *between).text
    return FileChange(path, *modes, _parse_added_lines(diff), int(counts[1]) if len(counts) > 1 else 0, False, size)


def _parse_added_lines(diff: str) -> tuple[str, ...]:
    """Parse the added lines of one file's diff: after the head of its first hunk every line with a `+`."""
    hunks = re.split(r"^@@ .*$", diff, maxsplit=1, flags=re.MULTILINE)[1:]
    return tuple(line[1:] for hunk in hunks for line in hunk.split("\n") if line.startswith("+"))
