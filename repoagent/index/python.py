"""Facts of one Python file, by tree-sitter: what is broken in it costs only what is broken."""

from __future__ import annotations

import inspect
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from repoagent.index.model import DOCSTRING_LIMIT, FileFacts, Import, Reference, ReferenceKind, Symbol, SymbolKind
from repoagent.index.text import decode, is_binary

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query

DEPTH_LIMIT = 300
"""Patterns are not looked for deeper than this: on hostile nesting the query's time is quadratic in the depth, and its
recursion ends the process."""

WIDTH_LIMIT = 5_000
"""A broken file whose root has more children than this is no Python, and takes a query minutes."""

SIGNATURE_LIMIT = 400

_Captures = Mapping[str, "list[Node]"]


def read(path: str, content: bytes) -> FileFacts:
    """The facts of the Python file `path`; what cannot be parsed is left out, and nothing raises."""
    if is_binary(content):
        return FileFacts(path, skipped="binary")
    source = decode(content).encode("utf-8", "replace")
    lines = source.count(b"\n") + (not source.endswith(b"\n"))
    root = _parser().parse(source).root_node
    if root.has_error and root.child_count > WIDTH_LIMIT:
        return FileFacts(path, lines=lines, skipped="too broken to parse")
    captures = _captures(root)
    symbols = tuple(_symbols(path, source, captures))
    imports = tuple(_imports(path, captures.get("import", ())))
    references = _references(path, source, captures, symbols, imports)
    return FileFacts(path, symbols, references, imports, lines)


@cache
def _parser() -> Parser:
    import tree_sitter_python
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_python.language()))


@cache
def _query() -> Query:
    from tree_sitter import Language, Query

    language = cast("Language", _parser().language)
    return Query(language, (Path(__file__).parent / "queries" / "python.scm").read_text(encoding="utf-8"))


def _captures(root: Node) -> _Captures:
    from tree_sitter import QueryCursor

    cursor = QueryCursor(_query())
    cursor.set_max_start_depth(DEPTH_LIMIT)
    return cursor.captures(root)


# --- definitions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Definition:
    node: Node
    start: int
    """First byte, decorators included."""
    is_class: bool


def _symbols(path: str, source: bytes, captures: _Captures) -> Iterator[Symbol]:
    around: list[tuple[int, Symbol]] = []  # what is open here, outermost first, with its last byte
    for definition in _definitions(captures):
        while around and around[-1][0] <= definition.start:
            around.pop()
        symbol = _symbol(path, source, definition, around[-1][1] if around else None)
        if symbol is not None:
            around.append((definition.node.end_byte, symbol))
            yield symbol


def _definitions(captures: _Captures) -> list[_Definition]:
    decorated = {}
    for node in captures.get("decorated", ()):
        inner = node.child_by_field_name("definition")
        if inner is not None:
            decorated[inner.id] = node.start_byte
    found = [
        _Definition(node, decorated.get(node.id, node.start_byte), kind == "class")
        for kind in ("function", "class")
        for node in captures.get(kind, ())
    ]
    return sorted(found, key=lambda definition: (definition.start, -definition.node.end_byte))


def _symbol(path: str, source: bytes, definition: _Definition, parent: Symbol | None) -> Symbol | None:
    node = definition.node
    named = node.child_by_field_name("name")
    if named is None or not (name := _text(source, named)):
        return None
    return Symbol(
        path=path,
        name=name,
        qualified=f"{parent.qualified}.{name}" if parent else name,
        kind=_kind(definition, parent),
        start=source.count(b"\n", 0, definition.start) + 1,
        end=_last_line(node),
        signature=_signature(source, node),
        docstring=_docstring(source, node),
        parent=parent.qualified if parent else "",
    )


def _kind(definition: _Definition, parent: Symbol | None) -> SymbolKind:
    if definition.is_class:
        return "class"
    return "method" if parent is not None and parent.kind == "class" else "function"


def _last_line(node: Node) -> int:
    row, column = node.end_point
    return row if column == 0 and row > node.start_point[0] else row + 1


