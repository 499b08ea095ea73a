"""The outline of a file or a class: what it defines, without the bodies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repoagent.index.build import Index
from repoagent.index.model import Symbol
from repoagent.index.reading.text import split_lines

SUMMARY_LIMIT = 100
"""Characters of a docstring's first line, or of an assignment, that are shown."""

_ASSIGNMENT = re.compile(r"(?P<indent>\s*)(?P<name>(?:self\.)?[A-Za-z_]\w*)\s*(?::[^=]+)?=(?!=)")


def build_outline(index: Index, path: str, qualified: str = "") -> str:
    """Outline `path`, or one class or function in it, one line per definition: number, header, start of the docstring.

    Assignments at module and class level are shown, and the attributes a class sets on itself. Empty for unknown names.
    """
    facts = index.read_facts(path)
    if facts is None:
        return ""
    inside = [s for s in facts.symbols if not qualified or f"{s.qualified}.".startswith(f"{qualified}.")]
    functions = [s for s in facts.symbols if s.is_function]
    shown = [s for s in inside if not any(s.parent == f.qualified for f in functions)]
    lines = split_lines(index.read_source(path))
    entries = [(symbol.start, _format_header(symbol)) for symbol in shown]
    if not qualified:
        entries += _find_assignments(lines, 1, len(lines), "")
    for symbol in shown:
        if symbol.is_type:
            entries += [(line, f"{_format_indent(symbol)}    {text}") for line, text in _find_attributes(lines, symbol)]
    return "\n".join(f"{line:5} {text}" for line, text in sorted(entries))


def _format_header(symbol: Symbol) -> str:
    first = symbol.docstring.partition("\n")[0][:SUMMARY_LIMIT]
    return f"{_format_indent(symbol)}{symbol.signature}{f'  # {first}' if first else ''}"


def _format_indent(symbol: Symbol) -> str:
    return "    " * symbol.qualified.count(".")


def _find_attributes(lines: list[str], symbol: Symbol) -> Iterator[tuple[int, str]]:
    """Yield the assignments in the class body, and the first to each attribute of `self`, as line and text."""
    seen: set[str] = set()
    body = next((line for line in lines[symbol.start :] if line.strip()), "")
    indent = body[: len(body) - len(body.lstrip())]
    for number, text in _find_assignments(lines, symbol.start + 1, symbol.end, None):
        own = text.startswith("self.")
        name = re.split(r"[\s:=]", text, maxsplit=1)[0].removeprefix("self.")
        direct = lines[number - 1].startswith(indent) and not lines[number - 1][len(indent) :][:1].isspace()
        if (own or direct) and name not in seen:
            seen.add(name)
            yield number, text


def _find_assignments(lines: list[str], start: int, end: int, indent: str | None) -> list[tuple[int, str]]:
    """List the assignments in some lines as line and text; only those with just this `indent` unless it is None."""
    found = []
    for number in range(start, end + 1):
        match = _ASSIGNMENT.match(lines[number - 1]) if len(lines[number - 1]) < 2000 else None
        if match and (indent is None or match["indent"] == indent):
            text = lines[number - 1].strip()
            found.append((number, text if len(text) <= SUMMARY_LIMIT else text[:SUMMARY_LIMIT] + "…"))
    return found
