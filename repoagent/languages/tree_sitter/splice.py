"""Put a function or type that a model has rewritten in its place, in any language that is read by spans."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from repoagent.edits.elision import find_elision
from repoagent.edits.encoding import BOM, restore_bytes
from repoagent.edits.errors import EditRefused
from repoagent.edits.layout import Indentation, choose_line_end, get_indent, get_line_end, reindent, split_lines
from repoagent.languages.tree_sitter.finding import (
    LocatedDefinition,
    find_line,
    locate,
    locate_in_answer,
    refuse_errors,
)
from repoagent.languages.tree_sitter.process import read_syntax
from repoagent.languages.tree_sitter.syntax import DefinitionSpan, Syntax
from repoagent.languages.tree_sitter.table import LanguageRow

_FUNCTION = re.compile(r"(async\s+)?function\b\s*(\*?)\s*")
_ANY = 4
"""Blanks that a level adds where nothing tells."""


def splice_definition(row: LanguageRow, source: str, qualified: str, answer: str, start: int | None = None) -> str:
    """`source` with its definition `qualified` replaced by that in `answer`; see `Language.splice_definition`."""
    if source.startswith(BOM):
        return BOM + splice_definition(row, source.removeprefix(BOM), qualified, answer, start)
    target = locate(row, source, qualified, start)
    plain = restore_bytes(re.sub("\r\n?", "\n", answer).strip("\n") + "\n", source)
    new = locate_in_answer(row, plain, target.span)
    _refuse_elision(row, new, target)
    text, begin = _fit(new, target)
    spliced = source[:begin] + text + source[target.span.end :]
    _refuse_damage(row, spliced, target, begin + len(text))
    same = read_syntax(row.name, spliced).fingerprint == target.syntax.fingerprint
    return source if same else spliced


# --- what is refused --------------------------------------------------------------------------------------------------


def _refuse_elision(row: LanguageRow, new: LocatedDefinition, target: LocatedDefinition) -> None:
    if mark := find_elision(new.text, target.text, row.comments):
        raise EditRefused(f"the answer leaves out code: {mark}")
    if target.span.has_body and not new.span.has_body:
        raise EditRefused(f"the answer only declares {target.span.name}")
    gone = _list_members(target.syntax, target.span) - _list_members(new.syntax, new.span)
    if target.span.kind == "class" and gone:
        raise EditRefused(f"the answer leaves out methods: {', '.join(sorted(gone)[:5])}")


def _list_members(syntax: Syntax, span: DefinitionSpan) -> set[str]:
    return {each.name for each in _select_inside(syntax.definitions, span.start, span.end) if each.kind == "function"}


def _select_inside(spans: Iterable[DefinitionSpan], start: int, end: int) -> list[DefinitionSpan]:
    return [each for each in spans if start <= each.core and each.end <= end]


def _refuse_damage(row: LanguageRow, spliced: str, target: LocatedDefinition, end: int) -> None:
    """Raise EditRefused where the file parses worse than before, or other definitions are not what they were."""
    after, span = refuse_errors(row, target.source, spliced), target.span
    new = _select_inside(after.definitions, span.start, end)
    if not any(each.qualified == span.qualified for each in new):
        raise EditRefused(f"the answer does not define {span.qualified}")
    old = _select_inside(target.syntax.definitions, span.start, span.end)
    if _list_names(after.definitions, new) != _list_names(target.syntax.definitions, old):
        raise EditRefused(f"the answer's {span.name} does not fit into the file")


def _list_names(spans: Sequence[DefinitionSpan], but: Sequence[DefinitionSpan]) -> list[str]:
    return [each.qualified for each in spans if each not in but]


# --- how it is laid out -----------------------------------------------------------------------------------------------


def _fit(new: LocatedDefinition, target: LocatedDefinition) -> tuple[str, int]:
    """The text of the new definition as it shall stand in the file, and where it shall begin.

    What stands above and before the old one stays, unless the new one has all of it.
    """
    keeps = not set(target.span.prefix) <= set(new.span.prefix) or not new.span.prefix
    begin, first = (target.span.core, new.span.core) if keeps else (target.span.start, new.span.start)
    text = _reindent(new, first, target, begin)
    if target.span.node == "method_definition" and new.span.node != "method_definition":
        text = _FUNCTION.sub(lambda match: (match[1] or "") + match[2], text, count=1)
    return text, begin


def _reindent(new: LocatedDefinition, first: int, target: LocatedDefinition, begin: int) -> str:
    number = find_line(new.source, first)
    lines = split_lines(new.source[first : new.span.end])
    head = _find_indent(new.source, first)
    fixed = {line - number + 1 for line in new.syntax.literals}
    old, wanted = _find_unit(lines, head, fixed), _find_unit_of_file(target)
    base = _find_indent(target.source, begin)
    shifted = reindent(
        [head + lines[0], *lines[1:]], Indentation(head, old or wanted), Indentation(base, wanted), fixed
    )
    shifted[0] = shifted[0].removeprefix(base)
    end = choose_line_end(split_lines(target.source), find_line(target.source, begin) - 1)
    return "".join(line.rstrip("\r\n") + (get_line_end(line) and end) for line in shifted)


def _find_indent(source: str, place: int) -> str:
    """What the line around an offset begins with."""
    return get_indent(source[source.rfind("\n", 0, place) + 1 :][:200])


def _find_unit_of_file(target: LocatedDefinition) -> str:
    """What a level adds in the definition; where it has none, in the file."""
    first, last = target.lines
    lines = split_lines(target.source)
    literals = set(target.syntax.literals)
    inside = {line - first + 1 for line in literals}
    base = _find_indent(target.source, target.span.core)
    return _find_unit(lines[first - 1 : last], base, inside) or _find_unit(lines, "", literals) or " " * _ANY


def _find_unit(lines: Sequence[str], base: str, literals: set[int]) -> str:
    """The least that a line is indented by beyond `base`; empty where none is."""
    deeper = [
        space.removeprefix(base)
        for number, line in enumerate(lines, 1)
        if number not in literals and line.strip() and not line.lstrip().startswith("*")
        if (space := get_indent(line)).startswith(base) and space != base
    ]
    return min(deeper, key=len, default="")
