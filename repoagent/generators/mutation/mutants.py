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
"""Proposals of one pattern for one function that are looked at."""
_UNTOUCHED = 0.1
"""What is left of a likelihood on lines that no failing run executes."""


@dataclass(frozen=True)
class Mutant:
    """One changed version of a file."""

    pattern: str
    changes: tuple[Change, ...]
    """In the order of the text; offsets of the file's text."""
    line: int
    likelihood: float
    """Of being the right one, up to a factor that all mutants of a function share."""

    def apply(self, source: str) -> str:
        """The file's text with the change made."""
        return Proposal(self.changes, self.line).apply(source)


def mutants(source: str, target: Location, text: str, most: int) -> tuple[Mutant, ...]:
    """At most `most` mutants of the function at `target` that parse and differ in their trees, most likely first.

    A pattern's prior is shared out among its mutants, those that are usual in a function included. What lies on lines
    that no failing run executes, as far as the target's lines tell, is less likely, and what brings in a word of the
    issue's `text` more. Raises EditRefused when `source` has no such function.
    """
    subject = Subject.find(source, target.symbol, target.start, Told(text))
    ordered = sorted(_weighed(subject, target), key=lambda mutant: -mutant.likelihood)
    return tuple(islice(_distinct(subject, ordered), most))


def _weighed(subject: Subject, target: Location) -> Iterator[Mutant]:
    for pattern in PATTERNS:
        found = list(islice(pattern.propose(subject), _OF_ONE_PATTERN))
        yield from _shared(pattern, [*found, *_everywhere(subject, found)], target, subject.told)


def _shared(pattern: Pattern, found: Sequence[Proposal], target: Location, told: Told) -> Iterator[Mutant]:
    total = pattern.usual + sum(proposal.fit for proposal in found)
    for proposal in found:
        likelihood = pattern.prior * proposal.fit / total * _suspicion(proposal.line, target.lines)
        yield Mutant(pattern.name, proposal.changes, proposal.line, likelihood * _named(proposal, told))


def _everywhere(subject: Subject, found: Sequence[Proposal]) -> Iterator[Proposal]:
    """What changes a line that the function has several times, in each of them."""
    twins = subject.twins
    for proposal in found if twins else ():
        others = twins.get(proposal.line, ())
        start, end = (subject.offsets.starts[line] for line in (proposal.line - 1, proposal.line))
        if others and all(start <= change.start and change.end < end for change in proposal.changes):
            shifts = [subject.offsets.starts[line - 1] - start for line in (proposal.line, *others)]
            changes = [Change(c.start + by, c.end + by, c.text) for by in sorted(shifts) for c in proposal.changes]
            yield Proposal(tuple(changes), proposal.line, proposal.fit)


def _suspicion(line: int, lines: Sequence[int]) -> float:
    """From the place of a line among the suspicious ones; all are equal where there are none."""
    if not lines:
        return 1.0
    return 1.0 - 0.5 * lines.index(line) / len(lines) if line in lines else _UNTOUCHED


def _named(proposal: Proposal, told: Told) -> float:
    """More for a change that brings in what the issue speaks of."""
    brought = {word for change in proposal.changes for word in re.findall(r"[A-Za-z_]\w{3,}", change.text)}
    return 1.5 if brought & told.words else 1.0


def _distinct(subject: Subject, ordered: Sequence[Mutant]) -> Iterator[Mutant]:
    """Those that parse, without those that mean what another one means."""
    lines = subject.offsets.starts
    start, end = lines[first_line(subject.function) - 1], lines[last_line(subject.function)]
    head, body = subject.source[:start], subject.source[start:end]
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
    """The tree of a function's text, as text; empty where there is none."""
    indented = text[:1] in " \t"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(readable(f"if 1:\n{text}" if indented else text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return ast.dump(tree) if _compiles(text if not indented else textwrap.dedent(text)) else ""


def _compiles(text: str) -> bool:
    """Whether a function's text is more than well-formed: no `break` outside of a loop."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(readable(text), "<mutant>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
