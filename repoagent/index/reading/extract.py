"""Extract the facts of one source file with tree-sitter; syntax errors cost only the broken parts.

A query of ours captures the nodes that matter, and the rest is worked out from ranges and fields. The result is columns
of numbers and names, not objects: of half a million references a session looks at some hundred.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from repoagent.index.model import ReferenceKind
from repoagent.index.reading.imports import ImportRow, read_imports
from repoagent.index.reading.languages import IndexedLanguage, load_grammar, read_query
from repoagent.index.reading.naming import (
    find_name,
    find_owner,
    read_bases,
    read_decorators,
    read_docstring,
    read_first_line,
    read_signature,
)
from repoagent.index.reading.text import convert_to_utf8, is_binary

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query

DEPTH_LIMIT = 300
"""Depth of nodes that are searched, at most: on hostile nesting the query's time is quadratic in the depth, and its
recursion ends the process."""

WIDTH_LIMIT = 5_000
"""Children of a broken file's root, at most: a file with more is not in its language, and takes a query minutes."""

REFERENCE_KINDS: Final[tuple[ReferenceKind, ...]] = ("call", "attribute", "type")
"""Columns hold a kind's index in this tuple. Where two patterns match one place, the earlier kind counts."""

_CAPTURED: Final = ("call", "attribute", "type_name")

_DEFINITIONS: Final = (
    *("class", "struct", "interface", "enum", "trait", "module", "function", "method", "type", "macro", "scope"),
    "prototype",
)

Captures = Mapping[str, "list[Node]"]


class SymbolRow(NamedTuple):
    """One symbol; lines and columns as in `model.Symbol`."""

    name: str
    kind: str
    start: int
    end: int
    column: int
    end_column: int
    parent: int
    """Index of the symbol around it among the rows; -1 at the top of the file."""
    prefix: str
    """What the name is qualified with beside its parent: the receiver in Go, `Class` of `Class::method` in C++."""
    signature: str
    docstring: str
    """As written; its indentation is removed when it is decoded."""
    bases: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExtractedFacts:
    """All facts of one file, as columns."""

    lines: int = 0
    skipped: str = ""
    symbols: Sequence[SymbolRow] = ()
    variables: Sequence[SymbolRow] = ()
    imports: Sequence[ImportRow] = ()
    names: Sequence[str] = ()
    """Each name that is used, once."""
    which: array[int] = field(default_factory=lambda: array("I"))
    """For each reference the index of its name in `names`."""
    offsets: array[int] = field(default_factory=lambda: array("I"))
    """For each reference the offset at which it starts, in characters."""
    kinds: bytes = b""
    """For each reference the index of its kind in REFERENCE_KINDS."""
    lengths: array[int] = field(default_factory=lambda: array("I"))
    """Characters of each line, its end not counted."""


def extract_facts(language: IndexedLanguage, content: bytes) -> ExtractedFacts:
    """Extract the facts of a file in `language`; what cannot be parsed is left out, and nothing is raised."""
    return (
        ExtractedFacts(skipped="binary") if is_binary(content) else extract_source(language, convert_to_utf8(content))
    )


def extract_source(language: IndexedLanguage, source: bytes) -> ExtractedFacts:
    """Extract the same of a text that is UTF-8 already, whatever encoding it declares."""
    lines = source.count(b"\n") + (not source.endswith(b"\n") and bool(source))
    root = get_parser(language).parse(source).root_node
    if root.has_error and root.child_count > WIDTH_LIMIT:
        return ExtractedFacts(lines=lines, skipped="too broken to parse")
    captures = run_query(_load_query(language), root)
    places = SourcePositions(source)
    symbols, variables, defined = _extract_symbols(language, source, captures, places)
    imports = read_imports(language, source, captures.get("import", ()))
    names, which, offsets, kinds = _extract_references(source, captures, defined)
    return ExtractedFacts(
        lines=lines,
        symbols=symbols,
        variables=variables,
        imports=imports,
        names=names,
        which=which,
        offsets=places.convert_offsets(offsets),
        kinds=kinds,
        lengths=places.count_characters(),
    )


@cache
def get_parser(language: IndexedLanguage) -> Parser:
    """Return the parser for `language`."""
    from tree_sitter import Parser

    return Parser(load_grammar(language))


def run_query(query: Query, root: Node) -> Captures:
    """Run `query` over the nodes below `root`, and return what it captures, by capture name."""
    from tree_sitter import QueryCursor

    cursor = QueryCursor(query)
    cursor.set_max_start_depth(DEPTH_LIMIT)
    return cursor.captures(root)


@cache
def _load_query(language: IndexedLanguage) -> Query:
    from tree_sitter import Query

    return Query(load_grammar(language), read_query(language))


