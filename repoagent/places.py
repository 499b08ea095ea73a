"""The directories of this user: a cache that may be deleted at any time, and state that may not."""

from __future__ import annotations

import os
from pathlib import Path


def locate_cache_root() -> Path:
    """Return the directory of what can be made again: models, environments, clones, … `REPOAGENT_CACHE` sets it."""
    return _locate_root("REPOAGENT_CACHE", "user_cache_path")


def locate_state_root() -> Path:
    """Return the directory of what runs have produced: sessions. `REPOAGENT_STATE` sets it."""
    return _locate_root("REPOAGENT_STATE", "user_state_path")


def _locate_root(variable: str, default: str) -> Path:
    import platformdirs

    given = os.environ.get(variable)
    found: Path = Path(given).expanduser().absolute() if given else getattr(platformdirs, default)("repoagent")
    return found
