"""Where files are kept on this machine: caches that may be deleted at any time, and state that may not."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """Models, environments, indexes, clones: all can be made again. `REPOAGENT_CACHE` moves it."""
    return _root("REPOAGENT_CACHE", "user_cache_path")


def state_root() -> Path:
    """Sessions: what runs have produced. `REPOAGENT_STATE` moves it."""
    return _root("REPOAGENT_STATE", "user_state_path")


def _root(variable: str, default: str) -> Path:
    import platformdirs

    given = os.environ.get(variable)
    found: Path = Path(given).expanduser().absolute() if given else getattr(platformdirs, default)("repoagent")
    return found
