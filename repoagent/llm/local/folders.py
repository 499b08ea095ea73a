"""Make the folders of the cache."""

from __future__ import annotations

from pathlib import Path

from repoagent.errors import EnvironmentFailed


def make_folder(folder: Path) -> Path:
    """Create `folder` unless it exists, and return it. Raises EnvironmentFailed when that is not allowed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFailed(
            f"{folder} cannot be made ({error.strerror}): set REPOAGENT_CACHE to a folder you may write to"
        ) from error
    return folder
