"""Ranks the functions of a repository by how likely the fix of an issue lies in them, without a model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from repoagent.domain import Issue, Location
from repoagent.index.build import Index
from repoagent.index.layers import WORDS, load_layer
from repoagent.index.reading.text import split_lines
from repoagent.index.retrieval import bags
from repoagent.index.retrieval.bm25 import Document, build_documents, score_files, score_units, weigh_terms
from repoagent.index.retrieval.units import Unit, is_non_source, is_test
from repoagent.index.retrieval.words import collect_terms
from repoagent.localise.evidence import Signal, collect_signals, find_by_calls, find_by_tests
from repoagent.localise.sections import count_term_weights
from repoagent.localise.signals import IssueSignals, read_signals
from repoagent.localise.spectrum import Spectrum, find_by_spectrum

HEAD = 30
"""Units that pass suspicion on to what they call."""

TESTS = 20
"""Tests that do."""

TEST_FILES, TELLING = 60, 12
"""Files of tests that are read: those that hold most of so many words that tell most."""

FILE = 0.5
"""What a unit gets of its file's own score, …"""

NEIGHBOUR = 0.2
"""… and of the best unit's in its file. Both in shares of the best in the repository."""

MODULE_SHARE = 0.6
"""What a module's own lines keep: a fix is more often in a function."""

UNREACHED_SHARE = 0.4
"""What a function keeps that the failing run never reached: the fix may be that it does."""

EVIDENCE_LIMIT = 1.2
"""Clues add at most this much: then text decides again."""

TAIL = 5
"""Evidence that is right about the neighbourhood only lifts nothing above this rank."""

LINES = 5

SIGNALS = ("parts", "files", "frames", "links", "dotted", "names", "paths", "messages", "calls", "tests")
"""What speaks for a function beside its own words."""

_Place = tuple[str, str]


@dataclass
class _RankedUnit:
    """A unit and what speaks for it, in shares of the best text score."""

    unit: Unit
    text: float
    words: Mapping[str, float]
    file: float = 0.0
    signals: float = 0.0
    reasons: dict[str, float] = field(default_factory=dict)
    is_reached: bool = True
    """Whether the failing run executed it, as far as is known."""

    @property
    def share(self) -> float:
        """What it keeps of what speaks for it."""
        return (1.0 if self.unit.symbol else MODULE_SHARE) * (1.0 if self.is_reached else UNREACHED_SHARE)

    @property
    def total(self) -> float:
        """How suspicious it is."""
        return self.share * (self.text + self.file + min(self.signals, EVIDENCE_LIMIT))

    def add(self, evidence: Signal) -> None:
        if evidence.weight > self.reasons.get(evidence.reason, 0.0):  # the same thing said twice counts once
            self.signals += evidence.weight - self.reasons.get(evidence.reason, 0.0)
            self.reasons[evidence.reason] = evidence.weight


@dataclass(frozen=True)
class _LocaliserQuery:
    """An issue, ready to be compared with code."""

    signals: IssueSignals
    term_weights: Mapping[str, float]
    idf: dict[str, float] = field(default_factory=dict)
    """What each word is worth in this repository; filled when its code was scored."""

    def get_top_terms(self) -> list[tuple[str, float]]:
        """The words that tell most, with what they are worth."""
        return sorted(self.idf.items(), key=lambda item: (-item[1], item[0]))[:TELLING]


