"""Where environments, scratch copies and locks lie on the host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from repoagent import process
from repoagent.places import locate_cache_root


def make_folder(*parts: str) -> Path:
    """Make a folder below the user's cache (`REPOAGENT_CACHE` moves it), for this user alone, and return its path."""
    path = locate_cache_root().joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


@contextmanager
def acquire_lock(name: str) -> Iterator[None]:
    """Let one process at a time do what `name` stands for."""
    from filelock import FileLock

    with FileLock(make_folder("locks") / f"{name}.lock"):
        yield


def mark_used(key: str) -> None:
    """Note that the environment `key` was used just now."""
    with suppress(OSError):  # a full disk must not keep anybody from using what is there
        (make_folder("used") / key).touch()


def read_last_used(key: str) -> float:
    """Read when the environment `key` was used last, in seconds since 1970; 0 where that is not known."""
    try:
        return (make_folder("used") / key).stat().st_mtime
    except OSError:
        return 0.0


def remove(path: Path) -> None:
    """Delete a tree that hostile code may have shaped: any depth, any mode, links never followed."""
    # `rm` goes by directory handles; Python's own rmtree recurses, and ends at a thousand nested directories.
    if process.run(["rm", "-rf", "--", str(path)], timeout=600, check=False).exit_code:
        process.run(["chmod", "-R", "u+rwx", "--", str(path)], timeout=600, check=False)
        process.run(["rm", "-rf", "--", str(path)], timeout=600)
