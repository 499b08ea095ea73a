"""Encode the facts of a file for the store, and decode them; the path is left out, as equal files share their facts.

There are three parts, so that a question decodes only what it needs: the names (to find the files that matter at all),
the head (symbols and imports, JSON) and the references (as columns of numbers).
"""

from __future__ import annotations

import json
import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

from repoagent.index.model import DOCSTRING_LIMIT, FileFacts, Import, Symbol, SymbolReference
from repoagent.index.reading.extract import REFERENCE_KINDS, ExtractedFacts
from repoagent.index.reading.imports import ImportRow
from repoagent.index.reading.languages import detect_language


@dataclass(frozen=True, slots=True)
class EncodedFacts:
    """The facts of one file, encoded."""

    defines: str
    """The names of its symbols and variables, each between line feeds."""
    uses: str
    """The names it uses or imports, each between line feeds."""
    head: str
    """Symbols, variables and imports, as JSON."""
    references: bytes


def encode_facts(facts: ExtractedFacts) -> EncodedFacts:
    """Encode `facts` for the store."""
    defines = dict.fromkeys(row.name for rows in (facts.symbols, facts.variables) for row in rows)
    uses = dict.fromkeys([*facts.names, *(name for row in facts.imports for name in _list_mentions(row) if name)])
    head = [
        facts.lines,
        facts.skipped,
        facts.symbols,
        facts.variables,
        facts.imports,
    ]
    columns = (facts.lengths, facts.offsets, facts.which, facts.kinds)
    names = "\n".join(facts.names).encode()
    sizes = struct.pack("<3I", len(facts.lengths), len(facts.offsets), len(names))
    return EncodedFacts(
        _frame_names(defines),
        _frame_names(uses),
        json.dumps(head, ensure_ascii=False, separators=(",", ":")),
        b"".join((sizes, *(bytes(column) for column in columns), names)),
    )


def _list_mentions(row: ImportRow) -> tuple[str, str, str]:
    """List the names by which an import can be found; a module that is only dots is found by one dot."""
    return row.name, row.alias, _get_last_part(row.module) if row.module.strip(".") else "."


def decode_facts(path: str, encoded: EncodedFacts) -> FileFacts:
    """Decode all facts of `path`, references included; raises ValueError for what `encode_facts` did not write."""
    facts = decode_head(path, encoded.head)
    return replace(facts, references=decode_references(facts, encoded.references))


def decode_head(path: str, head: str) -> FileFacts:
    """Decode the facts of `path` without references; raises ValueError for what `encode_facts` did not write."""
    try:
        lines, skipped, symbol_rows, variable_rows, import_rows = json.loads(head)
        symbols = _decode_symbols(path, symbol_rows)
        variables = _decode_symbols(path, variable_rows, symbols)
        imports = tuple(Import(path, *row) for row in import_rows)
    except (TypeError, IndexError) as error:
        raise ValueError(f"not the facts of a file: {error}") from error
    return FileFacts(path, symbols, (), imports, lines, skipped, variables)


def decode_references(
    facts: FileFacts, data: bytes, name: str = "", lines: range | None = None
) -> tuple[SymbolReference, ...]:
    """Decode the references of a file, imports included; only those of a `name` or in some `lines` if given.

    Raises ValueError for broken data.
    """
    uses = _UseColumns(data)
    wanted: Iterable[int] = range(len(uses.which))
    if name:
        place = uses.names.index(name) if name in uses.names else -1
        wanted = (number for number, which in enumerate(uses.which) if which == place)
    if lines is not None:
        start, end = (uses.breaks[min(line, len(uses.breaks)) - 1] for line in (lines.start, lines.stop))
        wanted = (number for number in wanted if start <= uses.offsets[number] < end)
    inside = EnclosingSymbols(facts.symbols)
    found = [_decode_reference(facts.path, uses, number, inside) for number in wanted]
    found += (use for use in _list_import_references(facts, name, inside) if lines is None or use.line in lines)
    return tuple(sorted(found, key=lambda reference: (reference.line, reference.column, reference.name)))


