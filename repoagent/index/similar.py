"""Where else there is code like this: clones by shape, so that a mistake is found in all its copies.

Code is taken as the leaves of its syntax tree, names of variables and literals made equal, names of what is called and
looked up kept (type-2 clones; Roy and Cordy, 2007). Runs of SHINGLE such leaves are compared, rare ones counting more.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from repoagent.errors import UserError
from repoagent.index.reading.languages import Language, language_of
from repoagent.index.retrieval.units import Unit, ranked

if TYPE_CHECKING:
    from repoagent.index.build import Index
    from repoagent.index.model import FileFacts

SHINGLE = 6
"""Leaves in a run. Shorter ones are everywhere, longer ones miss short mistakes."""

LEAVES = 200_000
"""Of one file that are looked at."""

LEAST = 0.3
"""Share of what was asked for that something similar must have."""

_KEPT_FIELDS: Final = frozenset({"attribute", "function", "method", "property", "field", "macro", "constructor"})
_WHOLE: Final = frozenset(
    {"string", "string_literal", "template_string", "interpreted_string_literal", "raw_string_literal"}
)


@dataclass(frozen=True, slots=True)
class Clone:
    """A piece of code that looks like what was asked for."""

    unit: Unit
    likeness: float
    """Share of what was asked for that it has, rare things counting more; 1 for a copy."""
    lines: tuple[int, int]
    """The first and the last line that look alike."""


Leaf = tuple[int, str]
"""The line of a leaf, and what it is when names and literals are made equal."""


def similar(index: Index, path: str, start: int, end: int, limit: int = 20) -> tuple[Clone, ...]:
    """The functions that hold code like lines `start` to `end` of `path`, most alike first.

    Left out are those that these lines are part of. Raises UserError where there is too little code in the lines, or it
    is in no language the index reads.
    """
    from repoagent.index.layers import SHAPES, layer_of

    language = language_of(path)
    if language is None:
        raise UserError(f"`{path}` is in no language the index reads.")
    shingles = _shingles(leaves(language, index.source(path)))
    asked = Counter(hash_ for first, last, hash_ in shingles if start <= first and last <= end)
    if not asked:
        raise UserError(f"lines {start} to {end} of `{path}` hold too little code to compare; name some more lines.")
    units = [unit for file, data in layer_of(index, SHAPES, index.files).items() for unit in _read(file, data)]
    frequency = Counter(hash_ for _, hashes in units for hash_ in asked.keys() & hashes)
    worth = {hash_: math.log(1 + len(units) / (1 + frequency[hash_])) for hash_ in asked}
    whole = sum(worth.values())
    others = [(unit, h) for unit, h in units if unit.path != path or unit.end < start or end < unit.start]
    scored = [(sum(worth[hash_] for hash_ in asked.keys() & hashes) / whole, unit) for unit, hashes in others]
    found = sorted(
        (item for item in scored if item[0] >= LEAST), key=lambda item: (-item[0], item[1].path, item[1].start)
    )
    return tuple(Clone(unit, round(likeness, 3), _alike(index, unit, asked)) for likeness, unit in found[:limit])


def make(facts: FileFacts, text: str) -> bytes:
    """The shapes of the units of a file, encoded."""
    language = language_of(facts.path)
    units = [(symbol.qualified, symbol.start, symbol.end) for symbol in ranked(facts)]
    hashes: list[set[int]] = [set() for _ in units]
    place = 0
    for first, last, hash_ in _shingles(leaves(language, text)) if language and units else ():
        while place < len(units) - 1 and units[place + 1][1] <= first:
            place += 1
        if units[place][1] <= first and last <= units[place][2]:
            hashes[place].add(hash_)
    head = json.dumps([[*unit, len(found)] for unit, found in zip(units, hashes, strict=True)]).encode()
    numbers = array("I", (hash_ for found in hashes for hash_ in found))
    return struct.pack("<I", len(head)) + head + numbers.tobytes()


def leaves(language: Language, text: str) -> Iterator[Leaf]:
    """The leaves of the syntax tree of `text`, comments and docstrings left out."""
    from repoagent.index.reading.extract import parser

    cursor = parser(language).parse(text.encode("utf-8", "replace")).walk()
    for _ in range(LEAVES):
        node = cursor.node
        if node is None:
            return
        whole = node.type in _WHOLE
        if not whole and "comment" not in node.type and cursor.goto_first_child():
            continue
        if not node.is_extra and not (whole and _is_docstring(cursor.node)):
            yield node.start_point[0] + 1, _shape(node.type, node.is_named, cursor.field_name, node.text)
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _is_docstring(node: object) -> bool:
    parent = getattr(node, "parent", None)
    return parent is not None and parent.type == "expression_statement" and parent.named_child_count == 1


def _shape(kind: str, is_named: bool, field: str | None, text: bytes | None) -> str:
    if not is_named:
        return kind
    if field in _KEPT_FIELDS:
        return (text or b"").decode("utf-8", "replace")
    return "name" if "identifier" in kind else kind


def _shingles(found: Iterator[Leaf]) -> Iterator[tuple[int, int, int]]:
    """The lines that each run of leaves starts and ends in, and what the run is."""
    window: list[Leaf] = []
    for leaf in found:
        window.append(leaf)
        if len(window) == SHINGLE:
            shapes = "\0".join(shape for _, shape in window)
            yield window[0][0], window[-1][0], zlib.crc32(shapes.encode("utf-8", "replace"))
            window.pop(0)


def _read(path: str, data: bytes) -> Iterator[tuple[Unit, Sequence[int]]]:
    size = struct.unpack_from("<I", data)[0] + 4
    numbers = array("I")
    numbers.frombytes(data[size:])
    place = 0
    for symbol, start, end, count in json.loads(data[4:size]):
        yield Unit(path, symbol, start, end), numbers[place : place + count]
        place += count


def _alike(index: Index, unit: Unit, asked: Mapping[int, int]) -> tuple[int, int]:
    """The first and the last line of a unit where it looks like what was asked for."""
    language = language_of(unit.path)
    found = _shingles(leaves(language, index.source(unit.path))) if language else iter(())
    inside = [(a, b) for a, b, hash_ in found if hash_ in asked and unit.start <= a and b <= unit.end]
    return (min(a for a, _ in inside), max(b for _, b in inside)) if inside else (unit.start, unit.end)
