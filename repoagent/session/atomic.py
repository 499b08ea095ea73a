"""Write files atomically: after a crash a file is either as it was before or as it was to be written."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from repoagent.errors import EnvironmentFailed


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to a file beside `path`, flush it to the disk, rename it. Folders are made for this user only.

    Raises EnvironmentFailed, saying what to do, when it cannot be written; `path` is as before then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_aside(path, content)
    except OSError as error:
        raise _explain_error(path, error) from error


def read_bytes(path: Path) -> bytes:
    """Read a file; raises FileNotFoundError, or EnvironmentFailed where it may not be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise EnvironmentFailed(f"cannot read {path}: {error.strerror}. Check its owner and permissions") from error


def _write_aside(path: Path, content: bytes) -> None:
    descriptor, aside = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(aside).unlink()
        raise
    _flush_directory(path.parent)


def _flush_directory(directory: Path) -> None:
    """Flush a directory, or a crash may lose the new name. Some file systems refuse, and keep names by themselves."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explain_error(path: Path, error: OSError) -> EnvironmentFailed:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return EnvironmentFailed(
            f"the disk that holds {path.parent} is full, and {path.name} is as it was before: free some space, for "
            "example with `repoagent sessions rm` or `repoagent clean`, then go on with `repoagent resume`"
        )
    return EnvironmentFailed(
        f"cannot write {path}: {error.strerror}. Check its owner, or keep sessions elsewhere (REPOAGENT_STATE, --out)"
    )
