"""Find a definition in a file, and the one that a model wrote for it in an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from repoagent.edits.errors import EditRefused
from repoagent.edits.layout import split_lines
from repoagent.languages.tree_sitter.process import read_syntax
from repoagent.languages.tree_sitter.syntax import DefinitionSpan, Syntax
from repoagent.languages.tree_sitter.table import LanguageRow

_CUTS = 3
"""Lines from which on an answer is read that is not understood as a whole."""


@dataclass(frozen=True)
class LocatedDefinition:
    """A definition, in the text that holds it."""

    source: str
    syntax: Syntax
    span: DefinitionSpan

    @property
    def text(self) -> str:
        """Its text, from its first annotation to its end."""
        return self.source[self.span.start : self.span.end]

    @property
    def lines(self) -> tuple[int, int]:
        """Its first and its last line, counted from 1."""
        return find_line(self.source, self.span.start), find_line(self.source, max(self.span.end - 1, self.span.start))


def find_line(source: str, place: int) -> int:
    """The line, counted from 1, that holds an offset."""
    return source.count("\n", 0, place) + 1


def read(row: LanguageRow, source: str) -> Syntax:
    """What is known of `source`; raises EditRefused where the parser gives up on it."""
    syntax = read_syntax(row.name, source)
    if syntax.failure:
        raise EditRefused(f"not parsable as {row.title}: {syntax.failure}")
    return syntax


def describe_error(row: LanguageRow, source: str, line: int) -> str:
    """What is wrong at `line`, counted from 1, for a message."""
    lines = split_lines(source)
    text = lines[line - 1].strip()[:80] if 0 < line <= len(lines) else ""
    return f"{row.title} syntax error (line {line}: {text})"


def refuse_errors(row: LanguageRow, before: str, after: str) -> Syntax:
    """What is known of `after`; raises EditRefused where it parses worse than `before`.

    It does with more errors, or where `before` has some already, with one in a definition that had none: a parser that
    is lost counts no more errors.
    """
    new = read(row, after)
    if not new.errors:
        return new
    old = read(row, before)
    if new.errors > old.errors:
        raise EditRefused(describe_error(row, after, new.first_error))
    dense = "".join(after.split())
    for header in _list_sound_headers(old) - _list_sound_headers(new):
        if header in dense:  # the definition is still there, and was not broken
            raise EditRefused(describe_error(row, after, new.first_error))
    return new


def _list_sound_headers(syntax: Syntax) -> set[str]:
    return {span.header for span in syntax.definitions if not span.is_broken}


def locate(row: LanguageRow, source: str, qualified: str, start: int | None = None) -> LocatedDefinition:
    """The definition of that name; of several the one that holds line `start`, else the last that has a body.

    Raises EditRefused when there is none.
    """
    syntax = read(row, source)
    found = [LocatedDefinition(source, syntax, span) for span in syntax.definitions if span.qualified == qualified]
    if not found:
        raise EditRefused(f"there is no function or class {qualified} in the file")
    around = [each for each in found if start is not None and each.lines[0] <= start <= each.lines[1]]
    return max(around or found, key=lambda each: each.span.has_body and (each.span.start + 1))


def locate_in_answer(row: LanguageRow, answer: str, target: DefinitionSpan) -> LocatedDefinition:
    """What `answer` defines in the place of `target`; raises EditRefused when it does not.

    Of several it is the one whose qualified name is most alike, then one written in the same way, then the outermost.
    """
    texts = [answer, *_cut_prose(answer, target.name)]
    candidates = next(filter(None, (_find_candidates(row, text, target) for text in texts)), [])
    if not candidates:
        raise EditRefused(f"the answer does not define {target.name}")
    found = min(candidates, key=lambda each: each[:2])[2]
    if found.span.is_broken and not target.is_broken:
        raise EditRefused(f"the answer's {target.name}: {describe_error(row, found.source, found.syntax.first_error)}")
    return found


def _find_candidates(row: LanguageRow, answer: str, target: DefinitionSpan) -> list[_Candidate]:
    """The definitions of an answer that may take the place of `target`, each with how far it is from that."""
    return [
        (_measure_distance(each.span, target), number, each)
        for number, text in enumerate(_read_in_shells(row, answer))
        for each in _list_definitions(row, text)
        if each.span.name == target.name and each.span.kind == target.kind
    ]


def _cut_prose(answer: str, name: str) -> Iterator[str]:
    """The answer from each of the first lines on that name what is looked for: a grammar may be lost in prose."""
    lines = split_lines(answer)
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    naming = [number for number, line in enumerate(lines) if number and word.search(line)]
    return ("".join(lines[number:]) for number in naming[:_CUTS])


def has_definition(row: LanguageRow, answer: str, name: str) -> bool:
    """Whether `answer` defines a function or type of this name, which is not qualified."""
    try:
        return any(
            each.span.name == name for text in _read_in_shells(row, answer) for each in _list_definitions(row, text)
        )
    except EditRefused:
        return False


def list_functions(row: LanguageRow, code: str) -> frozenset[str]:
    """The names of the functions in a piece of code, which may be a method that stands alone; raises EditRefused where
    it does not parse."""
    read_texts = [read(row, text) for text in _read_in_shells(row, code)]
    sound = next((syntax for syntax in read_texts if not syntax.errors and syntax.definitions), None)
    if sound is None:
        raise EditRefused(describe_error(row, code, read_texts[0].first_error))
    return frozenset(span.name for span in sound.definitions if span.kind == "function")


def _read_in_shells(row: LanguageRow, answer: str) -> Iterator[str]:
    """The answer, and the answer with what a grammar may want around it."""
    yield answer
    for before, behind in row.shells:
        yield before + answer + behind


def _list_definitions(row: LanguageRow, text: str) -> Iterator[LocatedDefinition]:
    syntax = read(row, text)
    return (LocatedDefinition(text, syntax, span) for span in syntax.definitions)


_Distance = tuple[bool, int, bool, bool, bool, int]
_Candidate = tuple[_Distance, int, LocatedDefinition]


def _measure_distance(span: DefinitionSpan, target: DefinitionSpan) -> _Distance:
    name = re.sub(r"^_\.", "", span.qualified)
    shared = len(name) if f".{target.qualified}".endswith(f".{name}") else 0
    alike = span.node != target.node, span.header != target.header
    return span.is_broken, -shared, not span.has_body and target.has_body, *alike, name.count(".")