@cache
def load_value_query(language: IndexedLanguage) -> Query | None:
    """Return the query for names that are passed around as values; None for languages without one."""
    from tree_sitter import Query

    text = read_query(language, ".values")
    return Query(load_grammar(language), text) if text else None


class SourcePositions:
    """Converts rows and bytes of a source to lines, columns and offsets in characters."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        # The bytes that start no character: without them, an offset counts characters.
        self._inner = [] if source.isascii() else [match.start() for match in _CONTINUATION.finditer(source)]

    def measure_range(self, first: Node, last: Node) -> tuple[int, int, int, int]:
        """Return first line, last line, first column and the column behind the last, from one node to another."""
        start, column = first.start_point
        end, behind = last.end_point
        if not behind and end > start:  # the grammar counts the line feed in
            behind = last.end_byte - 1 - (self._source.rfind(b"\n", 0, last.end_byte - 1) + 1)
            end -= 1
        if self._inner:
            column -= self._count_inner_bytes(first.start_byte - column, first.start_byte)
            behind -= self._count_inner_bytes(last.end_byte - behind, last.end_byte)
        return start + 1, end + 1, column, behind

    def convert_offsets(self, offsets: array[int]) -> array[int]:
        """Convert byte offsets to offsets in characters."""
        if not self._inner:
            return offsets
        return array("I", (offset - bisect_left(self._inner, offset) for offset in offsets))

    def count_characters(self) -> array[int]:
        """Count the characters of each line, its end not counted."""
        text = self._source.decode("utf-8", "replace").split("\n") if self._inner else self._source.split(b"\n")
        return array("I", map(len, text))

    def _count_inner_bytes(self, start: int, end: int) -> int:
        """Count the bytes between two byte offsets that start no character."""
        return bisect_left(self._inner, end) - bisect_left(self._inner, start)


_CONTINUATION = re.compile(rb"[\x80-\xbf]")


# --- definitions ------------------------------------------------------------------------------------------------------

_Definition = tuple[int, int, str, "Node", "Node | None"]
"""First byte (what is wrapped around it included), end, kind, node, what is wrapped around it. A tuple: there are tens
of thousands, and making objects of them took as long as finding them."""

_Open = tuple[int, int, str, bool]
"""A symbol or a scope that is not closed yet: its end, its place among the symbols (-1 for a scope, which only lends
its name), the name that a scope lends, whether it is a type."""

_TYPES: Final = frozenset({"class", "interface", "struct", "enum", "trait"})
_FUNCTIONS: Final = frozenset({"function", "method", "prototype"})


def _extract_symbols(
    language: IndexedLanguage, source: bytes, captures: Captures, places: SourcePositions
) -> tuple[list[SymbolRow], list[SymbolRow], set[int]]:
    """Extract symbols and variables in their order, and the byte offsets of their names."""
    found: list[SymbolRow] = []
    around: list[_Open] = []
    taken: set[tuple[int, int]] = set()
    names: set[int] = set()
    for start, end, kind, node, wrapper in _sort_definitions(captures):
        while around and around[-1][0] <= start:
            around.pop()
        name, place = find_name(node, source)
        if not name or (place, end) in taken:
            continue
        taken.add((place, end))
        names.add(place)
        if kind == "scope":
            around.append((end, -1, name, True))
            continue
        owner = find_owner(node, source) if language.owners else ""
        parent, prefix = _find_parentage(around, owner)
        captured = kind
        if kind in _FUNCTIONS:
            kind = "method" if owner or (around and around[-1][3]) else "function"  # noqa: PLW2901
        header = read_signature(node, source)
        docstring = read_docstring(language, node, source, start)
        bases = read_bases(node, source) if captured in _TYPES else ()
        if wrapper is None:
            row = SymbolRow(name, kind, *places.measure_range(node, node), parent, prefix, header, docstring, bases, ())
        else:
            decorators = read_decorators(source, start, node.start_byte)
            span = places.measure_range(wrapper, node)
            row = SymbolRow(name, kind, *span, parent, prefix, header, docstring, bases, decorators)
        around.append((end, len(found), "", captured in _TYPES))
        found.append(row)
    variables = [] if "variable" not in captures else list(_extract_variables(source, captures, places, found, taken))
    return found, variables, names


def _find_parentage(around: Sequence[_Open], owner: str) -> tuple[int, str]:
    """Return the index of the innermost symbol around, and what scopes inside of it and an owner put before a name."""
    if not around:
        return -1, owner
    if around[-1][1] >= 0:
        return around[-1][1], owner
    outer = next((n for n in range(len(around) - 1, -1, -1) if around[n][1] >= 0), -1)
    scopes = [item[2] for item in around[outer + 1 :]]
    return around[outer][1] if outer >= 0 else -1, ".".join(filter(None, [*scopes, owner]))


def _sort_definitions(captures: Captures) -> list[_Definition]:
    """Sort the captured definitions from the outside in, each with the node that is wrapped around it."""
    found: list[_Definition] = [
        (node.start_byte, node.end_byte, kind, node, None)
        for kind in _DEFINITIONS
        if kind in captures
        for node in captures[kind]
    ]
    found.sort(key=_order_from_outside)
    if "wrapper" in captures:
        starts = [definition[0] for definition in found]
        for wrapper in sorted(captures["wrapper"], key=_get_start, reverse=True):  # the outermost is set last
            place = bisect_left(starts, wrapper.start_byte)
            if place < len(found) and found[place][1] <= wrapper.end_byte:
                found[place] = (wrapper.start_byte, *found[place][1:4], wrapper)
    return found


def _order_from_outside(definition: _Definition) -> tuple[int, int]:
    return definition[0], -definition[1]


def _get_start(node: Node) -> int:
    return node.start_byte


def _extract_variables(
    source: bytes,
    captures: Captures,
    places: SourcePositions,
    symbols: Sequence[SymbolRow],
    taken: set[tuple[int, int]],
) -> Iterator[SymbolRow]:
    starts = [(row.start, row.column) for row in symbols]
    for node in sorted(captures["variable"], key=_get_start):
        name, place = find_name(node, source)
        if name and (place, node.end_byte) not in taken:
            start, end, column, behind = places.measure_range(node, node)
            parent = _find_parent(symbols, bisect_right(starts, (start, column)) - 1, (end, behind))
            header = read_first_line(source, node.start_byte, node.end_byte)
            yield SymbolRow(name, "variable", start, end, column, behind, parent, "", header, "")


def _find_parent(symbols: Sequence[SymbolRow], place: int, end: tuple[int, int]) -> int:
    while place >= 0 and (symbols[place].end, symbols[place].end_column) < end:
        place = symbols[place].parent
    return place


# --- references -------------------------------------------------------------------------------------------------------


def _extract_references(
    source: bytes, captures: Captures, defined: set[int]
) -> tuple[list[str], array[int], array[int], bytes]:
    """Extract names, and for each reference the index of its name, its offset and its kind.

    Of two kinds at one place the first counts. `defined` are the byte offsets of definitions, which are no uses.
    """
    spans = [[(node.start_byte, node.end_byte) for node in captures.get(kind, ())] for kind in _CAPTURED]
    if "member" in captures:
        _separate_calls(source, captures["member"], *spans[:2])
    else:
        spans = list(_remove_duplicates(spans, defined))
    # What the grammar misses in broken code has a node of no width.
    spans = [[span for span in found if span[0] < span[1]] for found in spans]
    table: dict[bytes, int] = {}
    which = array("I", [table.setdefault(source[start:end], len(table)) for start, end in chain(*spans)])
    kinds = b"".join(bytes((kind,)) * len(found) for kind, found in enumerate(spans))
    names = b"\n".join(table).decode("utf-8", "replace").split("\n") if table else []
    if len(names) != len(table):  # in broken code a name may be said to go over lines
        names = [" ".join(name.decode("utf-8", "replace").split()) for name in table]
    return names, which, array("I", map(_first, chain(*spans))), kinds


def _separate_calls(source: bytes, members: Iterable[Node], calls: list[_Span], attributes: list[_Span]) -> None:
    """Append the places of `members` to `calls` or `attributes`, by whether they are called."""
    padded = source + b" "
    for node in members:
        start, end = node.start_byte, node.end_byte
        following = padded[end]
        called = following == _OPEN or (following in _BLANK and _CALLED(padded, end))
        (calls if called else attributes).append((start, end))


def _remove_duplicates(spans: Iterable[list[_Span]], taken: set[int]) -> Iterator[list[_Span]]:
    """Yield the places of each kind without those that an earlier kind, or `taken`, has already."""
    for found in spans:
        yield [span for span in found if span[0] not in taken]
        taken = taken.union(map(_first, found))


_Span = tuple[int, int]
_first = itemgetter(0)
_OPEN: Final = ord("(")
_BLANK: Final = b" \t\\"
_CALLED = re.compile(rb"(?:[ \t]|\\\r?\n)*\(").match


def find_value_uses(language: IndexedLanguage, source: bytes, name: str) -> list[tuple[int, int]]:
    """Find line and column of each place in `source`, UTF-8, where `name` is passed around as a value.

    They are not stored: in Python there are as many of these as of all other references together, and nearly all are
    never asked for.
    """
    query = load_value_query(language)
    if query is None:
        return []
    nodes = run_query(query, get_parser(language).parse(source).root_node).get("name", ())
    places = SourcePositions(source)
    wanted = name.encode("utf-8", "replace")
    ranges = [places.measure_range(node, node) for node in nodes if source[node.start_byte : node.end_byte] == wanted]
    return sorted((line, column) for line, _, column, _ in ranges)
