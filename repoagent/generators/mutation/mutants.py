"""All mutants of a function, the likely ones first."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from repoagent.domain import Location
from repoagent.edits.encoding import readable
from repoagent.edits.syntax import first_line, last_line
from repoagent.generators.mutation.patterns import PATTERNS, Pattern
from repoagent.generators.mutation.target import Change, Proposal, Subject
from repoagent.generators.mutation.vocabulary import Told

_OF_ONE_PATTERN = 4_000
"""Proposals of one pattern for one function that are read at most."""
_UNTOUCHED = 0.1
"""The factor of a prior on lines that no failing run executes."""


@dataclass(frozen=True)
class Mutant:
    """One changed version of a file."""

    pattern: str
    changes: tuple[Change, ...]
    """In the order of the text; offsets of the file's text."""
    line: int
    likelihood: float
    """How likely it is the right one before any run, up to a factor that all mutants of a function share."""

    def apply(self, source: str) -> str:
        """Return the file's text with the change made."""
        return Proposal(self.changes, self.line).apply(source)


def mutants(source: str, location: Location, text: str, limit: int) -> tuple[Mutant, ...]:
    """Generate at most `limit` mutants of the function at `location` that parse and differ in their trees, likely ones
    first.

    A pattern's prior is shared out among its mutants, those that are usual in a function included. A change of lines
    that no failing run executes, as far as the location's lines tell, is less likely; one that brings in a word of the
    issue's `text` is more likely. Raises EditRefused when `source` has no such function.
    """
    target = Subject.find(source, location.symbol, location.start, Told(text))
    ordered = sorted(_weighed(target, location), key=lambda mutant: -mutant.likelihood)
    return tuple(islice(_distinct(target, ordered), limit))


def _weighed(target: Subject, location: Location) -> Iterator[Mutant]:
    """Yield the mutants of every pattern."""
    for pattern in PATTERNS:
        found = list(islice(pattern.propose(target), _OF_ONE_PATTERN))
        yield from _shared(pattern, [*found, *_everywhere(target, found)], location, target.told)


def _shared(pattern: Pattern, found: Sequence[Proposal], location: Location, vocabulary: Told) -> Iterator[Mutant]:
    """Share the prior of a pattern out among its proposals, by how plausible each is."""
    total = pattern.usual + sum(proposal.fit for proposal in found)
    for proposal in found:
        prior = pattern.prior * proposal.fit / total * _suspicion(proposal.line, location.lines)
        yield Mutant(pattern.name, proposal.changes, proposal.line, prior * _named(proposal, vocabulary))


def _everywhere(target: Subject, found: Sequence[Proposal]) -> Iterator[Proposal]:
    """Where a change is on a line that the function has several times, change all of them alike."""
    duplicates = target.twins
    for proposal in found if duplicates else ():
        others = duplicates.get(proposal.line, ())
        start, end = (target.offsets.starts[line] for line in (proposal.line - 1, proposal.line))
        if others and all(start <= change.start and change.end < end for change in proposal.changes):
            shifts = [target.offsets.starts[line - 1] - start for line in (proposal.line, *others)]
            changes = [Change(c.start + by, c.end + by, c.text) for by in sorted(shifts) for c in proposal.changes]
            yield Proposal(tuple(changes), proposal.line, proposal.fit)


def _suspicion(line: int, lines: Sequence[int]) -> float:
    """Return a factor from the place of a line among the suspicious ones; 1 for all where there are none."""
    if not lines:
        return 1.0
    return 1.0 - 0.5 * lines.index(line) / len(lines) if line in lines else _UNTOUCHED


def _named(proposal: Proposal, vocabulary: Told) -> float:
    """Return a factor above 1 for a change that brings in a word of the issue."""
    brought = {word for change in proposal.changes for word in re.findall(r"[A-Za-z_]\w{3,}", change.text)}
    return 1.5 if brought & vocabulary.words else 1.0


def _distinct(target: Subject, ordered: Sequence[Mutant]) -> Iterator[Mutant]:
    """Yield the mutants that parse, without those whose tree is that of an earlier one."""
    lines = target.offsets.starts
    start, end = lines[first_line(target.function) - 1], lines[last_line(target.function)]
    head, body = target.source[:start], target.source[start:end]
    seen = {_shape(body)}
    for mutant in ordered:
        inside = replace(
            mutant, changes=tuple(Change(c.start - len(head), c.end - len(head), c.text) for c in mutant.changes)
        )
        shape = _shape(inside.apply(body))
        if shape and shape not in seen:
            seen.add(shape)
            yield mutant


def _shape(text: str) -> str:
    """Return the tree of a function's text, as text; empty where there is none."""
    indented = text[:1] in " \t"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(readable(f"if 1:\n{text}" if indented else text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return ast.dump(tree) if _compiles(text if not indented else textwrap.dedent(text)) else ""


def _compiles(text: str) -> bool:
    """Return whether a function's text is more than well-formed: no `break` outside of a loop."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(readable(text), "<mutant>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
