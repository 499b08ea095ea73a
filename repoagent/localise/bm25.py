"""BM25F over units: for each one bag of words of name, path, docstring and text (Robertson and Zaragoza, 2009).

The weights and the length exponent follow the deterministic localiser roust; the raw issue text is the query, because
tidying it cost recall there.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from repoagent.localise.units import Unit
from repoagent.localise.words import IDENTIFIER, terms, text_terms

SYMBOL, PATH, DOCSTRING, BODY = 5.0, 3.0, 1.5, 1.0
"""What one occurrence in a field counts."""

SATURATION = 1.4
LENGTH = 0.75
"""Share of the length in the normalisation …"""
EXPONENT = 0.85
"""… and its power: below 1, or short stubs beat long functions."""


@dataclass(frozen=True)
class Scores:
    """How well each unit answers the query, in the order of the units."""

    values: tuple[float, ...]
    words: tuple[dict[str, float], ...]
    """For each unit what each shared word contributed."""
    weights: dict[str, float]
    """What each word of the query is worth in this repository."""


def score(units: Sequence[Unit], query: str) -> Scores:
    """The BM25F score of each unit for the text `query`."""
    asked = {term: 1 + math.log(count) for term, count in Counter(text_terms(query)).items()}
    lookup = _Lookup(asked)
    documents = [_document(unit, lookup) for unit in units]
    average = sum(length for _, length in documents) / max(len(documents), 1) or 1.0
    frequency = Counter(term for weights, _ in documents for term in weights)
    rarity = {t: math.log(1 + (len(units) - n + 0.5) / (n + 0.5)) for t, n in frequency.items()}
    worth = {term: asked[term] * rare for term, rare in rarity.items()}
    words = tuple(_contributions(weights, length / average, worth) for weights, length in documents)
    return Scores(tuple(sum(shares.values()) for shares in words), words, worth)


class _Lookup(dict[str, tuple[str, ...]]):
    """The asked terms in an identifier; worked out once for each of the repository's words."""

    def __init__(self, asked: Iterable[str]) -> None:
        super().__init__()
        self._asked = frozenset(asked)

    def __missing__(self, word: str) -> tuple[str, ...]:
        found = self[word] = tuple(term for term in terms(word) if term in self._asked)
        return found


def _document(unit: Unit, lookup: _Lookup) -> tuple[dict[str, float], int]:
    """Its weighted count of each asked term, and how many words its text has."""
    weights: dict[str, float] = {}
    length = 0
    for word, count in Counter(IDENTIFIER.findall(unit.text)).items():
        length += count
        for term in lookup[word]:
            weights[term] = weights.get(term, 0.0) + BODY * count
    for text, weight in ((unit.symbol, SYMBOL), (unit.path.rpartition(".")[0], PATH), (unit.docstring, DOCSTRING)):
        for word in set(IDENTIFIER.findall(text)):
            for term in lookup[word]:
                weights[term] = weights.get(term, 0.0) + weight
    return weights, length


def _contributions(weights: dict[str, float], length: float, worth: dict[str, float]) -> dict[str, float]:
    norm = SATURATION * (1 - LENGTH + LENGTH * length**EXPONENT)
    return {term: worth[term] * weight * (SATURATION + 1) / (weight + norm) for term, weight in weights.items()}
