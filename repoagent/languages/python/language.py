"""Python behind the language door."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Final

from repoagent.edits.errors import EditRefused
from repoagent.languages.base import Capability, CodeDefinition, DefinitionKind
from repoagent.languages.fences import select_code
from repoagent.languages.python.fingerprint import ast_fingerprint
from repoagent.languages.python.mistakes import find_mistakes
from repoagent.languages.python.paths import is_test_path
from repoagent.languages.python.splice import splice_definition
from repoagent.languages.python.syntax import (
    Definable,
    find_first_line,
    find_last_line,
    iterate_definitions,
    locate_definition,
    parse,
    split_docstring,
    split_lines,
)


@dataclass(frozen=True)
class PythonLanguage:
    """Python, with all that the program can do."""

    name: str = "python"
    title: str = "Python"
    endings: tuple[str, ...] = (".py",)
    """Stubs hold no code that runs."""
    fences: tuple[str, ...] = ("python", "py", "python3")
    comment: str = "#"
    capabilities: frozenset[Capability] = frozenset(Capability)

    def parse(self, source: str, before: str = "") -> tuple[CodeDefinition, ...]:  # noqa: ARG002 - no text is half right
        lines = split_lines(source)
        return tuple(_describe(name, node, lines) for name, node in iterate_definitions(parse(source)))

    def find_definition(self, source: str, qualified: str, start: int | None = None) -> CodeDefinition:
        found = locate_definition(source, qualified, start)
        return _describe(qualified, found.node, found.lines)

    def has_definition(self, code: str, name: str) -> bool:
        return re.search(rf"\b(?:def|class)\s+{re.escape(name)}\b", code) is not None

    def list_functions(self, code: str) -> frozenset[str]:
        found = (each.qualified for each in self.parse(code) if each.kind == "function")
        return frozenset(qualified.rpartition(".")[2] for qualified in found)

    def split_documentation(self, source: str, qualified: str, start: int | None = None) -> tuple[str, str]:
        return split_docstring(source, qualified, start)

    def fingerprint(self, source: str) -> str:
        return ast_fingerprint(source)

    def splice_definition(self, source: str, qualified: str, answer: str, start: int | None = None) -> str:
        return splice_definition(source, qualified, answer, start)

    def extract_code(self, answer: str, name: str, *, truncated: bool = False) -> str:
        return select_code(answer, lambda code: self.has_definition(code, name), truncated=truncated)

    def find_syntax_errors(self, before: str, after: str) -> tuple[str, ...]:
        try:
            self.parse(after, before)
        except EditRefused as error:
            return (str(error),)
        return ()

    def find_mistakes(self, source: str) -> tuple[str, ...]:
        return find_mistakes(source)

    def is_test_path(self, path: str) -> bool:
        return is_test_path(path)


def _describe(qualified: str, node: Definable, lines: list[str] | tuple[str, ...]) -> CodeDefinition:
    first, last = find_first_line(node), find_last_line(node)
    kind: DefinitionKind = "class" if isinstance(node, ast.ClassDef) else "function"
    return CodeDefinition(qualified, kind, first, last, "".join(lines[first - 1 : last]))


PYTHON: Final = PythonLanguage()
