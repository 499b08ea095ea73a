"""The languages the index can read, and which file is in which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from repoagent.index.model import FileFacts


@dataclass(frozen=True)
class Language:
    """How files of one language are read."""

    name: str
    suffixes: frozenset[str]
    version: int
    """Goes up whenever `read` would find something else; cached facts of another version are not used."""
    read: Callable[[str, bytes], FileFacts]
    """The facts of a file from its path and content; never raises, whatever the content."""


def language_of(path: str) -> Language | None:
    """The language `path` is written in by its suffix; None where the index cannot read it."""
    suffix = PurePosixPath(path).suffix
    return next((language for language in LANGUAGES if suffix in language.suffixes), None)


def _python(path: str, content: bytes) -> FileFacts:
    from repoagent.index.python import read

    return read(path, content)


LANGUAGES: tuple[Language, ...] = (Language("python", frozenset({".py", ".pyi"}), 1, _python),)
