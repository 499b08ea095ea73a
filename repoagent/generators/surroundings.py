"""Describe the surroundings of a function to a model: signatures, not bodies."""

from __future__ import annotations

from collections.abc import Iterator

from repoagent.domain import Location
from repoagent.index.build import Index
from repoagent.index.model import Symbol

_MAX_LINES = 12
"""Lines; small models get worse with more."""


def describe_surroundings(index: Index, target: Location) -> str:
    """Write the signatures of the class around `target`, of its siblings and of what it calls, a line each."""
    lines = [*_describe_class(index, target), *_describe_callees(index, target)]
    return "\n".join(dict.fromkeys(lines[:_MAX_LINES]))


def _describe_class(index: Index, target: Location) -> Iterator[str]:
    """Yield the class and its other methods; nothing for a function of a module."""
    parent = target.symbol.rpartition(".")[0]
    facts = index.read_facts(target.path)
    if not parent or facts is None:
        return
    for symbol in facts.symbols:
        if symbol.qualified == parent:
            yield f"{symbol.signature}:"
        elif symbol.parent == parent and symbol.qualified != target.symbol:
            yield f"    {symbol.signature}: ..."


def _describe_callees(index: Index, target: Location) -> Iterator[str]:
    """Yield the functions of the repository that the target calls, where the name leaves no doubt."""
    called = [call.name for call in index.list_calls(target.path, target.start, target.end)]
    for name in dict.fromkeys(called):
        found = [symbol for symbol in index.find_symbols(name) if symbol.name == name]
        if len(found) == 1 and found[0].qualified != target.symbol:
            yield _describe_symbol(found[0], target)


def _describe_symbol(symbol: Symbol, target: Location) -> str:
    where = "" if symbol.path == target.path else f"  # in {symbol.path}"
    purpose = symbol.docstring.strip().splitlines()[:1]
    return f"{symbol.signature}: ...{where}" + (f"  # {purpose[0][:80]}" if purpose else "")
