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
from repoagent.edits.encoding import make_parsable
from repoagent.generators.mutation.patterns import PATTERNS, MutationPattern
from repoagent.generators.mutation.target import MutationProposal, MutationTarget, TextChange
from repoagent.generators.mutation.vocabulary import IssueVocabulary
from repoagent.languages.python.syntax import find_first_line, find_last_line
from repoagent.python_ast import parse_python

_MAX_PROPOSALS = 4_000
"""Proposals of one pattern for one function that are read at most."""
_UNEXECUTED_FACTOR = 0.1
"""The factor of a prior on lines that no failing run executes."""


@dataclass(frozen=True)
class Mutant:
    """One changed version of a file."""

    pattern: str
    changes: tuple[TextChange, ...]
    """In the order of the text; offsets of the file's text."""
    line: int
    pattern_prior: float
    """How likely it is the right one before any run, up to a factor that all mutants of a function share."""

    def apply(self, source: str) -> str:
        """Return the file's text with the change made."""
        return MutationProposal(self.changes, self.line).apply(source)


def generate_mutants(
    source: str, location: Location, text: str, limit: int, patterns: Sequence[MutationPattern] = PATTERNS
) -> tuple[Mutant, ...]:
    """Generate at most `limit` mutants of the function at `location` that parse and differ in their trees, likely ones
    first.

    A pattern's prior is shared out among its mutants, those that are usual in a function included. A change of lines
    that no failing run executes, as far as the location's lines tell, is less likely; one that brings in a word of the
    issue's `text` is more likely. Only `patterns` are used. Raises EditRefused when `source` has no such function.
    """
    target = MutationTarget.find(source, location.symbol, location.start, IssueVocabulary(text))
    ordered = sorted(_propose_mutants(target, location, patterns), key=lambda mutant: -mutant.pattern_prior)
    return tuple(islice(_select_distinct(target, ordered), limit))


def _propose_mutants(
    target: MutationTarget, location: Location, patterns: Sequence[MutationPattern]
) -> Iterator[Mutant]:
    """Yield the mutants of every pattern."""
    for pattern in patterns:
        found = list(islice(pattern.propose(target), _MAX_PROPOSALS))
        yield from _share_prior(
            pattern, [*found, *_repeat_on_duplicate_lines(target, found)], location, target.vocabulary
        )


def _share_prior(
    pattern: MutationPattern, found: Sequence[MutationProposal], location: Location, vocabulary: IssueVocabulary
) -> Iterator[Mutant]:
    """Share the prior of a pattern out among its proposals, by how plausible each is."""
    total = pattern.usual_plausibility + sum(proposal.plausibility for proposal in found)
    for proposal in found:
        prior = pattern.prior * proposal.plausibility / total * _weigh_line(proposal.line, location.lines)
        yield Mutant(pattern.name, proposal.changes, proposal.line, prior * _weigh_words(proposal, vocabulary))


def _repeat_on_duplicate_lines(target: MutationTarget, found: Sequence[MutationProposal]) -> Iterator[MutationProposal]:
    """Where a change is on a line that the function has several times, change all of them alike."""
    duplicates = target.duplicate_lines
    for proposal in found if duplicates else ():
        others = duplicates.get(proposal.line, ())
        start, end = (target.offsets.starts[line] for line in (proposal.line - 1, proposal.line))
        if others and all(start <= change.start and change.end < end for change in proposal.changes):
            shifts = [target.offsets.starts[line - 1] - start for line in (proposal.line, *others)]
            changes = [TextChange(c.start + by, c.end + by, c.text) for by in sorted(shifts) for c in proposal.changes]
            yield MutationProposal(tuple(changes), proposal.line, proposal.plausibility)


def _weigh_line(line: int, lines: Sequence[int]) -> float:
    """Return a factor from the place of a line among the suspicious ones; 1 for all where there are none."""
    if not lines:
        return 1.0
    return 1.0 - 0.5 * lines.index(line) / len(lines) if line in lines else _UNEXECUTED_FACTOR


def _weigh_words(proposal: MutationProposal, vocabulary: IssueVocabulary) -> float:
    """Return a factor above 1 for a change that brings in a word of the issue."""
    brought = {word for change in proposal.changes for word in re.findall(r"[A-Za-z_]\w{3,}", change.text)}
    return 1.5 if brought & vocabulary.words else 1.0


def _select_distinct(target: MutationTarget, ordered: Sequence[Mutant]) -> Iterator[Mutant]:
    """Yield the mutants that parse, without those whose tree is that of an earlier one."""
    lines = target.offsets.starts
    start, end = lines[find_first_line(target.function) - 1], lines[find_last_line(target.function)]
    head, body = target.source[:start], target.source[start:end]
    seen = {_dump_tree(body)}
    for mutant in ordered:
        inside = replace(
            mutant, changes=tuple(TextChange(c.start - len(head), c.end - len(head), c.text) for c in mutant.changes)
        )
        shape = _dump_tree(inside.apply(body))
        if shape and shape not in seen:
            seen.add(shape)
            yield mutant


def _dump_tree(text: str) -> str:
    """Return the tree of a function's text, as text; empty where there is none."""
    indented = text[:1] in " \t"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parse_python(make_parsable(f"if 1:\n{text}" if indented else text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return ast.dump(tree) if _is_compilable(text if not indented else textwrap.dedent(text)) else ""


def _is_compilable(text: str) -> bool:
    """Return whether a function's text is more than well-formed: no `break` outside of a loop."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(make_parsable(text), "<mutant>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
