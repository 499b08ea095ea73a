"""Each function of a file as what its syntax tree looks like, in the form it is kept in.

Code is taken as the leaves of its syntax tree, names of variables and literals made equal, names of what is called and
looked up kept (type-2 clones; Roy and Cordy, 2007). A shape is the hash of a run of SHINGLE_SIZE such leaves.
"""

from __future__ import annotations

import json
import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from repoagent.index.reading.extract import get_parser
from repoagent.index.reading.languages import IndexedLanguage, detect_language
from repoagent.index.retrieval.units import Unit, list_units

if TYPE_CHECKING:
    from repoagent.index.model import FileFacts

SHINGLE_SIZE = 6
"""Leaves in a run. Shorter runs are everywhere, longer ones miss short mistakes."""

MAX_LEAVES = 200_000
"""Leaves of one file that are looked at."""

_KEPT_FIELDS: Final = frozenset({"attribute", "function", "method", "property", "field", "macro", "constructor"})
_WHOLE: Final = frozenset(
    {"string", "string_literal", "template_string", "interpreted_string_literal", "raw_string_literal"}
)

Leaf = tuple[int, str]
"""The line of a leaf, from 1, and what it is when names and literals are made equal."""


def encode_shapes(facts: FileFacts, text: str) -> bytes:
    """Encode the shapes of the units of a file."""
    language = detect_language(facts.path)
    units = [(symbol.qualified, symbol.start, symbol.end) for symbol in list_units(facts)]
    hashes: list[set[int]] = [set() for _ in units]
    place = 0
    for first, last, hash_ in hash_shingles(language, text) if language and units else ():
        while place < len(units) - 1 and units[place + 1][1] <= first:
            place += 1
        if units[place][1] <= first and last <= units[place][2]:
            hashes[place].add(hash_)
    head = json.dumps([[*unit, len(found)] for unit, found in zip(units, hashes, strict=True)]).encode()
    numbers = array("I", (hash_ for found in hashes for hash_ in found))
    return struct.pack("<I", len(head)) + head + numbers.tobytes()


def decode_shapes(path: str, data: bytes) -> Iterator[tuple[Unit, Sequence[int]]]:
    """Decode what `encode_shapes` made of the file `path`: each unit with its hashes."""
    size = struct.unpack_from("<I", data)[0] + 4
    numbers = array("I")
    numbers.frombytes(data[size:])
    place = 0
    for symbol, start, end, count in json.loads(data[4:size]):
        yield Unit(path, symbol, start, end), numbers[place : place + count]
        place += count


def hash_shingles(language: IndexedLanguage, text: str) -> Iterator[tuple[int, int, int]]:
    """Yield the first line, the last line and the hash of each run of SHINGLE_SIZE leaves of `text`."""
    window: list[Leaf] = []
    for leaf in walk_leaves(language, text):
        window.append(leaf)
        if len(window) == SHINGLE_SIZE:
            shapes = "\0".join(shape for _, shape in window)
            yield window[0][0], window[-1][0], zlib.crc32(shapes.encode("utf-8", "replace"))
            window.pop(0)


def walk_leaves(language: IndexedLanguage, text: str) -> Iterator[Leaf]:
    """Yield the leaves of the syntax tree of `text`, at most MAX_LEAVES, without comments and docstrings."""
    cursor = get_parser(language).parse(text.encode("utf-8", "replace")).walk()
    for _ in range(MAX_LEAVES):
        node = cursor.node
        if node is None:
            return
        whole = node.type in _WHOLE
        if not whole and "comment" not in node.type and cursor.goto_first_child():
            continue
        if not node.is_extra and not (whole and _is_docstring(cursor.node)):
            yield node.start_point[0] + 1, _normalise_leaf(node.type, node.is_named, cursor.field_name, node.text)
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _is_docstring(node: object) -> bool:
    parent = getattr(node, "parent", None)
    return parent is not None and parent.type == "expression_statement" and parent.named_child_count == 1


def _normalise_leaf(kind: str, is_named: bool, field: str | None, text: bytes | None) -> str:
    if not is_named:
        return kind
    if field in _KEPT_FIELDS:
        return (text or b"").decode("utf-8", "replace")
    return "name" if "identifier" in kind else kind
