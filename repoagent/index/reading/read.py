"""Read the bytes of one file, whatever the file is, into facts."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from repoagent.index.reading import notebook
from repoagent.index.reading.extract import ExtractedFacts, SymbolRow, extract_facts
from repoagent.index.reading.languages import LANGUAGES, VERSION, IndexedLanguage, detect_language
from repoagent.index.reading.skipping import explain_skip_by_content
from repoagent.index.reading.text import decode_source

_CPP = next(language for language in LANGUAGES if language.name == "cpp")
_CPP_HEADER = re.compile(rb"^[ \t]*(class|namespace|template|using)\b", re.MULTILINE)


def read_file(path: str, content: bytes) -> ExtractedFacts:
    """Read the facts of the file `path`; what cannot be read of it is left out, and nothing is raised."""
    language = detect_language(path)
    if language is None:
        return ExtractedFacts(skipped="in no language the index knows")
    if language.name == "notebook":
        return _read_notebook(language, content)
    if reason := explain_skip_by_content(path, content):
        return ExtractedFacts(skipped=reason)
    return extract_facts(_CPP if is_cpp_header(path, content) else language, content)


def is_cpp_header(path: str, content: bytes) -> bool:
    """Whether a header, which C and C++ share the ending of, is C++."""
    return path.endswith(".h") and _CPP_HEADER.search(content) is not None


def compute_key(path: str, content: bytes) -> bytes:
    """Compute the key of a file's facts: the 16 bytes depend on the content, the language and VERSION."""
    language = detect_language(path)
    person = f"{language.name if language else ''}{VERSION}".encode()[:16]
    return hashlib.blake2b(content, digest_size=16, person=person).digest()


def decode_text(path: str, content: bytes) -> str:
    """Decode the text in which the ranges of `read_file` count: of a notebook its cells one after the other."""
    if path.endswith(".ipynb"):
        return notebook.render_notebook(content).encode("utf-8", "replace").decode()
    return decode_source(content)


def _read_notebook(language: IndexedLanguage, content: bytes) -> ExtractedFacts:
    try:
        cells = notebook.read_cells(content)
    except ValueError:
        return ExtractedFacts(skipped="no notebook")
    facts = extract_facts(language, "".join(cell.text for cell in cells).encode("utf-8", "replace"))
    rows = _make_cell_rows(cells)
    return replace(
        facts,
        symbols=_merge_rows(rows, facts.symbols),
        variables=_renumber_parents(rows, facts.symbols, facts.variables),
    )


def _make_cell_rows(cells: Sequence[notebook.Cell]) -> list[SymbolRow]:
    """Make a symbol for each cell, in the lines of the view."""
    rows, start = [], 1
    for cell in cells:
        lines = cell.text.rstrip("\n").split("\n")
        name, end = f"cell {cell.number}", start + len(lines) - 1
        rows.append(SymbolRow(name, "cell", start, end, 0, len(lines[-1]), -1, "", lines[0], ""))
        start += cell.text.count("\n")
    return rows


def _merge_rows(cells: Sequence[SymbolRow], symbols: Sequence[SymbolRow]) -> list[SymbolRow]:
    """Merge cells and symbols in their order; symbols without a parent get their cell."""
    both = [*cells, *_renumber_parents(cells, symbols, symbols)]
    order = _sort_places(cells, symbols)
    return [both[place] for place in order]


def _renumber_parents(
    cells: Sequence[SymbolRow], symbols: Sequence[SymbolRow], rows: Sequence[SymbolRow]
) -> list[SymbolRow]:
    """Renumber the parents of `rows` to count among cells and symbols together."""
    now = {old: new for new, old in enumerate(_sort_places(cells, symbols))}
    starts = [cell.start for cell in cells]
    return [
        row._replace(
            parent=now[len(cells) + row.parent] if row.parent >= 0 else now[bisect_right(starts, row.start) - 1],
        )
        for row in rows
    ]


def _sort_places(cells: Sequence[SymbolRow], symbols: Sequence[SymbolRow]) -> list[int]:
    both = [*cells, *symbols]
    return sorted(range(len(both)), key=lambda place: (both[place].start, both[place].column, place))
