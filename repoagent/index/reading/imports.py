"""Read the imports of a file, in every language, from the text of the statements that our queries capture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Node

    from repoagent.index.reading.languages import IndexedLanguage

TEXT_LIMIT = 20_000
"""Characters of one statement that are read, at most."""


class ImportRow(NamedTuple):
    """One name that a statement binds; see `model.Import`."""

    module: str
    name: str
    alias: str
    line: int


BoundName = tuple[str, str, str]
"""Module, name and alias of an `ImportRow`."""


def read_imports(language: IndexedLanguage, source: bytes, statements: Iterable[Node]) -> list[ImportRow]:
    """Read the imports of a file, in their order."""
    if language.name == "ruby":
        return _read_requires(source, _RUBY)
    rows: list[ImportRow] = []
    read = _READERS[language.name]
    for node in sorted(statements, key=lambda node: node.start_byte):
        line = node.start_point[0] + 1
        rows += [ImportRow(*bound, line) for bound in read(node)]
    return [*rows, *_read_requires(source, _REQUIRE)] if language.name in _WITH_REQUIRE else rows


# --- Python -----------------------------------------------------------------------------------------------------------


def _read_python(statement: Node) -> Iterator[BoundName]:
    text = (statement.text or b"").decode("utf-8", "replace")
    if plain := _PLAIN(text):
        yield from _read_plain(plain[1] or "", plain[2])
    elif statement.type == "import_statement":
        for name, alias in _read_imported_names(statement):
            yield name, "", alias or name.partition(".")[0]
    else:
        module = _decode_node(statement.child_by_field_name("module_name")) or "__future__"
        if any(child.type == "wildcard_import" for child in statement.named_children):
            yield module, "*", "*"
        for name, alias in _read_imported_names(statement):
            yield module, name, alias or name


_PLAIN = re.compile(r"(?:from[ \t]+([\w.]+)[ \t]+)?import[ \t]+([\w., ]+|\([\w,\s]*\))").fullmatch
"""A statement without comments, continued lines and stars. Nearly all are, and are read without their nodes."""


def _read_plain(module: str, listed: str) -> Iterator[BoundName]:
    for item in listed.strip("()").split(","):
        words = item.split()
        if words:
            name, alias = words[0], words[-1]
            yield (module, name, alias) if module else (name, "", alias if len(words) > 1 else name.partition(".")[0])


def _read_imported_names(statement: Node) -> Iterator[tuple[str, str]]:
    for child in statement.children_by_field_name("name"):
        if child.type == "aliased_import":
            name, alias = child.child_by_field_name("name"), child.child_by_field_name("alias")
            yield _decode_node(name), _decode_node(alias)
        else:
            yield _decode_node(child), ""


# --- JavaScript, TypeScript -------------------------------------------------------------------------------------------


def _read_javascript(statement: Node) -> Iterator[BoundName]:
    text = _decode_statement(statement)
    quoted = _QUOTED.search(text)
    if not quoted:
        return
    module, clause = quoted[1] or quoted[2], text[: quoted.start()]
    names = list(_read_braced_names(clause, re.compile(r"\bas\b")))
    yield from ((module, name, alias) for name, alias in names)
    if star := re.search(r"\*\s*(?:as\s+([\w$]+))?", clause):
        yield (module, "", star[1]) if star[1] else (module, "*", "*")
    elif default := re.match(r"import\s+(?:type\s+)?([\w$]+)\s*(?:,|from)", clause):
        yield module, "default", default[1]
    elif not names:
        yield module, "", ""


_QUOTED = re.compile(r"(?:from\s*|import\s*|require\(\s*|include\s*)(?:\"([^\"\n]*)\"|'([^'\n]*)')")
_REQUIRE = re.compile(
    rb"(?:(?P<name>[\w$]+)|\{(?P<names>[^{}]*)\})?[ \t]*=?[ \t]*\brequire\([ \t]*[\"'](?P<module>[^\"'\n]+)[\"']"
)
_WITH_REQUIRE = frozenset({"javascript", "typescript", "tsx"})
_RUBY = re.compile(rb"^[ \t]*require(?P<relative>_relative)?[ \t(]+[\"'](?P<module>[^\"'\n]+)[\"']", re.MULTILINE)


def _read_requires(source: bytes, pattern: re.Pattern[bytes]) -> list[ImportRow]:
    """Read the modules that are loaded by a call, which no query finds as cheaply as a pattern."""
    rows: list[ImportRow] = []
    for match in pattern.finditer(source) if b"require" in source else ():
        groups = {key: (value or b"").decode("utf-8", "replace") for key, value in match.groupdict().items()}
        line = source.count(b"\n", 0, match.start("module")) + 1
        module = f"./{groups['module']}" if groups.get("relative") else groups["module"]
        names = list(_read_braced_names("{" + groups.get("names", "") + "}", re.compile(":")))
        rows += [ImportRow(module, name, alias, line) for name, alias in names]
        if not names:
            rows.append(ImportRow(module, "", groups.get("name", ""), line))
    return rows


def _read_braced_names(text: str, separator: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Yield the names in braces, each with its name in this file."""
    for group in re.findall(r"\{([^{}]*)\}", text):
        for item in group.split(","):
            parts = [part.strip() for part in separator.split(item.replace("type ", " "))]
            if parts[0]:
                yield parts[0], parts[-1]


