"""Which languages there are, and which file is in which."""

from __future__ import annotations

import hashlib
from typing import Final

from repoagent.index.reading.read import is_cpp_header
from repoagent.languages.base import Capability, Language
from repoagent.languages.python.language import PYTHON
from repoagent.languages.tree_sitter.language import TreeSitterLanguage
from repoagent.languages.tree_sitter.table import ROWS

ALL: Final[tuple[Language, ...]] = (PYTHON, *map(TreeSitterLanguage, ROWS))

_BY_ENDING: Final = {ending: language for language in ALL for ending in language.endings}
_BY_NAME: Final = {language.name: language for language in ALL}


def language_of(path: str, source: str = "") -> Language | None:
    """The language of a file by the ending of its name; None where none of `ALL` has it.

    `source`, its text, tells a header of C++ from one of C, as it does for the index.
    """
    stem, dot, ending = path.rpartition("/")[2].rpartition(".")
    if not stem:
        return None
    if source and is_cpp_header(path, source.encode("utf-8", "replace")):
        return _BY_NAME["cpp"]
    return _BY_ENDING.get(dot + ending)


def has_capability(path: str, capability: Capability) -> bool:
    """Whether something can be done for the language of a file."""
    language = language_of(path)
    return language is not None and capability in language.capabilities


def fingerprint(path: str, source: str) -> str:
    """A hash, equal for texts of a file that differ in comments and layout only; where the language of the file is not
    known, of the text."""
    language = language_of(path, source)
    return language.fingerprint(source) if language else hashlib.sha256(_encode(source)).hexdigest()


def is_test_path(path: str) -> bool:
    """Whether a file, relative to the repository, holds tests, or lies among them, where its language is not known."""
    return (language_of(path) or PYTHON).is_test_path(path)


def is_among_tests(path: str) -> bool:
    """Whether a file holds tests, or lies in a folder of them by anybody's custom: what it says may decide whether
    tests pass, whatever its language."""
    return is_test_path(path) or PYTHON.is_test_path(path)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
