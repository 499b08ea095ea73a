"""A language behind the door that is known by its grammar."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property

from repoagent.edits.errors import EditRefused
from repoagent.edits.layout import split_lines
from repoagent.index.reading.languages import LANGUAGES
from repoagent.languages.base import Capability, CodeDefinition
from repoagent.languages.fences import select_code
from repoagent.languages.tree_sitter.finding import (
    LocatedDefinition,
    has_definition,
    list_functions,
    locate,
    refuse_errors,
)
from repoagent.languages.tree_sitter.process import read_syntax
from repoagent.languages.tree_sitter.splice import splice_definition
from repoagent.languages.tree_sitter.table import LanguageRow


@dataclass(frozen=True)
class TreeSitterLanguage:
    """One row of the table: definitions by spans, whole definitions replaced, errors counted."""

    row: LanguageRow

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def title(self) -> str:
        return self.row.title

    @cached_property
    def endings(self) -> tuple[str, ...]:
        return next(language.suffixes for language in LANGUAGES if language.name == self.row.name)

    @property
    def fences(self) -> tuple[str, ...]:
        return self.row.fences

    @property
    def comment(self) -> str:
        return self.row.comments[0]

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset()

    def parse(self, source: str, before: str = "") -> tuple[CodeDefinition, ...]:
        syntax = refuse_errors(self.row, before, source)
        lines = split_lines(source)
        return tuple(_describe(LocatedDefinition(source, syntax, span), lines) for span in syntax.definitions)

    def find_definition(self, source: str, qualified: str, start: int | None = None) -> CodeDefinition:
        return _describe(locate(self.row, source, qualified, start), split_lines(source))

    def has_definition(self, code: str, name: str) -> bool:
        word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
        return word.search(code) is not None and has_definition(self.row, code, name)

    def list_functions(self, code: str) -> frozenset[str]:
        return list_functions(self.row, code)

    def split_documentation(self, source: str, qualified: str, start: int | None = None) -> tuple[str, str]:
        return self.find_definition(source, qualified, start).text, ""

    def fingerprint(self, source: str) -> str:
        digest = read_syntax(self.row.name, source).fingerprint
        return digest or hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()

    def splice_definition(self, source: str, qualified: str, answer: str, start: int | None = None) -> str:
        return splice_definition(self.row, source, qualified, answer, start)

    def extract_code(self, answer: str, name: str, *, truncated: bool = False) -> str:
        return select_code(answer, lambda code: self.has_definition(code, name), self.row.fences, truncated=truncated)

    def find_syntax_errors(self, before: str, after: str) -> tuple[str, ...]:
        try:
            self.parse(after, before)
        except EditRefused as error:
            return (str(error),)
        return ()

    def find_mistakes(self, source: str) -> tuple[str, ...]:  # noqa: ARG002 - nothing is certain without a compiler
        return ()

    def is_test_path(self, path: str) -> bool:
        return re.search(self.row.tests, path) is not None


def _describe(found: LocatedDefinition, lines: list[str]) -> CodeDefinition:
    first, last = found.lines
    return CodeDefinition(found.span.qualified, found.span.kind, first, last, "".join(lines[first - 1 : last]))
