"""BM25F scores of units of code and of whole files (Robertson and Zaragoza, 2009), each a bag of words of name, path,
docstring and text."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from repoagent.index.retrieval.bags import Bag, Bags
from repoagent.index.retrieval.units import Unit
from repoagent.index.retrieval.words import IDENTIFIER, collect_terms, split_terms

Counts = Mapping[str, float]


@dataclass(frozen=True)
class FieldWeights:
    """The parameters of BM25F: what one occurrence in a field counts, and how length is normalised."""

    symbol: float
    path: float
    docstring: float
    body: float
    saturation: float
    length: float
    """Share of the length in the normalisation (BM25's b)."""
    exponent: float
    """Power of the relative length: below 1, or short stubs beat long functions."""


UNIT_WEIGHTS: Final = FieldWeights(symbol=5, path=3, docstring=1, body=1, saturation=1.4, length=0.65, exponent=0.85)
"""For functions. Field weights and exponent follow the deterministic localiser roust."""

FILE_WEIGHTS: Final = FieldWeights(symbol=2, path=8, docstring=0.5, body=1, saturation=1.5, length=0.75, exponent=0.7)
"""For whole files, where the words of neighbouring functions count, too."""


@dataclass(frozen=True)
class Document:
    """A unit, and how often each of its fields holds each term of the query."""

    unit: Unit
    length: int
    """Words in its text."""
    body: Counts
    docstring: Counts
    symbol: Counts
    path: Counts


@dataclass(frozen=True)
class TermScore:
    """How well a unit or a file matches the query."""

    value: float
    words: Counts
    """What each shared term contributed."""


def build_query(text: str) -> dict[str, float]:
    """Build a query from a text: its terms, each with its weight."""
    return weigh_terms(Counter(collect_terms(text)))


def weigh_terms(counts: Mapping[str, float]) -> dict[str, float]:
    """Weigh terms by how often they occur, logarithmically: a term that occurs twice does not count twice as much."""
    return {term: 1 + math.log(count) if count >= 1 else count for term, count in counts.items()}


def build_documents(bags: Mapping[str, Bags], query: Iterable[str]) -> list[Document]:
    """Count the terms of `query` in the units of `bags`, in the order of the paths."""
    lookup = _TermLookup(query)
    return [document for path, file in bags.items() for document in _build_file_documents(path, file, lookup)]


def score_units(
    documents: Sequence[Document], query: Mapping[str, float], weights: FieldWeights = UNIT_WEIGHTS
) -> tuple[list[TermScore], dict[str, float]]:
    """Compute the BM25F score of each unit, and the weight of each term: its weight in the query times its idf."""
    rows = [(_sum_fields(document, weights), document.length) for document in documents]
    return _score_rows(rows, query, weights)


def score_files(
    documents: Sequence[Document], query: Mapping[str, float], weights: FieldWeights = FILE_WEIGHTS
) -> dict[str, TermScore]:
    """Compute the BM25F score of each file, taken as one document of all its units."""
    counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    lengths: Counter[str] = Counter()
    paths: dict[str, Counts] = {}
    for document in documents:
        path = document.unit.path
        lengths[path] += document.length
        paths[path] = document.path
        for term, count in _sum_fields_without_path(document, weights).items():
            counts[path][term] += count
    for path, found in paths.items():
        for term, count in found.items():
            counts[path][term] += weights.path * count
    rows = [(counts[path], lengths[path]) for path in paths]
    return dict(zip(paths, _score_rows(rows, query, weights)[0], strict=True))


def _score_rows(
    rows: Sequence[tuple[Counts, int]], query: Mapping[str, float], weights: FieldWeights
) -> tuple[list[TermScore], dict[str, float]]:
    average = sum(length for _, length in rows) / max(len(rows), 1) or 1.0
    frequency = Counter(term for counts, _ in rows for term in counts)
    idf = {t: math.log(1 + (len(rows) - n + 0.5) / (n + 0.5)) for t, n in frequency.items()}
    term_weights = {term: query[term] * rarity for term, rarity in idf.items()}
    return [_score_row(counts, length / average, term_weights, weights) for counts, length in rows], term_weights


def _score_row(counts: Counts, length: float, term_weights: Mapping[str, float], weights: FieldWeights) -> TermScore:
    if not counts:
        return _NOTHING
    norm = weights.saturation * (1 - weights.length + weights.length * length**weights.exponent)
    full = weights.saturation + 1
    words = {term: term_weights[term] * count * full / (count + norm) for term, count in counts.items()}
    return TermScore(sum(words.values()), words)


_NOTHING: Final = TermScore(0.0, {})


def _sum_fields(document: Document, weights: FieldWeights) -> dict[str, float]:
    counts = _sum_fields_without_path(document, weights)
    for term, count in document.path.items():
        counts[term] = counts.get(term, 0.0) + weights.path * count
    return counts


def _sum_fields_without_path(document: Document, weights: FieldWeights) -> dict[str, float]:
    counts = {term: weights.body * count for term, count in document.body.items()}
    for field, weight in ((document.docstring, weights.docstring), (document.symbol, weights.symbol)):
        for term, count in field.items():
            counts[term] = counts.get(term, 0.0) + weight * count
    return counts


# --- counting ---------------------------------------------------------------------------------------------------------


class _TermLookup(dict[str, tuple[str, ...]]):
    """The terms of the query in each identifier, cached by identifier."""

    def __init__(self, asked: Iterable[str]) -> None:
        super().__init__()
        self._asked = frozenset(asked)

    def __missing__(self, word: str) -> tuple[str, ...]:
        found = self[word] = tuple(term for term in split_terms(word) if term in self._asked)
        return found


def _build_file_documents(path: str, file: Bags, lookup: _TermLookup) -> Iterator[Document]:
    hits = {place: found for place, word in enumerate(file.words) if (found := lookup[word])}
    of_path = Counter(term for word in set(IDENTIFIER.findall(path.rpartition(".")[0])) for term in lookup[word])
    for bag in file.bags:
        unit = Unit(path, bag.symbol, bag.start, bag.end)
        docstring = (
            _count_terms(term for place in bag.docstring for term in hits.get(place, ())) if bag.docstring else {}
        )
        named = _count_terms(term for word in set(IDENTIFIER.findall(bag.symbol)) for term in lookup[word])
        yield Document(unit, bag.length, _count_body_terms(bag, hits), docstring, named, of_path)


def _count_terms(found: Iterable[str]) -> dict[str, float]:
    """Count each term; for a few terms this is faster than a Counter."""
    counted: dict[str, float] = {}
    for term in found:
        counted[term] = counted.get(term, 0.0) + 1
    return counted


def _count_body_terms(bag: Bag, hits: Mapping[int, tuple[str, ...]]) -> dict[str, float]:
    counted: dict[str, float] = {}
    for place, count in zip(bag.words, bag.counts, strict=True):
        if place in hits:
            for term in hits[place]:
                counted[term] = counted.get(term, 0.0) + count
    return counted
