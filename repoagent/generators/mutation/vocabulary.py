"""Words of an issue that mutants may use: names, options with their values, functions of modules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

_MAX_TOKENS = 400
"""Words of the issue that strings are compared with."""
_MAX_WORD_LENGTH = 60


@dataclass(frozen=True)
class IssueVocabulary:
    """The words with which an issue, its specification and the documentation describe a task."""

    text: str = ""

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """Signs and words in the order in which they come, the signs first; as many as strings are compared with."""
        found = (*re.findall(r"[^\w\s]", self.text), *re.findall(r"\w[\w.-]*", self.text))
        return tuple(dict.fromkeys(found))[:_MAX_TOKENS]

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word that may be a name."""
        return frozenset(word for word in re.findall(r"[A-Za-z_]\w*", self.text) if len(word) <= _MAX_WORD_LENGTH)

    @cached_property
    def options(self) -> tuple[tuple[str, str], ...]:
        """Names and values of what is written as a keyword argument with a simple value: `drop=True`."""
        found = re.findall(
            r"\b([a-z_]\w{0,59})=(True|False|None|\d{1,9}|'\w{0,40}'|\"\w{0,40}\")(?=[\s,)`]|$)", self.text
        )
        return tuple(dict.fromkeys(found))

    @cached_property
    def dotted_names(self) -> tuple[str, ...]:
        """Names with dots that are called, `re.escape`."""
        found = re.findall(r"\b[a-z_]\w{0,59}(?:\.[A-Za-z_]\w{0,59}){1,4}(?=\()", self.text)
        return tuple(dict.fromkeys(found))
