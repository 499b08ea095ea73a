"""Which languages there are, and which file is in which."""

from __future__ import annotations

from typing import Final

from repoagent.index.reading.read import is_cpp_header
from repoagent.languages.base import Language
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
