"""Describe the surroundings of a function to a model: signatures, not bodies."""

from __future__ import annotations

from collections.abc import Iterator

from repoagent.domain import Location
from repoagent.index.build import Index
from repoagent.index.model import Symbol
from repoagent.languages import language_of
from repoagent.languages.python.language import PYTHON

_MAX_LINES = 12
"""Lines; small models get worse with more."""


def describe_surroundings(index: Index, target: Location) -> str:
    """Write the signatures of the class around `target`, of its siblings and of what it calls, a line each."""
    lines = [*_describe_class(index, target), *_describe_callees(index, target)]
    return "\n".join(dict.fromkeys(lines[:_MAX_LINES]))


def _describe_class(index: Index, target: Location) -> Iterator[str]:
    """Yield the class and its other methods; nothing for a function of a module."""
    parent, opening, body = target.symbol.rpartition(".")[0], *_choose_ends(target.path)
    facts = index.read_facts(target.path)
    if not parent or facts is None:
        return
    for symbol in facts.symbols:
        if symbol.qualified == parent:
            yield f"{symbol.signature}{opening}"
        elif symbol.parent == parent and symbol.qualified != target.symbol:
            yield f"    {symbol.signature}{body}"


def _describe_callees(index: Index, target: Location) -> Iterator[str]:
    """Yield the functions of the repository that the target calls, where the name leaves no doubt."""
    called = [call.name for call in index.list_calls(target.path, target.start, target.end)]
    for name in dict.fromkeys(called):
        found = [symbol for symbol in index.find_symbols(name) if symbol.name == name]
        if len(found) == 1 and found[0].qualified != target.symbol:
            yield _describe_symbol(found[0], target)


def _describe_symbol(symbol: Symbol, target: Location) -> str:
    language = language_of(target.path)
    comment, (_, body) = language.comment if language else "#", _choose_ends(target.path)
    where = "" if symbol.path == target.path else f"  {comment} in {symbol.path}"
    purpose = symbol.docstring.strip().splitlines()[:1]
    return f"{symbol.signature}{body}{where}" + (f"  {comment} {purpose[0][:80]}" if purpose else "")


def _choose_ends(path: str) -> tuple[str, str]:
    """What to write behind the signature of a class, and of a function: in Python a body is needed, elsewhere none."""
    return (":", ": ...") if language_of(path) is PYTHON else ("", "")