def _signature(source: bytes, node: Node) -> str:
    fields = [node.child_by_field_name(name) for name in ("return_type", "parameters", "superclasses", "name")]
    end = max(field.end_byte for field in fields if field is not None)
    text = " ".join(source[node.start_byte : end].decode("utf-8", "replace").split())
    text = text.replace("( ", "(").replace(", )", ")").replace(" )", ")")
    return text if len(text) <= SIGNATURE_LIMIT else text[: SIGNATURE_LIMIT - 1] + "…"


def _docstring(source: bytes, node: Node) -> str:
    body = node.child_by_field_name("body")
    first = _first_child(body, "expression_statement") if body is not None else None
    text = _first_child(first, "string") if first is not None and first.named_child_count == 1 else None
    if text is None:
        return ""
    match = _STRING.fullmatch(_text(source, text))
    return inspect.cleandoc(match[2])[:DOCSTRING_LIMIT] if match else ""


def _first_child(node: Node, kind: str) -> Node | None:
    """The first child of `node`, comments aside, if it is of this kind."""
    children = (child for child in node.named_children if child.type != "comment")
    first = next(children, None)
    return first if first is not None and first.type == kind else None


_STRING = re.compile(r"[a-zA-Z]{0,2}('''|\"\"\"|'|\")(.*)\1", re.DOTALL)


# --- imports ----------------------------------------------------------------------------------------------------------


def _imports(path: str, statements: Iterable[Node]) -> Iterator[Import]:
    for statement in sorted(statements, key=lambda node: node.start_byte):
        line = statement.start_point[0] + 1
        if statement.type == "import_statement":
            for name, alias in _imported(statement):
                yield Import(path, name, "", alias or name.partition(".")[0], line)
            continue
        module = _node_text(statement.child_by_field_name("module_name")) or "__future__"
        if any(child.type == "wildcard_import" for child in statement.named_children):
            yield Import(path, module, "*", "*", line)
        for name, alias in _imported(statement):
            yield Import(path, module, name, alias or name, line)


def _imported(statement: Node) -> Iterator[tuple[str, str]]:
    for child in statement.children_by_field_name("name"):
        if child.type == "aliased_import":
            name, alias = child.child_by_field_name("name"), child.child_by_field_name("alias")
            yield _node_text(name), _node_text(alias)
        else:
            yield _node_text(child), ""


def _node_text(node: Node | None) -> str:
    if node is None or node.text is None:
        return ""
    return "".join(node.text.decode("utf-8", "replace").split())


# --- references -------------------------------------------------------------------------------------------------------


def _references(
    path: str, source: bytes, captures: _Captures, symbols: tuple[Symbol, ...], imports: tuple[Import, ...]
) -> tuple[Reference, ...]:
    known = {symbol.name for symbol in symbols} | {item.alias for item in imports}
    owners = _owners(symbols, source.count(b"\n") + 2)
    found = {
        Reference(path, line, name, kind, owners[line])
        for line, name, kind in _uses(source, captures)
        if kind != "name" or name in known or "*" in known
    }
    found |= {Reference(path, item.line, _imported_name(item), "import", owners[item.line]) for item in imports}
    return tuple(sorted(found, key=lambda reference: (reference.line, reference.name, reference.kind)))


def _owners(symbols: tuple[Symbol, ...], size: int) -> list[str]:
    """For every line the innermost symbol around it."""
    owners = [""] * (size + 1)
    for symbol in symbols:  # from the outside in, so that the innermost is written last
        owners[symbol.start : symbol.end + 1] = [symbol.qualified] * (symbol.end + 1 - symbol.start)
    return owners


def _uses(source: bytes, captures: _Captures) -> Iterator[tuple[int, str, ReferenceKind]]:
    breaks = [match.start() for match in re.finditer(b"\n", source)]
    called = set()
    kinds: tuple[ReferenceKind, ...] = ("call", "attribute", "name")
    for kind in kinds:
        for node in captures.get(kind, ()):
            start, end = node.start_byte, node.end_byte
            if kind == "call":
                called.add(start)
            elif start in called:
                continue
            yield bisect_right(breaks, start) + 1, source[start:end].decode("utf-8", "replace"), kind


def _imported_name(item: Import) -> str:
    return item.name if item.name not in {"", "*"} else item.module.rpartition(".")[2] or item.module


def _text(source: bytes, node: Node) -> str:
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")
