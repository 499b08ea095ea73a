"""Repositories made of a few files, indexed for real."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from repoagent.index.build import Index
from repoagent.process import run

Indexed = Callable[[Mapping[str, str | bytes]], Index]


@pytest.fixture
def indexed(tmp_path: Path) -> Indexed:
    """Write files into a fresh git work tree and index it, without a cache."""

    def make(files: Mapping[str, str | bytes]) -> Index:
        root = tmp_path / "repository"
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content.encode() if isinstance(content, str) else content)
        run(("git", "init", "--quiet", str(root)), timeout=30)
        return Index.build(root)

    return make
