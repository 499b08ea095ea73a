"""Read one text with a grammar: definitions, errors, what it means. Runs in `worker`, for a parser may hang or die."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from repoagent.index.reading.codec import decode_head, encode
from repoagent.index.reading.extract import extract_source, parser
from repoagent.index.reading.languages import LANGUAGES
from repoagent.languages.base import DefinitionKind
from repoagent.languages.tree_sitter.table import ROWS, LanguageRow

if TYPE_CHECKING:
    from tree_sitter import Node

    from repoagent.index.model import Symbol

_GRAMMARS = {language.name: language for language in LANGUAGES}
_ROWS = {row.name: row for row in ROWS}
_STRING = re.compile(r"(?!concatenated|chained)\w*(string|heredoc|nowdoc)")
"""Types of nodes whose text is taken as it is."""
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
    symbols = decode_head("", encode(facts).head).symbols
    root = parser(_GRAMMARS[language]).parse(source).root_node
    walked = _Walk(_ROWS[language], source)
    walked.read(root)
    found = _Definitions(_ROWS[language], source, root).read(symbols)
    digest = hashlib.sha256("\0".join(walked.tokens).encode()).hexdigest()
    return Syntax("", tuple(found), walked.errors, walked.first_error, digest, tuple(sorted(walked.literals)))


# --- the whole tree ---------------------------------------------------------------------------------------------------


class _Walk:
    """One way through a tree, from the left: its tokens without comments and layout, its errors, its long strings."""

    def __init__(self, row: LanguageRow, source: bytes) -> None:
        self._row = row
        self._source = source
        self._place = 0
        self.tokens: list[str] = []
        self.errors = 0
        self.first_error = 0
        self.literals: set[int] = set()

    def read(self, root: Node) -> None:
        """Go through the tree; without recursion, for nesting may be deep."""
        cursor = root.walk()
        while True:
            if (
                cursor.node is not None
                and self._enter(cursor.node, cursor.field_name or "")
                and cursor.goto_first_child()
            ):
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return
                self.tokens.append(")")

    def _enter(self, node: Node, field: str) -> bool:
        """Note a node; whether its children are to be noted, too."""
        if node.is_error or node.is_missing:
            self.errors += 1
            self.first_error = self.first_error or node.start_point.row + 1
        if node.type in self._row.comment_nodes:
            self._skip(node)
            return False
        is_string = _STRING.match(node.type) is not None
        if is_string:
            self.literals.update(range(node.start_point.row + 2, node.end_point.row + 2))
        if node.child_count and not is_string:
            self.tokens.append(f"({field}:{node.type}")
            return True
        self._leaf(node, field)
        return False

    def _leaf(self, node: Node, field: str) -> None:
        self._skip(node)
        text = self._source[node.start_byte : node.end_byte].decode("utf-8", "replace").replace("\r\n", "\n")
        if node.type == "jsx_text":
            text = _BREAK.sub("\n", text).strip("\n")
        elif node.type not in _EXACT:
            text = text.strip()
        if text and not (text == ";" and self._row.has_optional_semicolons):
            self.tokens.append(f"{field}:{node.type}={text}")

    def _skip(self, node: Node) -> None:
        """Go to the end of a node; what stands before it and is in no node counts, unless it is layout."""
        gap = self._source[self._place : node.start_byte].decode("utf-8", "replace")
        if gap := gap.strip(_LAYOUT + ";" if self._row.has_optional_semicolons else _LAYOUT):
            self.tokens.append(gap)
        self._place = max(self._place, node.end_byte)


_LAYOUT = " \t\r\n\f\\"
_BREAK = re.compile(r"\s*\n\s*")
_EXACT = frozenset({"text"})
"""What PHP gives out as it is."""


# --- definitions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Prefixed:
    """A node, and what stands before it."""

    start: int
    core: int
    kinds: tuple[str, ...]


class _Definitions:
    """Finds where the symbols of the index begin and end in the tree."""

    def __init__(self, row: LanguageRow, source: bytes, root: Node) -> None:
        self._row = row
        self._source = source
        self._root = root
        self._lines = source.split(b"\n")
        self._starts = [0, *accumulate(len(line) + 1 for line in self._lines)]
        self._inner = (
            [place for place, byte in enumerate(source) if byte & 0xC0 == 0x80] if not source.isascii() else []
        )

    def read(self, symbols: tuple[Symbol, ...]) -> Iterator[DefinitionSpan]:
        """The functions and types among `symbols`."""
        for symbol in symbols:
            if symbol.is_function or symbol.is_type:
                start, end = self._byte(symbol.start, symbol.column), self._byte(symbol.end, symbol.end_column)
                node = self._root.descendant_for_byte_range(start, end)
                if node is not None:
                    yield self._span(symbol, node)

    def _byte(self, line: int, column: int) -> int:
        text = self._lines[line - 1]
        return self._starts[line - 1] + (column if text.isascii() else len(text.decode()[:column].encode()))

    def _span(self, symbol: Symbol, node: Node) -> DefinitionSpan:
        outer = self._outermost(node)
        found = self._prefix(outer)
        start, core, end = (
            place - bisect_left(self._inner, place) for place in (found.start, found.core, outer.end_byte)
        )
        kind: DefinitionKind = "function" if symbol.is_function else "class"
        header = "".join(symbol.signature.split())[:_HEADER]
        return DefinitionSpan(
            *(symbol.qualified, symbol.name, kind, start, core, end, found.kinds, node.type, header),
            is_broken=outer.has_error,
            has_body=node.type not in _WITHOUT_BODY,
        )

    def _outermost(self, node: Node) -> Node:
        """The statement that holds the definition, and nothing else."""
        while (parent := node.parent) is not None and parent.type in self._row.wrapper_nodes:
            if len([child for child in parent.named_children if not self._is_beside(child)]) > 1:
                break
            node = parent
        return node

    def _is_beside(self, node: Node) -> bool:
        row = self._row
        return node.type in row.comment_nodes or node.type in row.annotation_nodes or node.type in row.prefix_nodes

    def _prefix(self, node: Node) -> _Prefixed:
        kinds: dict[str, None] = {}
        start, core = node.start_byte, node.start_byte
        above = node.prev_sibling
        while above is not None and self._is_above(above):
            if above.type in self._row.annotation_nodes:
                start, kinds["annotation"] = above.start_byte, None
            above = above.prev_sibling
        for child in self._leading(node):
            core = child.start_byte
            if not self._is_beside(child):
                break
            if child.type not in self._row.comment_nodes:
                kinds["annotation" if child.type in self._row.annotation_nodes else child.type] = None
        return _Prefixed(start, core, tuple(kinds))

    def _is_above(self, node: Node) -> bool:
        return node.type in self._row.annotation_nodes or node.type in self._row.comment_nodes

    def _leading(self, node: Node) -> Iterator[Node]:
        """The first nodes of a definition; of wrappers and lists of modifiers what is in them."""
        for child in node.children:
            if child.type == "modifiers":
                yield from self._leading(child)
            elif node.type in self._row.wrapper_nodes and not self._is_beside(child):
                yield from self._leading(child) if child.child_count else (child,)
                return
            else:
                yield child