def localise(
    issue: Issue,
    index: Index,
    limit: int = 20,
    *,
    spectrum: Spectrum | None = None,
    without: Collection[str] = (),
) -> tuple[Location, ...]:
    """The `limit` functions, methods and modules most likely to need the change, most suspicious first.

    BM25F over functions and over files on the issue's text, its parts weighted by how much they tell; to which the
    traceback frames, names, paths and messages found in it add, one hop along calls and, in the tail, the tests that
    resemble it: the design of the deterministic localiser roust, with weights of our own. With a `spectrum`, what the
    failing run did not execute comes last. Tests, documentation and examples are left out while there is anything else.

    `without` names signals to do without, for measuring what each is worth: SIGNALS.
    """
    asked = _LocaliserQuery(read_signals(issue), weigh_terms(count_term_weights(issue, equally="parts" in without)))
    documents = _read_documents(index, _choose_paths(index, asked.signals), asked)
    suspects = _score_suspects(documents, asked, 0.0 if "files" in without else 1.0)
    units = [document.unit for document in documents]
    _add_signals(suspects, collect_signals(asked.signals, index, units, without))
    if "calls" not in without:
        strongest = {place: suspect.total for place, suspect in sorted(suspects.items(), key=_get_rank)[:HEAD]}
        _add_signals(suspects, find_by_calls(index, strongest, units))
    if "tests" not in without:
        _add_signals_to_tail(suspects, find_by_tests(index, _find_similar_tests(index, asked)))
    if spectrum:
        _add_signals(suspects, find_by_spectrum(spectrum, units))
        for suspect in suspects.values():
            suspect.is_reached = spectrum.is_reached(suspect.unit)
    ranked = [suspect for _, suspect in sorted(suspects.items(), key=_get_rank) if suspect.total > 0]
    return tuple(_build_location(suspect, index, asked, spectrum) for suspect in ranked[:limit])


def _choose_paths(index: Index, clues: IssueSignals) -> list[str]:
    named = set(clues.paths)
    return [path for path in index.files if not is_non_source(path) or path in named] or list(index.files)


def _read_documents(index: Index, paths: Iterable[str], asked: _LocaliserQuery) -> list[Document]:
    found = {path: bags.decode_bags(data) for path, data in load_layer(index, WORDS, paths).items()}
    return build_documents(found, asked.term_weights)


def _score_suspects(documents: Sequence[Document], asked: _LocaliserQuery, share: float) -> dict[_Place, _RankedUnit]:
    """Every unit with its text score, and with what it gets of its file's, times `share`."""
    scored, worth = score_units(documents, asked.term_weights)
    asked.idf.update(worth)
    files = score_files(documents, asked.term_weights)
    top = max((score.value for score in scored), default=0.0) or 1.0
    top_file = max((score.value for score in files.values()), default=0.0) or 1.0
    best: dict[str, float] = defaultdict(float)
    for document, score in zip(documents, scored, strict=True):
        best[document.unit.path] = max(best[document.unit.path], score.value / top)
    suspects: dict[_Place, _RankedUnit] = {}
    for document, score in zip(documents, scored, strict=True):
        unit = document.unit
        of_file = share * (FILE * files[unit.path].value / top_file + NEIGHBOUR * best[unit.path])
        other = suspects.get((unit.path, unit.symbol))
        if other is None or score.value / top > other.text:  # several of one name: overloads, a property's setter
            suspects[unit.path, unit.symbol] = _RankedUnit(unit, score.value / top, score.words, of_file)
    return suspects


def _find_similar_tests(index: Index, asked: _LocaliserQuery) -> list[tuple[Unit, float]]:
    """The tests that say most of what the issue says, with their score as a share of the best one's."""
    found = load_layer(index, WORDS, (path for path in index.files if is_test(path)))
    telling = [(term.encode(), worth) for term, worth in asked.get_top_terms()]
    likely = sorted(found, key=lambda path: -_measure_likeness(found[path], telling))[:TEST_FILES]
    documents = build_documents({path: bags.decode_bags(found[path]) for path in likely}, asked.term_weights)
    scored, _ = score_units(documents, asked.term_weights)
    pairs = [(document.unit, score.value) for document, score in zip(documents, scored, strict=True)]
    best = sorted((pair for pair in pairs if pair[0].symbol and pair[1] > 0), key=lambda pair: -pair[1])[:TESTS]
    return [(unit, value / best[0][1]) for unit, value in best]


