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
from repoagent.edits.encoding import make_parsable, restore_bytes
from repoagent.edits.layout import Indentation, choose_line_end, end_lines, get_indent, split_lines
from repoagent.languages.python.strings import reindent_code
from repoagent.languages.python.syntax import (
    Definable,
    find_definition,
    find_docstring_node,
    find_first_line,
    find_last_line,
    parse,
)

MAX_LINES = 16
"""Lines of one range: as many as a small model writes again without losing any."""


@dataclass(frozen=True)
class StatementRange:
    """Consecutive lines of a file that hold whole statements where they are short enough."""

    first: int
    last: int

    def has_line(self, line: int) -> bool:
        """Return whether the line is one of them."""
        return self.first <= line <= self.last


def find_statement_ranges(
    source: str, symbol: str, start: int, suspicious: Sequence[int], words: Counter[str]
) -> tuple[StatementRange, ...]:
    """Find the ranges of a definition, the most suspicious first, then those that use most of `words`.

    Each is a run of statements that stand beside one another. Raises EditRefused when `source` is not Python.
    """
    source = make_parsable(source)
    definition = find_definition(parse(source), symbol, start)
    if definition is None:
        return ()
    lines = split_lines(source)
    anchors = sorted(_find_anchors(definition), key=lambda line: -_count_known_words(lines[line - 1], words))
    known = [line for line in suspicious if find_first_line(definition) <= line <= find_last_line(definition)]
    found: list[StatementRange] = []
    for line in (*known, *anchors):
        if not any(part.has_line(line) for part in found):
            found.append(_choose_range(definition, line))
    return tuple(dict.fromkeys(found))


def count_words(issue: str) -> Counter[str]:
    """Count how often an issue uses what could be a name."""
    return Counter(re.findall(r"[A-Za-z_]\w{2,}", issue))


def replace_statements(source: str, part: StatementRange, answer: str) -> str:
    """Return `source` with `answer` in the place of `part`; lines around it that the answer repeats are not doubled.

    Raises EditRefused where the answer leaves something out, or the file does not parse with it.
    """
    lines = split_lines(source)
    old = lines[part.first - 1 : part.last]
    new = split_lines(restore_bytes(re.sub("\r\n?", "\n", answer), source))
    new = _strip_neighbours(new, lines[: part.first - 1], lines[part.last :])
    if not any(line.strip() for line in new):
        raise EditRefused("the answer holds no code")
    if mark := find_elision("".join(new), "".join(old)):
        raise EditRefused(f"the answer leaves out code: {mark}")
    base = get_indent(next(line for line in new if line.strip()))
    fitted = end_lines(
        reindent_code(new, Indentation(base, ""), Indentation(get_indent(old[0]), "")),
        choose_line_end(lines, part.first),
    )
    text = "".join([*lines[: part.first - 1], *fitted, *lines[part.last :]])
    parse(text)
    return text


# --- finding them -----------------------------------------------------------------------------------------------------


def _find_anchors(definition: Definable) -> Iterator[int]:
    """Yield the first line of each statement inside, without the docstring."""
    docstring = find_docstring_node(definition.body)
    for node in ast.walk(definition):
        if isinstance(node, ast.stmt) and node is not definition and node is not docstring:
            yield find_first_line(node)


def _count_known_words(line: str, words: Counter[str]) -> int:
    """Count how often the issue uses the words of a line."""
    return sum(words[word] for word in set(re.findall(r"[A-Za-z_]\w{2,}", line)))


def _choose_range(definition: Definable, line: int) -> StatementRange:
    """Choose the largest run of whole statements around a line that is short enough."""
    blocks = list(_find_blocks(definition, line))
    for block in blocks:
        if find_last_line(block[-1]) - find_first_line(block[0]) < MAX_LINES:
            return StatementRange(find_first_line(block[0]), find_last_line(block[-1]))
    return _grow_range(blocks[-1], line) if blocks else StatementRange(line, line)


def _find_blocks(definition: Definable, line: int) -> Iterator[list[ast.stmt]]:
    """Yield the lists of statements that hold a line, from the outermost in."""
    inside: list[ast.AST] = [definition]
    while inside:
        inside, blocks = (
            [],
            [
                b
                for node in inside
                for b in _find_statement_lists(node)
                if find_first_line(b[0]) <= line <= find_last_line(b[-1])
            ],
        )
        for block in blocks:
            yield block
            inside += [n for n in block if find_first_line(n) <= line <= find_last_line(n)]


def _find_statement_lists(node: ast.AST) -> Iterator[list[ast.stmt]]:
    docstring = find_docstring_node(node.body) if isinstance(node, Definable) else None
    for _, value in ast.iter_fields(node):
        if not isinstance(value, list):
            continue
        if statements := [each for each in value if isinstance(each, ast.stmt) and each is not docstring]:
            yield statements
        for each in value:
            if isinstance(each, ast.ExceptHandler | ast.match_case):
                yield each.body


def _grow_range(block: Sequence[ast.stmt], line: int) -> StatementRange:
    """Join a statement with as many of its neighbours as there is room for, those after it first by turns; of a
    statement that is too long, take the lines around the one that is suspected."""
    at = next((i for i, n in enumerate(block) if find_first_line(n) <= line <= find_last_line(n)), 0)
    low = high = at
    if find_last_line(block[at]) - find_first_line(block[at]) >= MAX_LINES:
        first = max(find_first_line(block[at]), line - MAX_LINES // 2)
        return StatementRange(first, min(find_last_line(block[at]), first + MAX_LINES - 1))
    grown = True
    while grown:
        grown = False
        for down, up in ((0, 1), (1, 0)):
            if low - down < 0 or high + up >= len(block):
                continue
            if find_last_line(block[high + up]) - find_first_line(block[low - down]) < MAX_LINES:
                low, high, grown = low - down, high + up, True
    return StatementRange(find_first_line(block[low]), find_last_line(block[high]))


# --- answers ----------------------------------------------------------------------------------------------------------


def _strip_neighbours(new: list[str], before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Drop the lines at both ends that only repeat what stands around the range."""
    plain = [line.strip() for line in new]
    head = _count_overlap([line.strip() for line in before[-_MAX_REPEATED_LINES:]], plain)
    tail = _count_overlap([*reversed([line.strip() for line in after[:_MAX_REPEATED_LINES]])], [*reversed(plain)])
    return new[head : len(new) - tail] if head + tail < len(new) else new


_MAX_REPEATED_LINES = 40


def _count_overlap(around: Sequence[str], plain: Sequence[str]) -> int:
    """Count how many lines at the beginning of `plain` are the end of `around`; blank ones alone do not count."""
    for count in range(min(len(around), len(plain)), 0, -1):
        if list(around[-count:]) == list(plain[:count]) and any(plain[:count]):
            return count
    return 0
