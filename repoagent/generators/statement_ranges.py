"""Ranges of a long definition that are worth writing again, and how an answer takes the place of one.

A small model that writes hundreds of lines again loses some of them, and on a CPU a whole function of 900 tokens takes
longer than five of its ranges. The whole definition is still shown, so that nothing is guessed.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from repoagent.edits import EditRefused
from repoagent.edits.elision import find_elision
from repoagent.edits.encoding import readable, restored
from repoagent.edits.layout import Indentation, end_near, ended, indent_of, lines_of
from repoagent.edits.strings import reindent_code
from repoagent.edits.syntax import Definable, docstring_node, find_definition, first_line, last_line, parse

LINES = 16
"""Lines of one range: as many as a small model writes again without losing any."""


@dataclass(frozen=True)
class Part:
    """Consecutive lines of a file that hold whole statements where they are short enough."""

    first: int
    last: int

    def holds(self, line: int) -> bool:
        """Return whether the line is one of them."""
        return self.first <= line <= self.last


def parts(source: str, symbol: str, start: int, suspicious: Sequence[int], words: Counter[str]) -> tuple[Part, ...]:
    """Find the ranges of a definition, the most suspicious first, then those that use most of `words`.

    Each is a run of statements that stand beside one another. Raises EditRefused when `source` is not Python.
    """
    source = readable(source)
    definition = find_definition(parse(source), symbol, start)
    if definition is None:
        return ()
    lines = lines_of(source)
    anchors = sorted(_anchors(definition), key=lambda line: -_spoken(lines[line - 1], words))
    known = [line for line in suspicious if first_line(definition) <= line <= last_line(definition)]
    found: list[Part] = []
    for line in (*known, *anchors):
        if not any(part.holds(line) for part in found):
            found.append(_around(definition, line))
    return tuple(dict.fromkeys(found))


def words_of(issue: str) -> Counter[str]:
    """Count how often an issue uses what could be a name."""
    return Counter(re.findall(r"[A-Za-z_]\w{2,}", issue))


def replaced(source: str, part: Part, answer: str) -> str:
    """Return `source` with `answer` in the place of `part`; lines around it that the answer repeats are not doubled.

    Raises EditRefused where the answer leaves something out, or the file does not parse with it.
    """
    lines = lines_of(source)
    old = lines[part.first - 1 : part.last]
    new = lines_of(restored(re.sub("\r\n?", "\n", answer), source))
    new = _without_neighbours(new, lines[: part.first - 1], lines[part.last :])
    if not any(line.strip() for line in new):
        raise EditRefused("the answer holds no code")
    if mark := find_elision("".join(new), "".join(old)):
        raise EditRefused(f"the answer leaves out code: {mark}")
    base = indent_of(next(line for line in new if line.strip()))
    fitted = ended(
        reindent_code(new, Indentation(base, ""), Indentation(indent_of(old[0]), "")), end_near(lines, part.first)
    )
    text = "".join([*lines[: part.first - 1], *fitted, *lines[part.last :]])
    parse(text)
    return text


# --- finding them -----------------------------------------------------------------------------------------------------


def _anchors(definition: Definable) -> Iterator[int]:
    """Yield the first line of each statement inside, without the docstring."""
    docstring = docstring_node(definition.body)
    for node in ast.walk(definition):
        if isinstance(node, ast.stmt) and node is not definition and node is not docstring:
            yield first_line(node)


def _spoken(line: str, words: Counter[str]) -> int:
    """Count how often the issue uses the words of a line."""
    return sum(words[word] for word in set(re.findall(r"[A-Za-z_]\w{2,}", line)))


def _around(definition: Definable, line: int) -> Part:
    """Choose the largest run of whole statements around a line that is short enough."""
    blocks = list(_blocks(definition, line))
    for block in blocks:
        if last_line(block[-1]) - first_line(block[0]) < LINES:
            return Part(first_line(block[0]), last_line(block[-1]))
    return _run(blocks[-1], line) if blocks else Part(line, line)


def _blocks(definition: Definable, line: int) -> Iterator[list[ast.stmt]]:
    """Yield the lists of statements that hold a line, from the outermost in."""
    inside: list[ast.AST] = [definition]
    while inside:
        inside, blocks = (
            [],
            [b for node in inside for b in _lists(node) if first_line(b[0]) <= line <= last_line(b[-1])],
        )
        for block in blocks:
            yield block
            inside += [n for n in block if first_line(n) <= line <= last_line(n)]


def _lists(node: ast.AST) -> Iterator[list[ast.stmt]]:
    docstring = docstring_node(node.body) if isinstance(node, Definable) else None
    for _, value in ast.iter_fields(node):
        if not isinstance(value, list):
            continue
        if statements := [each for each in value if isinstance(each, ast.stmt) and each is not docstring]:
            yield statements
        for each in value:
            if isinstance(each, ast.ExceptHandler | ast.match_case):
                yield each.body


def _run(block: Sequence[ast.stmt], line: int) -> Part:
    """Join a statement with as many of its neighbours as there is room for, those after it first by turns; of a
    statement that is too long, take the lines around the one that is suspected."""
    at = next((i for i, n in enumerate(block) if first_line(n) <= line <= last_line(n)), 0)
    low = high = at
    if last_line(block[at]) - first_line(block[at]) >= LINES:
        first = max(first_line(block[at]), line - LINES // 2)
        return Part(first, min(last_line(block[at]), first + LINES - 1))
    grown = True
    while grown:
        grown = False
        for down, up in ((0, 1), (1, 0)):
            if low - down < 0 or high + up >= len(block):
                continue
            if last_line(block[high + up]) - first_line(block[low - down]) < LINES:
                low, high, grown = low - down, high + up, True
    return Part(first_line(block[low]), last_line(block[high]))


# --- answers ----------------------------------------------------------------------------------------------------------


def _without_neighbours(new: list[str], before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Drop the lines at both ends that only repeat what stands around the range."""
    plain = [line.strip() for line in new]
    head = _overlap([line.strip() for line in before[-_REPEATED:]], plain)
    tail = _overlap([*reversed([line.strip() for line in after[:_REPEATED]])], [*reversed(plain)])
    return new[head : len(new) - tail] if head + tail < len(new) else new


_REPEATED = 40


def _overlap(around: Sequence[str], plain: Sequence[str]) -> int:
    """Count how many lines at the beginning of `plain` are the end of `around`; blank ones alone do not count."""
    for count in range(min(len(around), len(plain)), 0, -1):
        if list(around[-count:]) == list(plain[:count]) and any(plain[:count]):
            return count
    return 0
