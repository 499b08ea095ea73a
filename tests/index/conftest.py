"""What the tests of the index share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from repoagent.index.build import Index
from repoagent.index.model import FileFacts
from repoagent.index.reading.codec import decode_facts, encode_facts
from repoagent.index.reading.read import read_file
from repoagent.process import run

LANGUAGES = Path(__file__).parents[1] / "repositories" / "languages"
"""A small file in each language, and a notebook."""


def facts_of(path: str, content: bytes) -> FileFacts:
    """All facts of a file, by way of the form they are kept in."""
    return decode_facts(path, encode_facts(read_file(path, content)))


@pytest.fixture
def samples(tmp_path: Path) -> Index:
    """The samples, as a repository of their own."""
    root = tmp_path / "samples"
    for path in sorted(LANGUAGES.rglob("*")):
        if path.is_file():
            target = root / path.relative_to(LANGUAGES)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    run(("git", "init", "--quiet", str(root)), timeout=30)
    return Index.build(root)


Read = Callable[[str, bytes], FileFacts]
