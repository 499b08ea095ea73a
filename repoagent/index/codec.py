"""Facts of a file as one compact line and back; the path is left out, because equal files share their facts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from repoagent.index.model import FileFacts, Import, Reference, ReferenceKind, Symbol

_KINDS: Final[tuple[ReferenceKind, ...]] = ("call", "attribute", "import", "name")


_SEPARATOR: Final = "\t"
"""Between definitions and references; JSON never holds a bare one."""


def encode(facts: FileFacts) -> str:
    """`facts` as one line of text."""
    owners = {"": -1} | {symbol.qualified: place for place, symbol in enumerate(facts.symbols)}
    head = [
        facts.lines,
        facts.skipped,
        [[s.name, s.qualified, s.kind, s.start, s.end, s.signature, s.docstring, s.parent] for s in facts.symbols],
        [[i.module, i.name, i.alias, i.line] for i in facts.imports],
    ]
    references = [[r.line, r.name, _KINDS.index(r.kind), owners[r.inside]] for r in facts.references]
    return _json(head) + _SEPARATOR + _json(references)


def decode(path: str, text: str) -> FileFacts:
    """What `encode` wrote, as facts of `path`; raises ValueError for anything else."""
    head, _, rest = text.partition(_SEPARATOR)
    facts = _head(path, head)
    owners = [*(symbol.qualified for symbol in facts.symbols), ""]
    try:
        references = tuple(
            Reference(path, line, name, _KINDS[kind], owners[owner]) for line, name, kind, owner in json.loads(rest)
        )
    except (TypeError, IndexError) as error:
        raise ValueError(f"not the references of a file: {error}") from error
    return replace(facts, references=references)


def decode_definitions(path: str, text: str) -> FileFacts:
    """The same without the references, which are nine tenths of the work."""
    return _head(path, text.partition(_SEPARATOR)[0])


def mentions(text: str, name: str) -> bool:
    """Whether encoded facts can hold `name`: cheap, and never wrong about a no."""
    return _json(name) in text


def _head(path: str, text: str) -> FileFacts:
    try:
        lines, skipped, symbol_rows, import_rows = json.loads(text)
        symbols = tuple(Symbol(path, *row) for row in symbol_rows)
        imports = tuple(Import(path, *row) for row in import_rows)
    except TypeError as error:
        raise ValueError(f"not the facts of a file: {error}") from error
    return FileFacts(path, symbols, (), imports, lines, skipped)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
