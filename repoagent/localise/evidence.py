"""What the clues of an issue say about units: each channel names units, how much, and why.

Weights are shares of the best text score. A channel only ever adds, so that none can push out what the others found.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from repoagent.index.build import Index
from repoagent.index.model import Symbol
from repoagent.index.retrieval.units import Unit, find_unit, is_non_source
from repoagent.localise.signals import IssueFrame, IssueSignals

FRAME, LINK, DOTTED, NAMED, CALLED, PATH, MESSAGE = 0.7, 0.4, 0.2, 0.18, 0.12, 0.25, 0.4
"""What each kind of clue counts at most, in shares of the best text score."""

CALLEE, TESTED = 0.2, 0.4
"""What passes along a call from suspicious code, and from a test that resembles the issue."""

RARE = 3
"""A name defined in more files than this points nowhere."""

LINKS = 20
"""Links that are looked up."""

FRAMES = 4
"""Frames that count, from the bottom: the last one often only raises what another caused."""


@dataclass(frozen=True)
class Signal:
    """One unit, how much more suspicious it is, and why."""

    path: str
    symbol: str
    weight: float
    reason: str


def collect_signals(
    clues: IssueSignals, index: Index, units: Sequence[Unit], without: Collection[str] = ()
) -> Iterator[Signal]:
    """What all channels say, but for those in `without`."""
    channels: dict[str, Callable[[], Iterator[Signal]]] = {
        "frames": lambda: find_by_frames(clues, index),
        "links": lambda: find_by_links(clues, index),
        "dotted": lambda: find_by_dotted_names(clues, index),
        "names": lambda: find_by_names(clues, index),
        "paths": lambda: find_by_paths(clues, index, units),
        "messages": lambda: find_by_messages(clues, index, units),
    }
    for name, channel in channels.items():
        if name not in without:
            yield from channel()


def find_by_frames(clues: IssueSignals, index: Index) -> Iterator[Signal]:
    """Functions in a traceback, the bottom ones most.

    The line is from the reporter's version: it counts where the function agrees, and else the name does.
    """
    paths = [path for path in index.files if not is_non_source(path)]
    places = list(dict.fromkeys(place for frame in clues.frames if (place := _find_place(frame, index, paths))))
    for rank, (path, symbol) in enumerate(places[:FRAMES]):
        yield Signal(path, symbol, FRAME / (1 + rank), f"in the traceback, frame {rank + 1} from the bottom")


def find_by_links(clues: IssueSignals, index: Index) -> Iterator[Signal]:
    """Functions that the issue links to by a line, the first ones most: whoever links to a line has read the code."""
    paths = [path for path in index.files if not is_non_source(path)]
    frames = [IssueFrame(link.file, link.line, "") for link in clues.links[:LINKS]]
    places = dict.fromkeys(place for frame in frames if (place := _find_place(frame, index, paths)))
    for rank, (path, symbol) in enumerate(places):
        yield Signal(path, symbol, LINK / (1 + rank), "linked in the issue")


def find_by_dotted_names(clues: IssueSignals, index: Index) -> Iterator[Signal]:
    """What `package.module.name` means, and methods written as `Class.method`."""
    for dotted in clues.dotted_names[:200]:
        for symbol in index.resolve(dotted) or _find_methods(dotted, index):
            yield from _build_for_symbol(symbol, index, DOTTED, "named in the issue")


def find_by_names(clues: IssueSignals, index: Index) -> Iterator[Signal]:
    """Rare definitions whose name stands in backticks, or is called in a snippet."""
    for names, weight, reason in (
        (clues.quoted_names, NAMED, "named in the issue"),
        (clues.called_names, CALLED, "called in the issue's code"),
    ):
        for name in names[:200]:
            found = [
                symbol for symbol in index.find_symbols(name) if name == symbol.name and not is_non_source(symbol.path)
            ]
            if 0 < len({symbol.path for symbol in found}) <= RARE:
                for symbol in found:
                    yield from _build_for_symbol(symbol, index, weight / len(found) ** 0.5, reason)


def find_by_paths(clues: IssueSignals, index: Index, units: Sequence[Unit]) -> Iterator[Signal]:
    """Everything in a file that the issue names, whether or not by its whole path."""
    for named in clues.paths[:50]:
        found = [path for path in index.files if _is_tail(path, named) or _is_tail(named, path)]
        if 0 < len(found) <= RARE:
            yield from (
                Signal(unit.path, unit.symbol, PATH, "in a file that the issue names")
                for unit in units
                if unit.path in found
            )


def find_by_messages(clues: IssueSignals, index: Index, units: Sequence[Unit]) -> Iterator[Signal]:
    """Functions that hold a constant fragment of a quoted message."""
    for fragment in clues.messages:
        paths = {path for path in dict.fromkeys(unit.path for unit in units) if fragment in index.read_source(path)}
        found = [u for u in units if u.path in paths and fragment in index.read_lines(u.path, u.start, u.end)]
        if 0 < len(found) <= RARE:
            for unit in found:
                yield Signal(unit.path, unit.symbol, MESSAGE / len(found), f"holds the quoted text “{fragment[:40]}”")


def find_by_calls(index: Index, strongest: Mapping[tuple[str, str], float], units: Sequence[Unit]) -> Iterator[Signal]:
    """What suspicious functions call, by names that are defined rarely: one hop, weight .2, shared among the called.

    Of several callers the strongest counts alone, or functions that everybody calls would soak up the suspicion.
    """
    places = {(unit.path, unit.symbol): unit for unit in units}
    best: dict[tuple[str, str], Signal] = {}
    for place, suspicion in strongest.items():
        called = dict.fromkeys((s.path, s.qualified) for s in _find_called(index, places[place]))
        weight = CALLEE * suspicion / max(len(called), 1) ** 0.5
        for callee in called:
            if callee != place and weight > (best[callee].weight if callee in best else 0.0):
                best[callee] = Signal(*callee, weight, f"called by {place[1]}")
    yield from best.values()


def find_by_tests(index: Index, tests: Iterable[tuple[Unit, float]]) -> Iterator[Signal]:
    """What tests call that resemble the issue, by names that are defined rarely, shared among the called."""
    best: dict[tuple[str, str], Signal] = {}
    for test, likeness in tests:
        called = dict.fromkeys((s.path, s.qualified) for s in _find_called(index, test))
        weight = TESTED * likeness / max(len(called), 1) ** 0.5
        for callee in called:
            if weight > (best[callee].weight if callee in best else 0.0):
                best[callee] = Signal(*callee, weight, f"called by the test {test.symbol}, which resembles the issue")
    yield from best.values()


def _find_place(frame: IssueFrame, index: Index, paths: Sequence[str]) -> tuple[str, str] | None:
    file = frame.file.lstrip("./")
    path = max((path for path in paths if _is_tail(frame.file, path) or _is_tail(path, file)), key=len, default=None)
    path = path or _match_without_top(frame.file, paths)
    if path is None:
        return None
    by_line = _find_unit_at(index, path, frame.line) if frame.line else None
    name = frame.function.rpartition(".")[2]
    if not name or (by_line and name in by_line.split(".")):
        return (path, by_line) if by_line else None
    facts = index.read_facts(path)
    same = [symbol for symbol in facts.symbols if symbol.name == name] if facts else []
    nearest = min(same, key=lambda symbol: abs(symbol.start - frame.line), default=None)
    inner = _find_unit_at(index, path, nearest.start) if nearest else None
    return (path, inner) if inner else None


def _is_tail(path: str, tail: str) -> bool:
    return path == tail or path.endswith(f"/{tail}")


def _match_without_top(file: str, paths: Sequence[str]) -> str | None:
    """The repository's `src/package/module.py` for an installed `…/package/module.py`."""
    for path in paths:
        top, _, rest = path.partition("/")
        if rest.count("/") >= 1 and top in {"src", "lib", "python", "source"} and file.endswith(f"/{rest}"):
            return path
    return None


