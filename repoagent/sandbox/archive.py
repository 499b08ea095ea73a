"""Pack a repository, or single files, as a tar stream that the inside of a sandbox unpacks.

Nothing is ever unpacked on the host: names and links in an archive are the target repository's, and hostile.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from repoagent.errors import EnvironmentFailed, ToolError

MAX_BYTES = 4 << 30
"""Bytes of a repository that is copied; the memory or disk of a sandbox would not hold more."""


def pack_repository(repository: Path) -> IO[bytes]:
    """Pack everything in `repository` but `.git` as a tar, in a temporary file at its beginning.

    Files, directories and symbolic links (as links) are taken; sockets, pipes and devices are not. Owners are dropped,
    and of the modes only read, write and execute are kept. Raises EnvironmentFailed for a file that cannot be read, and
    for more than LARGEST bytes: a file with holes costs a hostile repository nothing.
    """
    if not repository.is_dir():
        raise EnvironmentFailed(f"{repository} is not a directory: a sandbox needs the repository's work tree")
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - handed to the caller, who closes it
    try:
        with tarfile.open(fileobj=spool, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path, name in _list_entries(repository):
                _add(archive, path, name)
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return spool


def pack_files(files: Mapping[str, bytes], modified: int) -> IO[bytes]:
    """Pack `files` as a tar, all with the modification time `modified`, in a temporary file at its beginning."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - handed to the caller, who closes it
    with tarfile.open(fileobj=spool, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(data), 0o644, modified
            archive.addfile(entry, io.BytesIO(data))
    spool.seek(0)
    return spool


def measure_size(file: IO[bytes]) -> int:
    """Count the bytes of a temporary file; leaves it at its beginning."""
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    return length


def check_inside(path: str) -> str:
    """Return `path` in its plain form if it lies inside the repository; raises ToolError otherwise."""
    parts = PurePosixPath(path).parts
    if not parts or "\0" in path or path.startswith("/") or ".." in parts:
        raise ToolError(f"{path!r} does not lie in the repository: give a path relative to its root, without `..`")
    return "/".join(parts)


def _list_entries(repository: Path) -> Iterator[tuple[Path, str]]:
    """List what to pack with its name in the archive, directories before what lies in them."""
    for folder, directories, files in os.walk(repository, onerror=_refuse):
        # Nested repositories' `.git` may hold the fix as well; git itself can never track a path of that name.
        directories[:] = sorted(name for name in directories if name != ".git")
        for name in [*directories, *sorted(name for name in files if name != ".git")]:
            path = Path(folder, name)
            yield path, path.relative_to(repository).as_posix()


def _refuse(error: OSError) -> None:
    raise EnvironmentFailed(f"{error.filename} cannot be read: {error.strerror}") from error


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    try:
        entry = archive.gettarinfo(path, name)
        if not _is_plain(path):
            return
        entry.mode &= 0o777
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        if archive.offset + entry.size > MAX_BYTES:
            raise EnvironmentFailed(f"{path} makes the repository larger than {MAX_BYTES >> 30} GiB: it is not copied")
        if entry.isreg():
            with path.open("rb") as file:
                archive.addfile(entry, file)
        else:
            archive.addfile(entry)
    except OSError as error:
        raise EnvironmentFailed(f"{path} cannot be copied into the sandbox: {error.strerror or error}") from error


def _is_plain(path: Path) -> bool:
    mode = path.lstat().st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)
