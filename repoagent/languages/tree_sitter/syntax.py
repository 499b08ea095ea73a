"""Read one text with a grammar: definitions, errors, what it means. Runs in `worker`, for a parser may hang or die."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from repoagent.index.reading.codec import decode_head, encode_facts
from repoagent.index.reading.extract import extract_source, get_parser
from repoagent.index.reading.languages import LANGUAGES
from repoagent.languages.base import DefinitionKind
from repoagent.languages.tree_sitter.table import ROWS, LanguageRow

if TYPE_CHECKING:
    from tree_sitter import Node

    from repoagent.index.model import Symbol

_GRAMMARS = {language.name: language for language in LANGUAGES}
_ROWS = {row.name: row for row in ROWS}
_STRING = re.compile(r"(?!concatenated|chained)\w*(string|heredoc|nowdoc)")
_WITHOUT_BODY = frozenset(
    {
        *("declaration", "field_declaration", "function_signature", "function_signature_item", "method_signature"),
        *("abstract_method_signature", "method_elem"),
    }
)
_HEADER = 400
"""Characters of a definition that tell overloads apart."""


class DefinitionSpan(NamedTuple):
    """A function or type in a text; places are offsets in characters."""

    qualified: str
    name: str
    kind: DefinitionKind
    start: int
    """Where it begins, with what stands above and before it: attributes, `export`."""
    core: int
    """Where it begins without that."""
    end: int
    prefix: tuple[str, ...]
    """Kinds of what stands between `start` and `core`."""
    node: str
    """Type of the node that was captured."""
    header: str
    """What tells overloads apart: the signature, without layout."""
    is_broken: bool
    """Whether a syntax error is in it."""
    has_body: bool


class Syntax(NamedTuple):
    """What is known of one text."""

    failure: str = ""
    """Why nothing is known; empty where it was read."""
    definitions: tuple[DefinitionSpan, ...] = ()
    """What is around comes before what is inside."""
    errors: int = 0
    """Nodes that the parser could make nothing of, or missed."""
    first_error: int = 0
    """Line of the first, counted from 1; 0 without one."""
    fingerprint: str = ""
    literals: tuple[int, ...] = ()
    """Lines, counted from 1, that begin inside a string."""


def read_syntax(language: str, text: str) -> Syntax:
    """What is known of `text`, which holds no lone surrogates."""
    source = text.encode()
    facts = extract_source(_GRAMMARS[language], source)
    if facts.skipped:
        return Syntax(failure=facts.skipped)
    symbols = [s for s in decode_head("", encode_facts(facts).head).symbols if s.is_function or s.is_type]
    places = _ByteOffsets(source)
    ranges = [places.find_range(symbol) for symbol in symbols]
    root = get_parser(_GRAMMARS[language]).parse(source).root_node
    walk = _Walk(_ROWS[language], source, frozenset(ranges))
    walk.read(root)
    spans = _Spans(_ROWS[language], places)
    found = [
        spans.make(symbol, walk.found[each])
        for symbol, each in zip(symbols, ranges, strict=True)
        if each in walk.found or walk.add(root, each)
    ]
    digest = hashlib.sha256("\0".join(walk.tokens).encode()).hexdigest()
    return Syntax("", tuple(found), walk.errors, walk.first_error, digest, tuple(sorted(walk.literals)))


Range = tuple[int, int]
"""Two offsets in bytes."""


class _ByteOffsets:
    """Lines and columns of the index as offsets in bytes, and those as offsets in characters."""

    def __init__(self, source: bytes) -> None:
        self._lines = source.split(b"\n")
        self._starts = [0, *accumulate(len(line) + 1 for line in self._lines)]
        self._inner = [] if source.isascii() else [n for n, byte in enumerate(source) if byte & 0xC0 == 0x80]

    def find_range(self, symbol: Symbol) -> Range:
        """Where a symbol begins and ends."""
        return self._find_byte(symbol.start, symbol.column), self._find_byte(symbol.end, symbol.end_column)

    def count_characters(self, place: int) -> int:
        """How many characters stand before a byte."""
        return place - bisect_left(self._inner, place)

    def _find_byte(self, line: int, column: int) -> int:
        text = self._lines[line - 1]
        return self._starts[line - 1] + (column if text.isascii() else len(text.decode()[:column].encode()))


# --- the whole tree ---------------------------------------------------------------------------------------------------


class _Beside(NamedTuple):
    """A node, and the comments and annotations that stand right before it."""

    node: Node
    above: tuple[Node, ...]


class _Walk:
    """One way through a tree, from the left: its tokens without comments and layout, its errors, its long strings, and
    the nodes of the wanted ranges, each with those around it, the outermost first."""

    def __init__(self, row: LanguageRow, source: bytes, wanted: Set[Range]) -> None:
        self._row = row
        self._source = source
        self._wanted = wanted
        self._place = 0
        self._around: list[_Beside] = []
        self._above: list[Node] = []
        self.found: dict[Range, Sequence[_Beside]] = {}
        self.tokens: list[str] = []
        self.errors = 0
        self.first_error = 0
        self.literals: set[int] = set()

    def read(self, root: Node) -> None:
        """Go through the tree; without recursion, for nesting may be deep."""
        cursor = root.walk()
        while True:
            node = cursor.node
            if node is not None and self._enter(node, cursor.field_name or "") and cursor.goto_first_child():
                self._around.append(_Beside(node, tuple(self._above)))
                self._above = []
                continue
            self._leave(node)
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return
                self.tokens.append(")")
                self._leave(self._around.pop().node)

    def add(self, root: Node, wanted: Range) -> bool:
        """Look for a node that no range is exactly that of: the smallest around it; whether there is one."""
        node = root.descendant_for_byte_range(*wanted)
        if node is not None:
            self.found[wanted] = (_Beside(node, ()),)
        return node is not None

    def _leave(self, node: Node | None) -> None:
        """Remember a node for the next one, if it may belong to that; else forget what was remembered."""
        if node is not None and (node.type in self._row.annotation_nodes or node.type in self._row.comment_nodes):
            self._above.append(node)
        else:
            self._above = []

    def _enter(self, node: Node, field: str) -> bool:
        """Note a node; whether its children are to be noted, too."""
        kind, start, end = node.type, node.start_byte, node.end_byte
        if node.is_error or node.is_missing:
            self.errors += 1
            self.first_error = self.first_error or node.start_point.row + 1
        if kind in self._row.comment_nodes:
            self._skip(start, end)
            return False
        if (start, end) in self._wanted:
            self.found[start, end] = (*self._around[-_WRAPPERS:], _Beside(node, tuple(self._above)))
        if is_string(kind):
            self.literals.update(range(node.start_point.row + 2, node.end_point.row + 2))
        elif node.child_count:
            self.tokens.append(f"({field}:{kind}")
            return True
        self._skip(start, end)
        self._note_leaf(kind, field, self._source[start:end].decode("utf-8", "replace"))
        return False

    def _note_leaf(self, kind: str, field: str, text: str) -> None:
        if kind == "jsx_text":
            text = _BREAK.sub("\n", text).strip("\n")
        elif kind not in _EXACT:
            text = text.strip()
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        if text and not (text == ";" and self._row.has_optional_semicolons):
            self.tokens.append(f"{field}:{kind}={text}")

    def _skip(self, start: int, end: int) -> None:
        """Go to the end of a node; what stands before it and is in no node counts, unless it is layout."""
        if self._place < start:
            gap = self._source[self._place : start].strip(_SEPARATORS if self._row.has_optional_semicolons else _LAYOUT)
            if gap:
                self.tokens.append(gap.decode("utf-8", "replace"))
        self._place = max(self._place, end)


@cache
def is_string(kind: str) -> bool:
    """Whether nodes of a type hold text that is taken as it is."""
    return _STRING.match(kind) is not None


_LAYOUT = b" \t\r\n\f\\"
_SEPARATORS = _LAYOUT + b";"
_BREAK = re.compile(r"\s*\n\s*")
_EXACT = frozenset({"text"})
"""What PHP gives out as it is."""


# --- definitions ------------------------------------------------------------------------------------------------------

_WRAPPERS = 4
"""Nodes around a definition that may be wrappers of it."""


@dataclass(frozen=True)
class _Spans:
    """Makes spans of nodes."""

    row: LanguageRow
    places: _ByteOffsets

    def make(self, symbol: Symbol, nodes: Sequence[_Beside]) -> DefinitionSpan:
        """The span of a symbol, whose node is the last of `nodes`."""
        outer, node = self._find_outermost(nodes), nodes[-1].node
        start, core, kinds = self._read_prefix(outer)
        count = self.places.count_characters
        return DefinitionSpan(
            qualified=symbol.qualified,
            name=symbol.name,
            kind="function" if symbol.is_function else "class",
            start=count(start),
            core=count(core),
            end=count(outer.node.end_byte),
            prefix=kinds,
            node=node.type,
            header="".join(symbol.signature.split())[:_HEADER],
            is_broken=outer.node.has_error,
            has_body=node.type not in _WITHOUT_BODY,
        )

    def _find_outermost(self, nodes: Sequence[_Beside]) -> _Beside:
        """The statement that holds the definition, and nothing else."""
        *around, outer = nodes
        for each in reversed(around):
            if each.node.type not in self.row.wrapper_nodes or len(list(self._list_held(each.node))) > 1:
                break
            outer = each
        return outer

    def _list_held(self, wrapper: Node) -> Iterator[Node]:
        return (child for child in wrapper.named_children if not self._is_beside(child))

    def _is_beside(self, node: Node) -> bool:
        row = self.row
        return node.type in row.comment_nodes or node.type in row.annotation_nodes or node.type in row.prefix_nodes

    def _read_prefix(self, outer: _Beside) -> tuple[int, int, tuple[str, ...]]:
        """Where a definition begins, where it does without what stands before it, and the kinds of that."""
        annotations = [node for node in outer.above if node.type in self.row.annotation_nodes]
        kinds: dict[str, None] = dict.fromkeys("annotation" for _ in annotations)
        start = core = outer.node.start_byte
        for child in self._iterate_leading(outer.node):
            core = child.start_byte
            if not self._is_beside(child):
                break
            if child.type not in self.row.comment_nodes:
                kinds["annotation" if child.type in self.row.annotation_nodes else child.type] = None
        return annotations[0].start_byte if annotations else start, core, tuple(kinds)

    def _iterate_leading(self, node: Node) -> Iterator[Node]:
        """The first nodes of a definition; of wrappers and lists of modifiers what is in them."""
        for child in node.children:
            if child.type == "modifiers":
                yield from self._iterate_leading(child)
            elif node.type in self.row.wrapper_nodes and not self._is_beside(child):
                yield from self._iterate_leading(child) if child.child_count else (child,)
                return
            else:
                yield child
