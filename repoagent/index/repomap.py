"""A map of a repository that fits into a prompt: its most used definitions, signatures without bodies.

Files point to the files that define what they import and, with less weight, what they use by name. Rank flows along
these edges (PageRank, as in aider's repository map) and from a file to its definitions that others use.
"""

from __future__ import annotations

import builtins
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from repoagent.index.build import Index
from repoagent.index.model import FileFacts, Symbol
from repoagent.index.retrieval.units import is_non_source

CHARACTERS_PER_TOKEN = 4
DAMPING = 0.85
ROUNDS = 20

MAX_DEFINERS = 5
"""Files that define a name, at most: a name of more files says nothing about which one is used."""

MENTIONED_WEIGHT = 10.0
"""Factor for a name or a file that is mentioned (aider's value)."""

BY_NAME_WEIGHT = 0.1
"""Factor for a name that is used and not imported, which says less."""

PRIVATE_WEIGHT = 0.3
"""Factor for a name that starts with an underscore."""

UseEdges = Mapping[str, Mapping[tuple[str, str], float]]
"""For each file the (file, name) pairs that it uses, with their weights."""


@dataclass(frozen=True)
class RepositoryMap:
    """The chosen definitions."""

    text: str
    """One line for each, under its file."""
    symbols: tuple[Symbol, ...]
    """By path and line."""
    left_out: int
    """Number of definitions that did not fit."""


def build_repository_map(
    index: Index, tokens: int = 1000, mentioned: Collection[str] = (), under: str = ""
) -> RepositoryMap:
    """Choose the most used definitions, in at most `tokens` tokens; `mentioned` are names and paths that count more.

    `under` shows only one folder, or one file; uses from elsewhere still decide what matters in it.
    """
    paths = [path for path in index.files if not is_non_source(path)] or list(index.files)
    ranked = _rank_symbols(index, paths, frozenset(mentioned))
    chosen = [symbol for symbol in ranked if symbol.path.startswith(under)]
    count = _count_fitting(index, chosen, tokens * CHARACTERS_PER_TOKEN)
    fitting = tuple(sorted(chosen[:count], key=lambda symbol: (symbol.path, symbol.start)))
    return RepositoryMap(_render_map(index, fitting), fitting, len(chosen) - count)


def _rank_symbols(index: Index, paths: Collection[str], mentioned: frozenset[str]) -> list[Symbol]:
    """Rank all definitions, the most used first."""
    edges = _collect_edges(index, paths, mentioned)
    rank = _compute_page_rank(paths, edges, mentioned)
    rank_by_name: dict[tuple[str, str], float] = defaultdict(float)
    for path, used in edges.items():
        total = sum(used.values())
        for target, weight in used.items():
            rank_by_name[target] += rank[path] * weight / total
    highest = max(rank_by_name.values(), default=1.0)
    scored = []
    for symbol in (symbol for path in paths for symbol in _list_visible(index.files[path])):
        bonus = highest if symbol.name in mentioned or symbol.qualified in mentioned else 0.0
        score = bonus + rank_by_name.get((symbol.path, symbol.name), 0.0) + 1e-3 * rank[symbol.path]
        scored.append((score, symbol))
    return [symbol for _, symbol in sorted(scored, key=lambda item: (-item[0], item[1].path, item[1].start))]


def _list_visible(facts: FileFacts) -> Iterator[Symbol]:
    """Yield the symbols that can be used from outside: not those inside of functions."""
    functions = {symbol.qualified for symbol in facts.symbols if symbol.is_function}
    return (s for s in facts.symbols if s.parent not in functions and s.kind not in {"cell", "module"})


def _collect_edges(index: Index, paths: Collection[str], mentioned: frozenset[str]) -> UseEdges:
    """Weigh what files take from each other by imports, and by the names that they use, which say less."""
    index.files.load(paths)
    wanted = frozenset(paths)
    defined = {
        name: files
        for name, every in index.files.definers_by_name.items()
        if len(name) > 2
        and name not in _COMMON
        and (files := [path for path in every if path in wanted])
        and len(files) <= MAX_DEFINERS
    }
    edges: dict[str, dict[tuple[str, str], float]] = {}
    for path in paths:
        used: dict[tuple[str, str], float] = defaultdict(float)
        for target, name in _resolve_imports(index, path):
            if target in wanted and target != path:
                used[target, name] += _weigh_name(name, mentioned)
        for name in index.files.list_used_names(path):
            for target in defined.get(name, ()):
                if target != path:
                    used[target, name] += BY_NAME_WEIGHT * _weigh_name(name, mentioned) / len(defined[name])
        if used:
            edges[path] = used
    return edges