# --- the others -------------------------------------------------------------------------------------------------------


def _read_go(statement: Node) -> Iterator[BoundName]:
    path = _decode_node(statement.child_by_field_name("path")).strip('"`')
    alias = _decode_node(statement.child_by_field_name("name"))
    if path:
        yield path, "", alias or path.rpartition("/")[2]


def _read_rust(statement: Node) -> Iterator[BoundName]:
    text = _decode_statement(statement)
    text = re.sub(r"^\s*(?:pub(?:\([^)]*\))?\s+)?use\s+", "", text).rstrip("; \n")
    yield from _read_rust_tree(text, "", 0)


def _read_rust_tree(text: str, prefix: str, depth: int) -> Iterator[BoundName]:
    """Yield the leaves of `a::{b, c::{d as e}}`."""
    head, brace, rest = text.partition("{")
    if brace and depth < 20:
        inner = rest.rpartition("}")[0]
        for part in _split_at_commas(inner):
            yield from _read_rust_tree(part, prefix + "".join(head.split()), depth + 1)
        return
    path, _, alias = (part.strip() for part in (prefix + text.strip()).partition(" as "))
    module, _, name = path.rpartition("::")
    if name == "self":
        module, _, name = module.rpartition("::")
    if name:
        yield module, name, "*" if name == "*" else alias or name


def _split_at_commas(text: str) -> Iterator[str]:
    """Split at the commas that no brace encloses."""
    depth, start = 0, 0
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if character == "," and not depth:
            yield text[start:place].strip()
            start = place + 1
    if text[start:].strip():
        yield text[start:].strip()


def _read_jvm(statement: Node) -> Iterator[BoundName]:
    """Read Java and Kotlin: `import a.b.C`, `import static a.b.C.d`, `import a.b.*`, `import a.b.C as D`."""
    match = re.match(
        r"import\s+(?:static\s+)?([\w.]+?)(\.\*)?(?:\s+as\s+(\w+))?\s*;?\s*$", _decode_statement(statement)
    )
    if match and match[2]:
        yield match[1], "*", "*"
    elif match:
        module, _, name = match[1].rpartition(".")
        yield module, name, match[3] or name


def _read_c(statement: Node) -> Iterator[BoundName]:
    text = _decode_statement(statement)
    if included := re.search(r"[\"<]([^\">\n]+)[\">]", text):
        yield included[1], "*", "*"
    elif used := re.match(r"using\s+([\w:]+::)(\w+)", text):
        yield used[1].removesuffix("::"), used[2], used[2]


def _read_csharp(statement: Node) -> Iterator[BoundName]:
    match = re.match(
        r"(?:global\s+)?using\s+(?:static\s+)?(?:(\w+)\s*=\s*)?([\w.]+)", _decode_statement(statement).lstrip()
    )
    if match and match[1]:
        module, _, name = match[2].rpartition(".")
        yield module, name, match[1]
    elif match:
        yield match[2], "*", "*"


def _read_php(statement: Node) -> Iterator[BoundName]:
    text = _decode_statement(statement)
    if quoted := re.search(r"[\"']([^\"'\n]+)[\"']", text):
        yield quoted[1], "*", "*"
        return
    text = re.sub(r"^use\s+(?:function\s+|const\s+)?", "", text).rstrip("; \n")
    for part in _split_at_commas(text):
        yield from _read_php_names(part)


def _read_php_names(text: str) -> Iterator[BoundName]:
    prefix, brace, rest = text.partition("{")
    for item in rest.rstrip("} ").split(",") if brace else [text]:
        path, _, alias = (piece.strip() for piece in f"{prefix if brace else ''}{item.strip()}".partition(" as "))
        module, _, name = path.strip("\\").rpartition("\\")
        if name:
            yield module, name, alias or name


_READERS: Mapping[str, Callable[[Node], Iterator[BoundName]]] = {
    **dict.fromkeys(("python", "notebook"), _read_python),
    **dict.fromkeys(("javascript", "typescript", "tsx"), _read_javascript),
    **dict.fromkeys(("java", "kotlin"), _read_jvm),
    **dict.fromkeys(("c", "cpp"), _read_c),
    "go": _read_go,
    "rust": _read_rust,
    "csharp": _read_csharp,
    "php": _read_php,
}


def _decode_statement(node: Node) -> str:
    return (node.text or b"")[:TEXT_LIMIT].decode("utf-8", "replace")


def _decode_node(node: Node | None) -> str:
    if node is None or node.text is None:
        return ""
    return "".join(node.text.decode("utf-8", "replace").split())
