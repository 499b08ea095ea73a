"""Split text into the terms that issues and code share: identifiers whole, and their parts."""

from __future__ import annotations

import re
from functools import lru_cache

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]+")

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_FUNCTION_WORDS = """
    about above actually after again all already also although am an and another any anything are as at be
    because been before being below between both but by can cannot case could currently did do does doing down
    during each even every first for from further get got has have having he hello hence her here hi him himself
    his how however if in instead into is it its itself just know let like look looks many may maybe me might
    mine more most much must my no not nothing now of off on once one only or other our ours out over own
    perhaps please really same second see seem seems shall she should since so some something still such than
    thank thanks that the their theirs them then there therefore these they thing things think this those though
    through thus to too tried try trying two under until up use used using very want was way we were what when
    where which while who whose why will with within without would yes yet you your yours
"""

STOP_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Function words of English, which are rare in code and would count as rare names. Words of code such as `self` are not
among them: their frequency makes them count little."""


@lru_cache(maxsize=200_000)
def split_terms(identifier: str) -> tuple[str, ...]:
    """Split an identifier into its terms, in lower case: `getHTTPName` into itself, `get`, `http` and `name`."""
    whole = identifier.strip("_").lower()
    parts = [part.lower() for part in _PARTS.findall(identifier)]
    found = {whole, *(_strip_ending(part) for part in parts if len(part) > 1 and part not in STOP_WORDS)}
    return tuple(sorted(found - STOP_WORDS - {""}))


def collect_terms(text: str) -> list[str]:
    """List the terms of a text, as often as they occur."""
    return [term for word in IDENTIFIER.findall(text) for term in split_terms(word)]


def _strip_ending(word: str) -> str:
    """Strip the endings of plurals and verbs, so that prose matches names; crude on purpose."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4 and not word.endswith("ss"):
            return word[: -len(ending)]
    return word