class EnclosingSymbols:
    """Finds the innermost symbol around a place of one file."""

    def __init__(self, symbols: Sequence[Symbol]) -> None:
        self._symbols = symbols
        self._starts = [(symbol.start, symbol.column) for symbol in symbols]
        places: dict[str, int] = {}
        self._outer: list[int] = []
        for number, symbol in enumerate(symbols):
            self._outer.append(places.get(symbol.parent, -1) if symbol.parent else -1)
            places[symbol.qualified] = number

    def find_at(self, line: int, column: int) -> Symbol | None:
        """Find the innermost symbol around the character at `column` of `line`; None at the top of the file."""
        number = bisect_right(self._starts, (line, column)) - 1
        while number >= 0 and (self._symbols[number].end, self._symbols[number].end_column) <= (line, column):
            number = self._outer[number]
        return self._symbols[number] if number >= 0 else None


class _UseColumns:
    """The columns of numbers that `encode_facts` writes for references."""

    def __init__(self, data: bytes) -> None:
        try:
            lines, count, names = struct.unpack_from("<3I", data)
        except struct.error as error:
            raise ValueError("not the references of a file") from error
        ends = [12, 12 + 4 * lines]
        ends += [ends[-1] + 4 * count, ends[-1] + 8 * count, ends[-1] + 9 * count, ends[-1] + 9 * count + names]
        if ends[-1] != len(data):
            raise ValueError("references of a file were cut")
        lengths, self.offsets, self.which = (_decode_column(data[a:b]) for a, b in pairwise(ends[:4]))
        self.breaks = list(accumulate((length + 1 for length in lengths), initial=0))
        self.kinds = data[ends[3] : ends[4]]
        self.names = data[ends[4] :].decode().split("\n") if names else []


def _decode_reference(path: str, uses: _UseColumns, number: int, inside: EnclosingSymbols) -> SymbolReference:
    offset = uses.offsets[number]
    line = bisect_right(uses.breaks, offset)
    column = offset - uses.breaks[line - 1]
    around = inside.find_at(line, column)
    kind = REFERENCE_KINDS[uses.kinds[number]]
    return SymbolReference(path, line, uses.names[uses.which[number]], kind, around.qualified if around else "", column)


def _list_import_references(facts: FileFacts, name: str, inside: EnclosingSymbols) -> Iterator[SymbolReference]:
    for item in facts.imports:
        taken = item.name if item.name not in {"", "*", "default"} else _get_last_part(item.module)
        if not name or name == taken:
            around = inside.find_at(item.line, 0)
            yield SymbolReference(facts.path, item.line, taken, "import", around.qualified if around else "")


def _get_last_part(module: str) -> str:
    """Return the last part of a module's dotted name or path, without the suffix of a file."""
    tail = module.rpartition("/")[2].rpartition("\\")[2].rpartition("::")[2]
    stem, _, ending = tail.rpartition(".")
    return stem or tail if "/" in module or detect_language(tail) else ending


def _decode_symbols(path: str, rows: Sequence[Sequence[Any]], outer: Sequence[Symbol] = ()) -> tuple[Symbol, ...]:
    """Decode rows to symbols; `parent` of a row is a place in `outer`, or among these rows if `outer` is empty."""
    found: list[Symbol] = []
    parents = outer or found
    for row in rows:
        name, kind, start, end, column, end_column, parent, prefix, signature, docstring, bases, decorators = row
        above = parents[parent] if parent >= 0 else None
        around = ".".join(filter(None, (above.qualified if above else "", prefix)))
        qualified = f"{around}.{name}" if around and not (above and above.kind == "cell") else name
        cleaned = _clean_docstring(docstring) if docstring else ""
        found.append(
            Symbol(
                *(path, name, qualified, kind, start, end, signature, cleaned, around, column, end_column),
                tuple(bases),
                tuple(decorators),
            )
        )
    return tuple(found)


def _clean_docstring(docstring: str) -> str:
    from inspect import cleandoc

    return cleandoc(docstring)[:DOCSTRING_LIMIT]


def _frame_names(names: dict[str, None]) -> str:
    return "\n" + "\n".join(names) + "\n" if names else ""


def _decode_column(data: bytes) -> array[int]:
    column = array("I")
    column.frombytes(data)
    return column
