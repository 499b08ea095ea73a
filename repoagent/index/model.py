"""What the index knows about a file: frozen, plain data.

Lines are counted from 1 and columns from 0, in characters of the decoded text; a range ends with its last line, and in
it with the column behind its last character.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# fmt: off
SymbolKind = Literal[
    "function", "method", "class", "interface", "struct", "enum", "trait", "type", "module", "macro", "variable", "cell"
]
# fmt: on
ReferenceKind = Literal["call", "attribute", "import", "name", "type"]

DOCSTRING_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something that has a name, and where it is defined."""

    path: str
    """Relative to the repository, with forward slashes."""
    name: str
    qualified: str
    """Inside its file, with dots in every language: `Class.method`, `outer.inner`, `namespace.Class`."""
    kind: SymbolKind
    start: int
    """First line, decorators included."""
    end: int
    signature: str
    """Header on one line, without what opens the body and without decorators."""
    docstring: str
    """Without its indentation, at most DOCSTRING_LIMIT characters; in other languages the comment above."""
    parent: str
    """Qualified name of what it is defined in; empty at the top of the file."""
    column: int = 0
    end_column: int = 0
    bases: tuple[str, ...] = ()
    """What a class is derived from, as written, without type arguments."""
    decorators: tuple[str, ...] = ()
    """Dotted names of its decorators, outermost first; of Python only."""

    @property
    def is_function(self) -> bool:
        """Whether it has a body that runs: a function or a method."""
        return self.kind in {"function", "method"}

    @property
    def is_type(self) -> bool:
        """Whether it holds methods: a class, or what other languages have in its place."""
        return self.kind in {"class", "interface", "struct", "enum", "trait"}


@dataclass(frozen=True, slots=True)
class SymbolReference:
    """A place where a name is used. What it means is another question: see `resolving`."""

    path: str
    line: int
    name: str
    kind: ReferenceKind
    """`attribute` is `x.name` without a call; `name` is a known function, class or import passed around as a value."""
    inside: str
    """Qualified name of the innermost symbol around it; empty at the top of the file."""
    column: int = 0


@dataclass(frozen=True, slots=True)
class Import:
    """One name bound by an import statement."""

    path: str
    module: str
    """As written: with the leading dots of a relative import, a path in languages that import files."""
    name: str
    """What is taken from the module: empty for `import module`, `*` for everything."""
    alias: str
    """The name it gets in this file."""
    line: int


@dataclass(frozen=True, slots=True)
class FileFacts:
    """All that is known about one source file."""

    path: str
    symbols: tuple[Symbol, ...] = ()
    """In the order of the file; what is around comes before what is inside."""
    references: tuple[SymbolReference, ...] = ()
    imports: tuple[Import, ...] = ()
    lines: int = 0
    skipped: str = ""
    """Why the file was not read (size, binary, generated, …); empty when it was."""
    variables: tuple[Symbol, ...] = ()
    """Constants and variables at the top of the file, and attributes in the body of a class."""
