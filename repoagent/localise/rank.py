"""Ranks the functions of a repository by how likely the fix of an issue lies in them, without a model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from repoagent.domain import Issue, Location
from repoagent.index.build import Index
from repoagent.index.text import split_lines
from repoagent.localise.bm25 import Scores, score
from repoagent.localise.clues import Clues, read_clues
from repoagent.localise.evidence import Evidence, collect, from_calls
from repoagent.localise.units import Unit, is_aside, units
from repoagent.localise.words import text_terms

HEAD = 30
"""Units that pass suspicion on to what they call."""

FILE_SHARE = 0.3
"""What a unit gets of the best text score in its file."""

MODULE_SHARE = 0.6
"""What a module's own lines keep: a fix is more often in a function."""

EVIDENCE_LIMIT = 1.2
"""Clues add at most this much: then text decides again."""

LINES = 5

_Place = tuple[str, str]


@dataclass
class _Suspect:
    """A unit and what speaks for it, in shares of the best text score."""

    unit: Unit
    text: float
    words: dict[str, float]
    clues: float = 0.0
    reasons: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        share = 1.0 if self.unit.symbol else MODULE_SHARE
        return share * (self.text + min(self.clues, EVIDENCE_LIMIT))

    def add(self, evidence: Evidence) -> None:
        if evidence.weight > self.reasons.get(evidence.reason, 0.0):  # the same thing said twice counts once
            self.clues += evidence.weight - self.reasons.get(evidence.reason, 0.0)
            self.reasons[evidence.reason] = evidence.weight


def localise(issue: Issue, index: Index, limit: int = 20) -> tuple[Location, ...]:
    """The `limit` functions, methods and modules most likely to need the change, most suspicious first.

    BM25F over functions on the raw issue text, to which the traceback frames, names, paths and messages found in it
    add, and one hop along calls: the design of the deterministic localiser roust. Tests, documentation and examples are
    left out while there is anything else.
    """
    clues = read_clues(issue)
    pool = _pool(index, clues)
    scores = score(pool, clues.text)
    suspects = _suspects(pool, scores)
    _add(suspects, collect(clues, index, pool))
    strongest = {place: suspect.total for place, suspect in sorted(suspects.items(), key=_rank)[:HEAD]}
    _add(suspects, from_calls(index, strongest, pool))
    ranked = [suspect for _, suspect in sorted(suspects.items(), key=_rank) if suspect.total > 0]
    return tuple(_location(suspect, scores, clues) for suspect in ranked[:limit])


def _pool(index: Index, clues: Clues) -> tuple[Unit, ...]:
    named = set(clues.paths)
    paths = [path for path in index.files if not is_aside(path) or path in named]
    return tuple(unit for path in paths or index.files for unit in units(index, path))


def _suspects(pool: Sequence[Unit], scores: Scores) -> dict[_Place, _Suspect]:
    top = max(scores.values, default=0.0) or 1.0
    best: dict[str, float] = defaultdict(float)
    for unit, value in zip(pool, scores.values, strict=True):
        best[unit.path] = max(best[unit.path], value / top)
    suspects: dict[_Place, _Suspect] = {}
    for unit, value, words in zip(pool, scores.values, scores.words, strict=True):
        suspect = _Suspect(unit, value / top + FILE_SHARE * best[unit.path], words)
        other = suspects.get((unit.path, unit.symbol))
        if other is None or suspect.text > other.text:  # several of one name: overloads, a property's setter
            suspects[unit.path, unit.symbol] = suspect
    return suspects


def _add(suspects: dict[_Place, _Suspect], found: Iterable[Evidence]) -> None:
    for evidence in found:
        suspect = suspects.get((evidence.path, evidence.symbol))
        if suspect is not None:
            suspect.add(evidence)


def _rank(item: tuple[_Place, _Suspect]) -> tuple[float, _Place]:
    return -item[1].total, item[0]


# --- what is told -----------------------------------------------------------------------------------------------------


def _location(suspect: _Suspect, scores: Scores, clues: Clues) -> Location:
    unit = suspect.unit
    reasons = [reason for reason, _ in sorted(suspect.reasons.items(), key=lambda item: -item[1])[:3]]
    if rare := _rarest(suspect.words):
        reasons.append(f"shares rare words: {', '.join(rare)}")
    lines = _lines(unit, scores, clues) if unit.symbol else ()
    return Location(unit.path, unit.symbol, unit.start, unit.end, round(suspect.total, 4), tuple(reasons), lines)


def _rarest(words: dict[str, float]) -> list[str]:
    """The words that contributed most; of a word and its stem the longer."""
    ranked = sorted(words, key=lambda word: (-words[word], word))[:8]
    return [word for word in ranked if not any(other != word and other.startswith(word) for other in ranked)][:4]


def _lines(unit: Unit, scores: Scores, clues: Clues) -> tuple[int, ...]:
    """The lines of a function that share most with the issue, those of its traceback first."""
    told = {frame.line for frame in clues.frames if unit.path.endswith(frame.file.rpartition("/")[2])}
    found = []
    for number, line in enumerate(split_lines(unit.text), unit.start):
        shared = sum(scores.weights.get(term, 0.0) for term in set(text_terms(line)))
        bonus = 10.0 if number in told and line.strip() else 0.0
        found.append((shared + bonus, -number))
    return tuple(-number for value, number in sorted(found, reverse=True)[:LINES] if value > 0)
