"""Suggestions for a name that does not exist: misspelt, cut short, or with other words between."""

from __future__ import annotations

from collections.abc import Collection

MIN_LIKENESS = 60.0
"""Likeness out of 100, below which two names have little in common."""


def rank_similar_names(name: str, known: Collection[str], limit: int = 5) -> tuple[str, ...]:
    """Rank the names in `known` that are most like `name`, best first: case and underscores hardly count."""
    from rapidfuzz import fuzz, process

    found = process.extract(
        name, list(known), scorer=fuzz.WRatio, processor=_normalise_name, limit=4 * limit, score_cutoff=MIN_LIKENESS
    )
    # A part of what was asked scores as high as what is nearly it: the plain distance tells them apart.
    whole = {other: fuzz.ratio(_normalise_name(name), _normalise_name(other)) for other, _, _ in found}
    ranked = sorted(found, key=lambda item: (-item[1] - whole[item[0]], item[0]))
    return tuple(item[0] for item in ranked[:limit])


def _normalise_name(name: str) -> str:
    return name.replace("_", "").lower()
