"""BM25F over pieces of code and over whole files (Robertson and Zaragoza, 2009): for each a bag of words of name, path,
docstring and text."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from repoagent.index.retrieval.bags import Bag, Bags
from repoagent.index.retrieval.units import Unit
from repoagent.index.retrieval.words import IDENTIFIER, terms, text_terms

Counts = Mapping[str, float]


@dataclass(frozen=True)
class Weights:
    """What one occurrence in a field counts, and how length is made up for."""

    symbol: float
    path: float
    docstring: float
    body: float
    saturation: float
    length: float
    """Share of the length in the normalisation …"""
    exponent: float
    """… and its power: below 1, or short stubs beat long functions."""


UNITS: Final = Weights(symbol=5, path=3, docstring=1, body=1, saturation=1.4, length=0.65, exponent=0.85)
"""For functions. Field weights and exponent follow the deterministic localiser roust."""

FILES: Final = Weights(symbol=2, path=8, docstring=0.5, body=1, saturation=1.5, length=0.75, exponent=0.7)
"""For whole files: what a function alone does not say, its neighbours do."""


@dataclass(frozen=True)
class Document:
    """A unit, and how often it says each word of the query."""

    unit: Unit
    length: int
    """Words in its text."""
    body: Counts
    docstring: Counts
    symbol: Counts
    path: Counts


@dataclass(frozen=True)
class Scored:
    """How well a unit or a file answers the query."""

    value: float
    words: Counts
    """What each shared word contributed."""


def query_of(text: str) -> dict[str, float]:
    """The terms of a text, each with how much it is asked for."""
    return weighed(Counter(text_terms(text)))


def weighed(masses: Mapping[str, float]) -> dict[str, float]:
    """The same from how often each term is said: saying it twice asks for it more, but not twice as much."""
    return {term: 1 + math.log(mass) if mass >= 1 else mass for term, mass in masses.items()}


def documents_of(bags: Mapping[str, Bags], query: Iterable[str]) -> list[Document]:
    """The units in `bags`, by path, with their counts of the terms in `query`."""
    lookup = _Lookup(query)
    return [document for path, file in bags.items() for document in _documents(path, file, lookup)]


def score_units(
    documents: Sequence[Document], query: Mapping[str, float], weights: Weights = UNITS
) -> tuple[list[Scored], dict[str, float]]:
    """The BM25F score of each unit, and what each word of the query is worth in this repository."""
    rows = [(_added(document, weights), document.length) for document in documents]
    return _scored(rows, query, weights)


def score_files(
    documents: Sequence[Document], query: Mapping[str, float], weights: Weights = FILES
) -> dict[str, Scored]:
    """The BM25F score of each file, taken as one document of all its units."""
    counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    lengths: Counter[str] = Counter()
    paths: dict[str, Counts] = {}
    for document in documents:
        path = document.unit.path
        lengths[path] += document.length
        paths[path] = document.path
        for term, count in _without_path(document, weights).items():
            counts[path][term] += count
    for path, found in paths.items():
        for term, count in found.items():
            counts[path][term] += weights.path * count
    rows = [(counts[path], lengths[path]) for path in paths]
    return dict(zip(paths, _scored(rows, query, weights)[0], strict=True))


def _scored(
    rows: Sequence[tuple[Counts, int]], query: Mapping[str, float], weights: Weights
) -> tuple[list[Scored], dict[str, float]]:
    average = sum(length for _, length in rows) / max(len(rows), 1) or 1.0
    frequency = Counter(term for counts, _ in rows for term in counts)
    rarity = {t: math.log(1 + (len(rows) - n + 0.5) / (n + 0.5)) for t, n in frequency.items()}
    worth = {term: query[term] * rare for term, rare in rarity.items()}
    return [_score(counts, length / average, worth, weights) for counts, length in rows], worth


def _score(counts: Counts, length: float, worth: Mapping[str, float], weights: Weights) -> Scored:
    if not counts:
        return _NOTHING
    norm = weights.saturation * (1 - weights.length + weights.length * length**weights.exponent)
    full = weights.saturation + 1
    words = {term: worth[term] * count * full / (count + norm) for term, count in counts.items()}
    return Scored(sum(words.values()), words)


_NOTHING: Final = Scored(0.0, {})


def _added(document: Document, weights: Weights) -> dict[str, float]:
    counts = _without_path(document, weights)
    for term, count in document.path.items():
        counts[term] = counts.get(term, 0.0) + weights.path * count
    return counts


def _without_path(document: Document, weights: Weights) -> dict[str, float]:
    counts = {term: weights.body * count for term, count in document.body.items()}
    for field, weight in ((document.docstring, weights.docstring), (document.symbol, weights.symbol)):
        for term, count in field.items():
            counts[term] = counts.get(term, 0.0) + weight * count
    return counts


# --- counting ---------------------------------------------------------------------------------------------------------


class _Lookup(dict[str, tuple[str, ...]]):
    """The asked terms in an identifier; worked out once for each of the repository's words."""

    def __init__(self, asked: Iterable[str]) -> None:
        super().__init__()
        self._asked = frozenset(asked)

    def __missing__(self, word: str) -> tuple[str, ...]:
        found = self[word] = tuple(term for term in terms(word) if term in self._asked)
        return found


def _documents(path: str, file: Bags, lookup: _Lookup) -> Iterator[Document]:
    hits = {place: found for place, word in enumerate(file.words) if (found := lookup[word])}
    of_path = Counter(term for word in set(IDENTIFIER.findall(path.rpartition(".")[0])) for term in lookup[word])
    for bag in file.bags:
        unit = Unit(path, bag.symbol, bag.start, bag.end)
        told = _tally(term for place in bag.docstring for term in hits.get(place, ())) if bag.docstring else {}
        named = _tally(term for word in set(IDENTIFIER.findall(bag.symbol)) for term in lookup[word])
        yield Document(unit, bag.length, _body(bag, hits), told, named, of_path)


def _tally(found: Iterable[str]) -> dict[str, float]:
    """How often each is there; of the few that there are, faster than a Counter."""
    counted: dict[str, float] = {}
    for term in found:
        counted[term] = counted.get(term, 0.0) + 1
    return counted


def _body(bag: Bag, hits: Mapping[int, tuple[str, ...]]) -> dict[str, float]:
    counted: dict[str, float] = {}
    for place, count in zip(bag.words, bag.counts, strict=True):
        if place in hits:
            for term in hits[place]:
                counted[term] = counted.get(term, 0.0) + count
    return counted
