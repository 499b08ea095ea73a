"""What the program asks of a programming language."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

DefinitionKind = Literal["function", "class"]
"""A method is a function; a struct, an interface, an enum and a trait are classes."""


class Capability(StrEnum):
    """What can be done for some languages beside reading, splicing and comparing their text."""

    UNDEFINED_NAME_LINT = "undefined-name lint"
    """Find names that nothing defines, without a run."""
    IN_PROCESS_SCREENING = "in-process screening"
    """Try many candidates in one process that forks for each."""
    SNIPPET_REPRODUCTION = "snippet reproduction"
    """Run a piece of code out of an issue against the project."""
    MUTATION = "mutation"
    """Make small changes to a syntax tree by patterns."""
    INFILLING_HOLES = "infilling holes"
    """Cut a hole at an expression or a statement, and have a model fill it."""
    STATEMENT_RANGES = "statement ranges"
    """Divide a long definition into ranges of whole statements, and show what stands at module level."""
    REGRESSION_TESTS = "regression tests"
    """Write a test of a project's own kind."""


@dataclass(frozen=True)
class CodeDefinition:
    """A function, method or type, and where its text stands."""

    qualified: str
    """As the index has it: `Class.method`, `namespace.Class`."""
    kind: DefinitionKind
    first: int
    """Its first line, counted from 1; decorators, annotations and attributes included."""
    last: int
    """Its last line, inclusive."""
    text: str
    """These lines, with their ends."""


class Language(Protocol):
    """How source text of one language is read and changed.

    Qualified names are those of the index. `start` is a line of the definition that is meant, where several share
    their name (overloads, getter and setter).
    """

    @property
    def name(self) -> str:
        """As the index calls it: `python`, `csharp`."""

    @property
    def title(self) -> str:
        """As it is written in a sentence: `Python`, `C#`."""

    @property
    def endings(self) -> tuple[str, ...]:
        """What the names of its files end with, with the dot."""

    @property
    def fences(self) -> tuple[str, ...]:
        """What a fenced block of it is marked with, the usual name first."""

    @property
    def comment(self) -> str:
        """What a comment to the end of a line begins with."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What can be done for it."""

    def parse(self, source: str, before: str = "") -> tuple[CodeDefinition, ...]:
        """The definitions of `source`, in their order.

        Raises EditRefused, with line and reason, where it parses worse than `before`; without `before`, where it does
        not parse.
        """

    def find_definition(self, source: str, qualified: str, start: int | None = None) -> CodeDefinition:
        """The function, method or class of that name; raises EditRefused when there is none."""

    def has_definition(self, code: str, name: str) -> bool:
        """Whether `code`, which may be a part of a file, defines a function or class `name`, which is not qualified."""

    def list_functions(self, code: str) -> frozenset[str]:
        """The names, not qualified, of the functions and methods that a piece of code defines; raises EditRefused where
        it does not parse."""

    def split_documentation(self, source: str, qualified: str, start: int | None = None) -> tuple[str, str]:
        """The text of a definition without the documentation that is in it, and that documentation.

        Raises EditRefused as `find_definition` does.
        """

    def fingerprint(self, source: str) -> str:
        """A hash, equal for texts that differ in comments and layout only (in Python, docstrings as well); of what does
        not parse, of the text."""

    def splice_definition(self, source: str, qualified: str, answer: str, start: int | None = None) -> str:
        """`source` with one definition replaced by that of the same name in `answer`, which is code.

        What stands above the definition stays where the answer has none of it: documentation, decorators, annotations.
        Raises EditRefused when `answer` does not hold the definition, leaves out parts of it, or breaks the file.
        """

    def extract_code(self, answer: str, name: str, *, truncated: bool = False) -> str:
        """The fenced block of a model's answer that defines `name`, which is not qualified, the last of several; else
        the last block of the language; else the last block; else the whole answer.

        Of an answer that was cut off, only a block that was closed is whole; raises EditRefused when there is none.
        """

    def find_syntax_errors(self, before: str, after: str) -> tuple[str, ...]:
        """Why `after` parses worse than `before`, one sentence each; empty where it does not."""

    def find_mistakes(self, source: str) -> tuple[str, ...]:
        """Undefined names and other mistakes that are certain without a run, each as often as it is made."""

    def is_test_path(self, path: str) -> bool:
        """Whether a file, relative to the repository, holds tests, which a patch may add to but never change."""
