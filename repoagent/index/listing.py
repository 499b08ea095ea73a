"""List the files of a repository: those that git tracks or would add, and none that lead out of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from repoagent.errors import UserError
from repoagent.process import CommandFailed, run

_COMMAND = (
    "git",
    # A repository's own settings may name programs that git would start.
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"),
    *("ls-files", "-z", "--cached", "--others", "--exclude-standard"),
)


class ListedFile(NamedTuple):
    """A file of the repository, as the file system describes it."""

    path: str
    size: int
    """In bytes."""
    modified: int = 0
    """When its content changed last, in nanoseconds."""
    changed: int = 0
    """When anything about it changed last; unlike `modified` nobody can set this back."""
    inode: int = 0


def list_files(root: Path) -> tuple[ListedFile, ...]:
    """List the regular files below `root` that git tracks, or does not ignore, sorted by path.

    Left out: links, what lies behind a linked directory, submodules, and paths that are no UTF-8. Raises UserError
    where `root` is no git work tree.
    """
    try:
        names = run(_COMMAND, cwd=root, timeout=120).stdout.split(b"\0")
    except (CommandFailed, NotADirectoryError) as error:
        raise UserError(
            f"`{root}` cannot be listed as a git work tree; run `git init` in it first. ({error})"
        ) from error
    return describe_files(root, filter(None, map(_decode_path, names)))


def describe_files(root: Path, paths: Iterable[str]) -> tuple[ListedFile, ...]:
    """Describe those of `paths` that are regular files inside of `root`, sorted by path."""
    prefix = os.fspath(root) + os.sep
    folders = {"": True}

    def is_inside(folder: str) -> bool:
        """Whether no part of the folder's path is a link."""
        if folder not in folders:
            above = folder.rpartition("/")[0]
            folders[folder] = ".." not in folder.split("/") and is_inside(above) and _is_folder(prefix + folder)
        return folders[folder]

    found = (_describe_file(prefix, path, is_inside) for path in sorted(set(paths)))
    return tuple(item for item in found if item is not None)


def _decode_path(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return ""


def _describe_file(prefix: str, path: str, is_inside: Callable[[str], bool]) -> ListedFile | None:
    try:
        status = os.lstat(prefix + path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode) or not is_inside(path.rpartition("/")[0]):
        return None
    return ListedFile(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False
