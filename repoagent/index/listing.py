"""Which files of a repository there are: those git knows or would add, and none that lead out of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from repoagent.errors import UserError
from repoagent.process import CommandFailed, run

_COMMAND = (
    "git",
    # A repository's own settings may name programs that git would start.
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"),
    *("ls-files", "-z", "--cached", "--others", "--exclude-standard"),
)


@dataclass(frozen=True)
class Listed:
    """A file of the repository."""

    path: str
    size: int
    """In bytes."""


def list_files(root: Path) -> tuple[Listed, ...]:
    """The regular files below `root` that git tracks, or does not ignore, sorted by path.

    Left out: links, what lies behind a linked directory, submodules, and paths that are no UTF-8. Raises UserError
    where `root` is no git work tree.
    """
    try:
        names = run(_COMMAND, cwd=root, timeout=120).stdout.split(b"\0")
    except (CommandFailed, NotADirectoryError) as error:
        raise UserError(
            f"`{root}` cannot be listed as a git work tree; run `git init` in it first. ({error})"
        ) from error

    @cache
    def inside(folder: str) -> bool:
        return _is_inside(root, folder)

    listed = {path: size for name in names if (path := _path(name)) and (size := _size(root, path, inside)) is not None}
    return tuple(Listed(path, listed[path]) for path in sorted(listed))


def _path(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return ""


def _size(root: Path, path: str, inside: Callable[[str], bool]) -> int | None:
    try:
        status = os.lstat(root / path)
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) and inside(path.rpartition("/")[0]) else None


def _is_inside(root: Path, folder: str) -> bool:
    return Path(os.path.realpath(root / folder)) == Path(os.path.realpath(root)) / folder