def _resolve_imports(index: Index, path: str) -> Iterator[tuple[str, str]]:
    """Yield the files, and the names in them, that the imports of `path` mean."""
    for item in index.files[path].imports:
        found = index.resolve(f"{index.resolve_module_name(item)}.{item.name}") if item.name not in {"", "*"} else ()
        if found:
            yield from ((symbol.path, symbol.name) for symbol in found[:MAX_DEFINERS])
        else:
            yield from ((target, item.name) for target in index.resolve_import(item)[:MAX_DEFINERS])


def _weigh_name(name: str, mentioned: frozenset[str]) -> float:
    return (MENTIONED_WEIGHT if name in mentioned else 1.0) * (PRIVATE_WEIGHT if name.startswith("_") else 1.0)


_COMMON: Final = frozenset(
    name for kind in (str, bytes, list, dict, set, int, float, object, Exception) for name in dir(kind)
) | frozenset(dir(builtins))
"""Names that builtins have as well: a use of one says nothing about who defines it here."""


def _compute_page_rank(paths: Collection[str], edges: UseEdges, mentioned: frozenset[str]) -> dict[str, float]:
    flows = {path: _compute_shares(used) for path, used in edges.items()}
    weights = {path: MENTIONED_WEIGHT if _is_mentioned(path, mentioned) else 1.0 for path in paths}
    total = sum(weights.values()) or 1.0
    base = {path: weight / total for path, weight in weights.items()}
    rank = dict(base)
    for _ in range(ROUNDS):
        following = {path: (1 - DAMPING) * share for path, share in base.items()}
        idle = DAMPING * sum(rank[path] for path in paths if path not in flows)
        for path, shares in flows.items():
            for target, share in shares:
                following[target] += DAMPING * rank[path] * share
        rank = {path: value + idle * base[path] for path, value in following.items()}
    return rank


def _compute_shares(used: Mapping[tuple[str, str], float]) -> list[tuple[str, float]]:
    """Compute the part of its rank that a file gives to each other file."""
    total = sum(used.values())
    shares: dict[str, float] = defaultdict(float)
    for (target, _), weight in used.items():
        shares[target] += weight / total
    return list(shares.items())


def _is_mentioned(path: str, mentioned: frozenset[str]) -> bool:
    return (
        path in mentioned
        or path.rpartition("/")[2] in mentioned
        or path.rpartition("/")[2].partition(".")[0] in mentioned
    )


# --- output -----------------------------------------------------------------------------------------------------------


def _count_fitting(index: Index, symbols: list[Symbol], max_characters: int) -> int:
    """Count how many of `symbols`, from the first, can be shown in `max_characters`."""
    low, high = 0, len(symbols)
    while low < high:
        middle = (low + high + 1) // 2
        shown = sorted(symbols[:middle], key=lambda symbol: (symbol.path, symbol.start))
        if sum(len(line) + 1 for line in _format_lines(index, shown)) <= max_characters:
            low = middle
        else:
            high = middle - 1
    return low


def _render_map(index: Index, symbols: Iterable[Symbol]) -> str:
    return "\n".join(_format_lines(index, symbols))


def _format_lines(index: Index, symbols: Iterable[Symbol]) -> Iterator[str]:
    """Yield each file with its chosen definitions, and above a method the class it is in."""
    for path, group in groupby(symbols, key=lambda symbol: symbol.path):
        yield f"{path}:"
        shown: set[str] = set()
        for symbol in group:
            for outer in _list_with_outer(index, symbol):
                if outer.qualified not in shown:
                    shown.add(outer.qualified)
                    yield f"{outer.start:5} {'    ' * outer.qualified.count('.')}{outer.signature}"


def _list_with_outer(index: Index, symbol: Symbol) -> list[Symbol]:
    """List the symbols around a symbol, from the outermost, and the symbol itself at the end."""
    chain = [symbol]
    while chain[0].parent and (above := index.get_symbol(symbol.path, chain[0].parent)):
        chain.insert(0, above)
    return chain