def _measure_likeness(data: bytes, telling: Sequence[tuple[bytes, float]]) -> float:
    """What those of the most telling words are worth that a file has, told without reading it."""
    lowered = data.lower()
    return sum(worth for term, worth in telling if term in lowered)


def _add_signals(suspects: Mapping[_Place, _RankedUnit], found: Iterable[Signal]) -> None:
    for evidence in found:
        suspect = suspects.get((evidence.path, evidence.symbol))
        if suspect is not None:
            suspect.add(evidence)


def _add_signals_to_tail(suspects: Mapping[_Place, _RankedUnit], found: Iterable[Signal]) -> None:
    """Add evidence to what does not rank high anyway, and not so much that it would."""
    totals = sorted((suspect.total for suspect in suspects.values()), reverse=True)[:TAIL]
    limit = totals[-1] if totals else 0.0
    for evidence in found:
        suspect = suspects.get((evidence.path, evidence.symbol))
        if suspect is not None and suspect.total < limit:
            suspect.add(evidence)
            suspect.signals -= max(0.0, (suspect.total - limit) / suspect.share)


def _get_rank(item: tuple[_Place, _RankedUnit]) -> tuple[float, _Place]:
    return -item[1].total, item[0]


# --- what is told -----------------------------------------------------------------------------------------------------


def _build_location(suspect: _RankedUnit, index: Index, asked: _LocaliserQuery, spectrum: Spectrum | None) -> Location:
    unit = suspect.unit
    reasons = [reason for reason, _ in sorted(suspect.reasons.items(), key=lambda item: -item[1])[:3]]
    if rare := _choose_rarest(suspect.words):
        reasons.append(f"shares rare words: {', '.join(rare)}")
    lines = _rank_lines(unit, index, asked) if unit.symbol else ()
    if spectrum and (ran := spectrum.rank_lines(unit)):
        lines = tuple(line for line in lines if line in ran) or ran
    return Location(unit.path, unit.symbol, unit.start, unit.end, round(suspect.total, 4), tuple(reasons), lines)


def _choose_rarest(words: Mapping[str, float]) -> list[str]:
    """The words that contributed most; of a word and its stem the longer."""
    ranked = sorted(words, key=lambda word: (-words[word], word))[:8]
    return [word for word in ranked if not any(other != word and other.startswith(word) for other in ranked)][:4]


def _rank_lines(unit: Unit, index: Index, asked: _LocaliserQuery) -> tuple[int, ...]:
    """The lines of a function that share most with the issue, those of its traceback and of its links first."""
    told = _find_named_lines(unit, asked.signals)
    found = []
    for number, line in enumerate(split_lines(index.read_lines(unit.path, unit.start, unit.end)), unit.start):
        shared = sum(asked.idf.get(term, 0.0) for term in set(collect_terms(line)))
        bonus = told.get(number, 0.0) if line.strip() else 0.0
        found.append((shared + bonus, -number))
    return tuple(-number for value, number in sorted(found, reverse=True)[:LINES] if value > 0)


def _find_named_lines(unit: Unit, clues: IssueSignals) -> dict[int, float]:
    """Lines that the issue names outright, with what that counts: those of frames, and those around links to a
    commit."""
    told = {
        link.line + away: _NAMED_LINE - abs(away)
        for link in clues.links
        if link.is_permanent and _is_same_file(link.file, unit.path)
        for away in range(-_AROUND, _AROUND + 1)
    }
    frames = {frame.line for frame in clues.frames if _is_same_file(frame.file, unit.path)}
    return told | dict.fromkeys(frames, _NAMED_LINE)


def _is_same_file(named: str, path: str) -> bool:
    """Whether a file as it was named may be the one at `path`, by its name and folder: what is above differs between
    machines."""
    one, other = named.split("/"), path.split("/")
    known = min(len(one), len(other), 2)
    return one[-known:] == other[-known:]


_NAMED_LINE = 1000.0
"""More than words are worth together."""
_AROUND = 2
"""Lines above and below of a linked one that may be meant as well."""