def _find_methods(dotted: str, index: Index) -> tuple[Symbol, ...]:
    """`Class.method` or `method` of a rare name, for what is no import."""
    tail = ".".join(dotted.split(".")[-2:])
    found = [
        symbol for symbol in index.find_symbols(tail) if symbol.qualified == tail and not is_non_source(symbol.path)
    ]
    if not found:
        name = dotted.rpartition(".")[2]
        found = [s for s in index.find_symbols(name) if s.name == name and s.is_function and not is_non_source(s.path)]
    return tuple(found) if len({symbol.path for symbol in found}) <= RARE else ()


def _build_for_symbol(symbol: Symbol, index: Index, weight: float, reason: str) -> Iterator[Signal]:
    """A function itself; for a class its constructor, and a little for each of its methods; where a constant is set."""
    if not symbol.is_type:
        yield Signal(symbol.path, _find_unit_at(index, symbol.path, symbol.start) or "", weight, reason)
        return
    yield Signal(symbol.path, symbol.qualified, weight, reason)
    facts = index.read_facts(symbol.path)
    for method in facts.symbols if facts else ():
        if method.parent == symbol.qualified:
            share = 0.6 if method.name in {"__init__", "__new__", "__call__"} else 0.35
            yield Signal(symbol.path, method.qualified, weight * share, f"in class {symbol.name}, {reason}")


def _find_called(index: Index, unit: Unit) -> Iterator[Symbol]:
    for reference in index.list_calls(unit.path, unit.start, unit.end):
        if unit.symbol:
            found = [symbol for symbol in index.find_symbols(reference.name) if not is_non_source(symbol.path)]
            local = [symbol for symbol in found if symbol.path == unit.path and symbol.is_function]
            yield from local or (found if len(found) <= RARE else ())


def _find_unit_at(index: Index, path: str, line: int) -> str | None:
    facts = index.read_facts(path)
    return find_unit(facts, line) if facts else None
