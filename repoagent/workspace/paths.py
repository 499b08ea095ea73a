"""Check that paths stay inside a tree, and open files without following a link."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from stat import S_ISREG

from repoagent.errors import ToolError


class PathRefused(ToolError):
    """A path that leads out of the tree, into git's own files, or to something that is not a plain file."""


def split_path(path: str) -> tuple[str, ...]:
    """Split a path relative to the tree into its parts; raises PathRefused for one that leaves it or that git
    refuses."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise PathRefused(f"{path!r} leaves the repository: name a file relative to its root")
    if "/".join(parts) != path:
        raise PathRefused(f"{path!r} is not written plainly: use {'/'.join(parts)!r}")
    if any(part.lower() == ".git" for part in parts):
        raise PathRefused(f"{path} belongs to git: only the project's own files can be read and changed")
    if any(len(part.encode("utf-8", "surrogatepass")) > 255 for part in parts):
        raise PathRefused(f"{path[:60]}… is too long a name for a file: choose a shorter one")
    return parts


def read_inside(root: Path, path: str) -> bytes:
    """Read a plain file's bytes. Raises FileNotFoundError, or PathRefused for all that is no plain file inside
    `root`."""
    *parents, name = split_path(path)
    try:
        descriptor = _open_descriptor(root, parents, name)
    except FileNotFoundError as error:
        raise FileNotFoundError(error.errno, "no such file in the repository", path) from error
    except OSError as error:
        why = "it is a link, or passes one" if Path(root, path).is_symlink() else error.strerror
        raise PathRefused(f"{path} cannot be read ({why}): links are not followed, name a plain file") from error
    try:
        if not S_ISREG(os.fstat(descriptor).st_mode):
            raise PathRefused(f"{path} is not a plain file: name a file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def _open_descriptor(root: Path, parents: list[str], name: str) -> int:
    """Open a file below `root`, folder by folder from the one before, so that no link can be slipped in."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    place = os.open(root, flags | os.O_DIRECTORY)
    try:
        for parent in parents:
            inner = os.open(parent, flags | os.O_DIRECTORY, dir_fd=place)
            os.close(place)
            place = inner
        return os.open(name, flags, dir_fd=place)
    finally:
        os.close(place)
