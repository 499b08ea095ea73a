"""Read what a repository says about itself as plain data: text of bounded size, tables and lists of strings.

What is no such thing counts as empty: nothing in a repository may end a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

MAX_BYTES = 1_000_000
"""Bytes; a larger manifest is not read."""


def read_text(path: Path) -> str:
    """Read the text of a regular file of at most LARGEST bytes; empty for anything else."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def get_table(value: object, *keys: str) -> Mapping[str, object]:
    """Get the table below `keys` in parsed TOML, YAML or JSON; empty when there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def get_strings(value: object) -> tuple[str, ...]:
    """Get the strings in a list, or the lines of a string, stripped; empty for anything else."""
    if isinstance(value, str):
        value = value.splitlines()
    if not isinstance(value, list | tuple):
        return ()
    return tuple(v.strip() for v in value if isinstance(v, str) and v.strip())
