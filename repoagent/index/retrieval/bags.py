"""Each unit of a file as a bag of words, encoded for the store."""

from __future__ import annotations

import json
import struct
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from repoagent.index.model import FileFacts
from repoagent.index.reading.text import split_lines
from repoagent.index.retrieval.units import list_units
from repoagent.index.retrieval.words import IDENTIFIER


@dataclass(frozen=True, slots=True)
class Bag:
    """The words of one unit of a file, as indexes in the file's list of words."""

    symbol: str
    """Qualified name; empty for the lines outside of units."""
    start: int
    end: int
    length: int
    """Number of words in its text."""
    words: Sequence[int]
    """The indexes of the words in its text, each once."""
    counts: Sequence[int]
    """How often each occurs there."""
    docstring: Sequence[int]
    """The indexes of the words of its docstring, each once."""


@dataclass(frozen=True, slots=True)
class Bags:
    """The bags of one file."""

    words: Sequence[str]
    bags: Sequence[Bag]


def encode_bags(facts: FileFacts, text: str) -> bytes:
    """Encode the bags of a file."""
    places: dict[str, int] = {}
    numbers = array("I")
    rows = [_encode_row(places, numbers, *piece) for piece in _split_units(facts, split_lines(text))]
    head = json.dumps(["\n".join(places), rows], ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return struct.pack("<I", len(head)) + head + numbers.tobytes()


def decode_bags(data: bytes) -> Bags:
    """Decode what `encode_bags` encoded."""
    size = struct.unpack_from("<I", data)[0] + 4
    words, rows = json.loads(data[4:size])
    numbers = array("I")
    numbers.frombytes(data[size:])
    bags, place = [], 0
    for symbol, start, end, length, word_count, docstring_count in rows:
        counts, docstring = place + word_count, place + 2 * word_count
        bags.append(
            Bag(
                *(symbol, start, end, length),
                *(numbers[place:counts], numbers[counts:docstring], numbers[docstring : docstring + docstring_count]),
            )
        )
        place = docstring + docstring_count
    return Bags(words.split("\n"), bags)


def _split_units(facts: FileFacts, lines: list[str]) -> Iterator[tuple[str, int, int, str, str]]:
    """Yield name, first and last line, text and docstring of each unit, the lines outside of units last."""
    rest = [True] * len(lines)
    for symbol in list_units(facts):
        rest[symbol.start - 1 : symbol.end] = [False] * (min(symbol.end, len(lines)) - symbol.start + 1)
        text = "".join(lines[symbol.start - 1 : symbol.end])
        yield symbol.qualified, symbol.start, symbol.end, text, symbol.docstring
    left = "".join(line for line, own in zip(lines, rest, strict=True) if own)
    if left.strip():
        yield "", 1, len(lines), left, ""


def _encode_row(
    places: dict[str, int], numbers: array[int], symbol: str, start: int, end: int, text: str, docstring: str
) -> list[object]:
    counts = Counter(IDENTIFIER.findall(text))
    described = dict.fromkeys(IDENTIFIER.findall(docstring)) if docstring else {}
    numbers.extend([places.setdefault(word, len(places)) for word in counts])
    numbers.extend(counts.values())
    numbers.extend([places.setdefault(word, len(places)) for word in described])
    return [symbol, start, end, counts.total(), len(counts), len(described)]
