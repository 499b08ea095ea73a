"""Read the bytes of one file, whatever the file is, into facts."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from repoagent.index.reading import notebook
from repoagent.index.reading.extract import Extracted, SymbolRow, extract
from repoagent.index.reading.languages import LANGUAGES, VERSION, Language, language_of
from repoagent.index.reading.skipping import reason_by_content
from repoagent.index.reading.text import decode

_CPP = next(language for language in LANGUAGES if language.name == "cpp")
_CPP_HEADER = re.compile(rb"^[ \t]*(class|namespace|template|using)\b", re.MULTILINE)


def read(path: str, content: bytes) -> Extracted:
    """Read the facts of the file `path`; what cannot be read of it is left out, and nothing is raised."""
    language = language_of(path)
    if language is None:
        return Extracted(skipped="in no language the index knows")
    if language.name == "notebook":
        return _notebook(language, content)
    if reason := reason_by_content(path, content):
        return Extracted(skipped=reason)
    return extract(_CPP if is_cpp_header(path, content) else language, content)


def is_cpp_header(path: str, content: bytes) -> bool:
    """Whether a header, which C and C++ share the ending of, is C++."""
    return path.endswith(".h") and _CPP_HEADER.search(content) is not None


def key_of(path: str, content: bytes) -> bytes:
    """Compute the key of a file's facts: the 16 bytes depend on the content, the language and VERSION."""
    language = language_of(path)
    person = f"{language.name if language else ''}{VERSION}".encode()[:16]
    return hashlib.blake2b(content, digest_size=16, person=person).digest()


def text_of(path: str, content: bytes) -> str:
    """Decode the text in which the ranges of `read` count: of a notebook its cells one after the other."""
    if path.endswith(".ipynb"):
        return notebook.view(content).encode("utf-8", "replace").decode()
    return decode(content)


def _notebook(language: Language, content: bytes) -> Extracted:
    try:
        cells = notebook.cells(content)
    except ValueError:
        return Extracted(skipped="no notebook")
    facts = extract(language, "".join(cell.text for cell in cells).encode("utf-8", "replace"))
    rows = _cell_rows(cells)
    return replace(facts, symbols=_merged(rows, facts.symbols), variables=_placed(rows, facts.symbols, facts.variables))


def _cell_rows(cells: Sequence[notebook.Cell]) -> list[SymbolRow]:
    """Make a symbol for each cell, in the lines of the view."""
    rows, start = [], 1
    for cell in cells:
        lines = cell.text.rstrip("\n").split("\n")
        name, end = f"cell {cell.number}", start + len(lines) - 1
        rows.append(SymbolRow(name, "cell", start, end, 0, len(lines[-1]), -1, "", lines[0], ""))
        start += cell.text.count("\n")
    return rows


def _merged(cells: Sequence[SymbolRow], symbols: Sequence[SymbolRow]) -> list[SymbolRow]:
    """Merge cells and symbols in their order; symbols without a parent get their cell."""
    both = [*cells, *_placed(cells, symbols, symbols)]
    order = _order(cells, symbols)
    return [both[place] for place in order]


def _placed(cells: Sequence[SymbolRow], symbols: Sequence[SymbolRow], rows: Sequence[SymbolRow]) -> list[SymbolRow]:
    """Renumber the parents of `rows` to count among cells and symbols together."""
    now = {old: new for new, old in enumerate(_order(cells, symbols))}
    starts = [cell.start for cell in cells]
    return [
        row._replace(
            parent=now[len(cells) + row.parent] if row.parent >= 0 else now[bisect_right(starts, row.start) - 1],
        )
        for row in rows
    ]


def _order(cells: Sequence[SymbolRow], symbols: Sequence[SymbolRow]) -> list[int]:
    both = [*cells, *symbols]
    return sorted(range(len(both)), key=lambda place: (both[place].start, both[place].column, place))
