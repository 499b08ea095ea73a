"""The settings of a run, and where each value came from. Flags override the environment, which overrides the
configuration file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from repoagent.errors import UserError

PREFIX = "REPOAGENT_"
"""`REPOAGENT_MAX_MINUTES` sets `max_minutes`."""


def _count_parallel_sandboxes() -> int:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(os.cpu_count() or 1, memory >> 32))


class Settings(BaseModel):
    """The settings of a run. They are never read from the repository that is worked on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = "qwen2.5-coder-1.5b"
    """An embedded model's name, the path of a .gguf file, or the URL of an OpenAI-compatible server, `http://host:8000/v1#name`."""
    sandbox: Literal["auto", "docker", "bubblewrap"] = "auto"
    """Where the repository's code runs; `auto` is Docker where an engine answers, else bubblewrap."""
    samples: int | None = Field(None, ge=1, le=256)
    """Samples of each generator for each function at most; unset leaves it to the model's profile."""
    max_minutes: float = Field(20.0, gt=0, le=100_000)
    """Minutes that a run may take, the building of the test environment included."""
    max_tokens: int = Field(300_000, ge=1)
    """Tokens, read and written, that a run may ask of the model."""
    build_minutes: float = Field(15.0, gt=0, le=10_000)
    """Minutes that building the test environment may take."""
    test_seconds: float = Field(120.0, gt=0, le=100_000)
    """Seconds that one run of the project's tests may take."""
    mutation_seconds: float = Field(60.0, gt=0, le=100_000)
    """Seconds that the mutation of one function may take, all runs of its mutants included."""
    memory_mib: int = Field(4096, ge=128)
    """Memory of one sandbox."""
    cpus: float = Field(2.0, gt=0, le=1024)
    """Processors of one sandbox."""
    pids: int = Field(256, ge=16)
    """Processes and threads of one sandbox."""
    parallel: int = Field(default_factory=_count_parallel_sandboxes, ge=1)
    """Candidates tested at once; unset, one for each processor, but no more than there are 4 GiB of memory for."""
    seed: int = 0
    """Seed for sampling; equal seeds give equal runs as far as the model server allows."""


@dataclass(frozen=True)
class SettingOrigin:
    """The value of one setting, and where it came from."""

    name: str
    value: object
    source: str
    """`default`, the file, the variable or the flag."""


@dataclass(frozen=True)
class Configuration:
    """All settings, and where each value came from."""

    settings: Settings
    origins: tuple[SettingOrigin, ...]


def load_configuration(
    flags: Mapping[str, object], environment: Mapping[str, str], file: Path | None = None
) -> Configuration:
    """Merge file, environment and flags; flags that are None were not given. Raises UserError naming the culprit."""
    path = file or get_default_file()
    layers = (
        (str(path), _read_file(path)),
        (
            "environment",
            {k: environment[PREFIX + k.upper()] for k in Settings.model_fields if PREFIX + k.upper() in environment},
        ),
        ("flag", {name: value for name, value in flags.items() if value is not None}),
    )
    merged: dict[str, object] = {}
    sources: dict[str, str] = {}
    for source, values in layers:
        merged |= values
        sources |= {name: _name_source(source, name) for name in values}
    settings = _validate_settings(merged, sources)
    origins = tuple(SettingOrigin(n, getattr(settings, n), sources.get(n, "default")) for n in Settings.model_fields)
    return Configuration(settings, origins)


def get_default_file() -> Path:
    """Return the path of the configuration file."""
    from platformdirs import user_config_path

    return user_config_path("repoagent") / "config.toml"


def _read_file(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as TOML: {error}") from error


def _name_source(source: str, name: str) -> str:
    return {"environment": PREFIX + name.upper(), "flag": "--" + name.replace("_", "-")}.get(source, source)


def _validate_settings(merged: Mapping[str, object], sources: Mapping[str, str]) -> Settings:
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise UserError(f"{name} ({sources.get(name, 'default')}): {first['msg']}") from error
