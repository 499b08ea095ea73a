"""Deliver a patch to the user's repository: into the work tree, or onto a new branch without touching the work tree."""

from __future__ import annotations

import re
from pathlib import Path

from repoagent.domain import Patch
from repoagent.errors import EnvironmentFailed, UserError
from repoagent.process import CommandFailed
from repoagent.workspace.plumbing import Git, open_borrowing_repository
from repoagent.workspace.source import SourceRepository, adopt_settings


def apply_patch(source: SourceRepository, patch: Patch) -> None:
    """Apply `patch` to the files of the user's work tree, all or none. Nothing is staged or committed.

    Raises UserError where there is no work tree, where HEAD is no longer the commit the patch was made for, or where
    the user's own changes are in its way.
    """
    _check(source, patch)
    if not source.has_work_tree:
        raise UserError(f"{source.path} has no work tree to change: use --branch")
    head = Git(source.git_dir).read_line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if head != source.base:
        raise UserError(
            f"the patch was made for commit {source.base[:10]}, and {source.path} is at {head[:10] or 'no commit'}: "
            f"check out {source.base[:10]}, or use --branch"
        )
    with open_borrowing_repository(source.objects, object_format=source.object_format, work_tree=source.path) as git:
        adopt_settings(source, git)
        _apply_to_files(git, source.path, patch)


def create_branch(source: SourceRepository, name: str, patch: Patch, message: str, author: str = "") -> str:
    """Create the branch `name` at the base with one commit of `patch`, and return the commit's id.

    Work tree and index stay as they are.

    `author` is `Name <address>`, by default the user as git knows them. Raises UserError for a name that git does not
    allow, a branch that exists, or a patch that does not fit.
    """
    _check(source, patch)
    user = Git(source.git_dir)
    _check_name(user, name)
    with open_borrowing_repository(source.objects, object_format=source.object_format) as scratch:
        # Objects go straight into the user's store; until the ref points at them they are garbage, and harmless.
        own = {"GIT_OBJECT_DIRECTORY": str(source.objects), **_choose_identity(user, author)}
        try:
            commit = commit_on(Git(scratch.git_dir, None, True, own), source.base, patch, message)
            user("update-ref", f"refs/heads/{name}", commit, "0" * len(commit))
        except CommandFailed as error:
            raise _explain_failure(error, f"cannot make the branch {name} in {source.path}") from error
    return commit


def _check(source: SourceRepository, patch: Patch) -> None:
    if not patch.text.strip():
        raise UserError("there is nothing to deliver: the patch is empty")
    if source.url:
        raise UserError(
            f"{source.url} was fetched for this run and is not a checkout of yours: clone it and run "
            "`git apply` with the patch, or start with --repo DIRECTORY"
        )


# --- into the work tree -----------------------------------------------------------------------------------------------


def _apply_to_files(git: Git, root: Path, patch: Patch) -> None:
    content = _encode_patch(patch)
    command = ("apply", "--whitespace=nowarn")
    refusal = git(*command, "--check", stdin=content, check=False)
    if refusal.exit_code:
        raise UserError(
            f"the patch does not fit {root}, because files it changes have changed "
            f"({_get_first_line(refusal.complaint)}): "
            "commit or stash them, or use --branch"
        )
    try:
        git(*command, stdin=content)
    except CommandFailed as error:
        raise _explain_failure(error, f"cannot change the files in {root}") from error


# --- onto a branch ----------------------------------------------------------------------------------------------------


def _check_name(git: Git, name: str) -> None:
    valid = "\0" not in name and git("check-ref-format", "--branch", name, check=False)
    if not valid or valid.exit_code or valid.stdout != name.encode("utf-8", "surrogateescape") + b"\n":
        raise UserError(f"{name!r} cannot be the name of a branch: use letters, digits, `-` and `/`")
    if git("show-ref", "--verify", "--quiet", f"refs/heads/{name}", check=False).exit_code == 0:
        raise UserError(
            f"the branch {name} exists already: choose another name, or delete it with `git branch -D {name}`"
        )


def commit_on(git: Git, base: str, patch: Patch, message: str) -> str:
    """Commit `patch` on top of `base` without a work tree, and return the commit's id."""
    git("read-tree", base)
    refusal = git("apply", "--cached", "--whitespace=nowarn", stdin=_encode_patch(patch), check=False)
    if refusal.exit_code:
        raise UserError(
            f"the patch does not fit commit {base[:10]} "
            f"({_get_first_line(refusal.complaint)}): run again from this base"
        )
    tree = git("write-tree").text.strip()
    text = message.encode("utf-8", "replace").replace(b"\0", b"")
    return git("commit-tree", tree, "-p", base, "-F", "-", stdin=text).text.strip()


def _choose_identity(user: Git, author: str) -> dict[str, str]:
    """Choose the commit's author: as given, else the user as git knows them, else this program."""
    ident = author or user.read_line("var", "GIT_AUTHOR_IDENT").rpartition(">")[0] + ">"
    found = re.fullmatch(r"\s*([^<>\n\0]*[^<>\s\0])\s*<([^<>\n\0]+)>\s*", ident)
    if author and not found:
        raise UserError(f"{author!r} is not an author: write it as `Name <address>`")
    name, address = found.groups() if found else ("repoagent", "repoagent@localhost")
    return {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in (("NAME", name), ("EMAIL", address))}


# --- both -------------------------------------------------------------------------------------------------------------


def _encode_patch(patch: Patch) -> bytes:
    return patch.text.encode("utf-8", "surrogateescape")


def _get_first_line(complaint: str) -> str:
    return complaint.partition("\n")[0].removeprefix("error: ")


def _explain_failure(error: CommandFailed, what: str) -> UserError | EnvironmentFailed:
    words = error.completed.complaint if error.completed else str(error)
    if "No space left" in words:
        return EnvironmentFailed(f"{what}, the disk is full: free some space and try again")
    if "ermission denied" in words or "Read-only file system" in words or "insufficient permission" in words:
        return EnvironmentFailed(
            f"{what}: you may not write there; save the patch to a file instead ({_get_first_line(words)})"
        )
    if "cannot lock ref" in words or "exists" in words:
        return UserError(f"{what}: another branch is in its way, choose another name ({_get_first_line(words)})")
    return EnvironmentFailed(f"{what}: {words}")
