"""Where else there is code like this: clones by shape, so that a mistake is found in all its copies.

The shapes of `shapes` are compared, rare ones counting more.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repoagent.errors import UserError
from repoagent.index.layers import SHAPES, load_layer
from repoagent.index.reading.languages import detect_language
from repoagent.index.retrieval.units import Unit
from repoagent.index.shapes import decode_shapes, hash_shingles

if TYPE_CHECKING:
    from repoagent.index.build import Index

MIN_LIKENESS = 0.3
"""Share of the shapes asked for, weighted by rarity, that something similar must have."""


@dataclass(frozen=True, slots=True)
class Clone:
    """A piece of code that looks like what was asked for."""

    unit: Unit
    likeness: float
    """Share of what was asked for that it has, rare things counting more; 1 for a copy."""
    lines: tuple[int, int]
    """The first and the last line that look alike."""


def find_clones(index: Index, path: str, start: int, end: int, limit: int = 20) -> tuple[Clone, ...]:
    """Find the functions that hold code like lines `start` to `end` of `path`, most alike first.

    Functions that these lines are part of are left out. Raises UserError where there is too little code in the lines,
    or it is in no language the index reads.
    """
    language = detect_language(path)
    if language is None:
        raise UserError(f"`{path}` is in no language the index reads.")
    shingles = hash_shingles(language, index.read_source(path))
    asked = Counter(hash_ for first, last, hash_ in shingles if start <= first and last <= end)
    if not asked:
        raise UserError(f"lines {start} to {end} of `{path}` hold too little code to compare; name some more lines.")
    data_by_file = load_layer(index, SHAPES, index.files)
    units = [unit for file, data in data_by_file.items() for unit in decode_shapes(file, data)]
    frequency = Counter(hash_ for _, hashes in units for hash_ in asked.keys() & hashes)
    idf = {hash_: math.log(1 + len(units) / (1 + frequency[hash_])) for hash_ in asked}
    whole = sum(idf.values())
    others = [(unit, h) for unit, h in units if unit.path != path or unit.end < start or end < unit.start]
    scored = [(sum(idf[hash_] for hash_ in asked.keys() & hashes) / whole, unit) for unit, hashes in others]
    found = sorted(
        (item for item in scored if item[0] >= MIN_LIKENESS), key=lambda item: (-item[0], item[1].path, item[1].start)
    )
    return tuple(
        Clone(unit, round(likeness, 3), _find_alike_lines(index, unit, asked)) for likeness, unit in found[:limit]
    )


def _find_alike_lines(index: Index, unit: Unit, asked: Mapping[int, int]) -> tuple[int, int]:
    """Find the first and the last line of a unit where it looks like what was asked for."""
    language = detect_language(unit.path)
    found = hash_shingles(language, index.read_source(unit.path)) if language else iter(())
    inside = [(a, b) for a, b, hash_ in found if hash_ in asked and unit.start <= a and b <= unit.end]
    return (min(a for a, _ in inside), max(b for _, b in inside)) if inside else (unit.start, unit.end)
