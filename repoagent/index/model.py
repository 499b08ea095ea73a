"""What the index knows about a file: frozen, plain data. Lines are counted from 1 and both ends are included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SymbolKind = Literal["function", "method", "class"]
ReferenceKind = Literal["call", "attribute", "import", "name"]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function, method or class, and where it stands."""

    path: str
    """Relative to the repository, with forward slashes."""
    name: str
    qualified: str
    """Inside its file: `Class.method`, `outer.inner`."""
    kind: SymbolKind
    start: int
    """First line, decorators included."""
    end: int
    signature: str
    """Header on one line, without the colon and without decorators."""
    docstring: str
    """Without its indentation; long ones are cut at `DOCSTRING_LIMIT` characters."""
    parent: str
    """Qualified name of what it is defined in; empty at module level."""


DOCSTRING_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Reference:
    """A place where a name is used. Matched by name alone: no types are inferred."""

    path: str
    line: int
    name: str
    kind: ReferenceKind
    """`attribute` is `x.name` without a call; `name` is a known function, class or import passed around as a value."""
    inside: str
    """Qualified name of the innermost symbol around it; empty at module level."""


@dataclass(frozen=True, slots=True)
class Import:
    """One name bound by an import statement."""

    path: str
    module: str
    """As written, with the leading dots of a relative import."""
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
    references: tuple[Reference, ...] = ()
    imports: tuple[Import, ...] = ()
    lines: int = 0
    skipped: str = ""
    """Why the file was not read (size, binary, …); empty when it was."""
