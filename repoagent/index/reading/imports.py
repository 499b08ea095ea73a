"""Read the imports of a file, in every language, from the text of the statements that our queries capture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Node

    from repoagent.index.reading.languages import Language

TEXT_LIMIT = 20_000
"""Characters of one statement that are read, at most."""


class ImportRow(NamedTuple):
    """One name that a statement binds; see `model.Import`."""

    module: str
    name: str
    alias: str
    line: int


Bound = tuple[str, str, str]
"""Module, name and alias of an `ImportRow`."""


def read_imports(language: Language, source: bytes, statements: Iterable[Node]) -> list[ImportRow]:
    """Read the imports of a file, in their order."""
    if language.name == "ruby":
        return _requires(source, _RUBY)
    rows: list[ImportRow] = []
    read = _READERS[language.name]
    for node in sorted(statements, key=lambda node: node.start_byte):
        line = node.start_point[0] + 1
        rows += [ImportRow(*bound, line) for bound in read(node)]
    return [*rows, *_requires(source, _REQUIRE)] if language.name in _WITH_REQUIRE else rows


# --- Python -----------------------------------------------------------------------------------------------------------


def _python(statement: Node) -> Iterator[Bound]:
    text = (statement.text or b"").decode("utf-8", "replace")
    if plain := _PLAIN(text):
        yield from _plain(plain[1] or "", plain[2])
    elif statement.type == "import_statement":
        for name, alias in _imported(statement):
            yield name, "", alias or name.partition(".")[0]
    else:
        module = _node_text(statement.child_by_field_name("module_name")) or "__future__"
        if any(child.type == "wildcard_import" for child in statement.named_children):
            yield module, "*", "*"
        for name, alias in _imported(statement):
            yield module, name, alias or name


_PLAIN = re.compile(r"(?:from[ \t]+([\w.]+)[ \t]+)?import[ \t]+([\w., ]+|\([\w,\s]*\))").fullmatch
"""A statement without comments, continued lines and stars. Nearly all are, and are read without their nodes."""


def _plain(module: str, listed: str) -> Iterator[Bound]:
    for item in listed.strip("()").split(","):
        words = item.split()
        if words:
            name, alias = words[0], words[-1]
            yield (module, name, alias) if module else (name, "", alias if len(words) > 1 else name.partition(".")[0])


def _imported(statement: Node) -> Iterator[tuple[str, str]]:
    for child in statement.children_by_field_name("name"):
        if child.type == "aliased_import":
            name, alias = child.child_by_field_name("name"), child.child_by_field_name("alias")
            yield _node_text(name), _node_text(alias)
        else:
            yield _node_text(child), ""


# --- JavaScript, TypeScript -------------------------------------------------------------------------------------------


def _javascript(statement: Node) -> Iterator[Bound]:
    text = _statement_text(statement)
    quoted = _QUOTED.search(text)
    if not quoted:
        return
    module, clause = quoted[1] or quoted[2], text[: quoted.start()]
    names = list(_listed(clause, re.compile(r"\bas\b")))
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


def _requires(source: bytes, pattern: re.Pattern[bytes]) -> list[ImportRow]:
    """Read the modules that are loaded by a call, which no query finds as cheaply as a pattern."""
    rows: list[ImportRow] = []
    for match in pattern.finditer(source) if b"require" in source else ():
        groups = {key: (value or b"").decode("utf-8", "replace") for key, value in match.groupdict().items()}
        line = source.count(b"\n", 0, match.start("module")) + 1
        module = f"./{groups['module']}" if groups.get("relative") else groups["module"]
        names = list(_listed("{" + groups.get("names", "") + "}", re.compile(":")))
        rows += [ImportRow(module, name, alias, line) for name, alias in names]
        if not names:
            rows.append(ImportRow(module, "", groups.get("name", ""), line))
    return rows


def _listed(text: str, separator: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Yield the names in braces, each with its name in this file."""
    for group in re.findall(r"\{([^{}]*)\}", text):
        for item in group.split(","):
            parts = [part.strip() for part in separator.split(item.replace("type ", " "))]
            if parts[0]:
                yield parts[0], parts[-1]


# --- the others -------------------------------------------------------------------------------------------------------


def _go(statement: Node) -> Iterator[Bound]:
    path = _node_text(statement.child_by_field_name("path")).strip('"`')
    alias = _node_text(statement.child_by_field_name("name"))
    if path:
        yield path, "", alias or path.rpartition("/")[2]


def _rust(statement: Node) -> Iterator[Bound]:
    text = _statement_text(statement)
    text = re.sub(r"^\s*(?:pub(?:\([^)]*\))?\s+)?use\s+", "", text).rstrip("; \n")
    yield from _tree(text, "", 0)


def _tree(text: str, prefix: str, depth: int) -> Iterator[Bound]:
    """Yield the leaves of `a::{b, c::{d as e}}`."""
    head, brace, rest = text.partition("{")
    if brace and depth < 20:
        inner = rest.rpartition("}")[0]
        for part in _split(inner):
            yield from _tree(part, prefix + "".join(head.split()), depth + 1)
        return
    path, _, alias = (part.strip() for part in (prefix + text.strip()).partition(" as "))
    module, _, name = path.rpartition("::")
    if name == "self":
        module, _, name = module.rpartition("::")
    if name:
        yield module, name, "*" if name == "*" else alias or name


def _split(text: str) -> Iterator[str]:
    """Split at the commas that no brace encloses."""
    depth, start = 0, 0
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if character == "," and not depth:
            yield text[start:place].strip()
            start = place + 1
    if text[start:].strip():
        yield text[start:].strip()


def _jvm(statement: Node) -> Iterator[Bound]:
    """Read Java and Kotlin: `import a.b.C`, `import static a.b.C.d`, `import a.b.*`, `import a.b.C as D`."""
    match = re.match(r"import\s+(?:static\s+)?([\w.]+?)(\.\*)?(?:\s+as\s+(\w+))?\s*;?\s*$", _statement_text(statement))
    if match and match[2]:
        yield match[1], "*", "*"
    elif match:
        module, _, name = match[1].rpartition(".")
        yield module, name, match[3] or name


def _c(statement: Node) -> Iterator[Bound]:
    text = _statement_text(statement)
    if included := re.search(r"[\"<]([^\">\n]+)[\">]", text):
        yield included[1], "*", "*"
    elif used := re.match(r"using\s+([\w:]+::)(\w+)", text):
        yield used[1].removesuffix("::"), used[2], used[2]


def _csharp(statement: Node) -> Iterator[Bound]:
    match = re.match(
        r"(?:global\s+)?using\s+(?:static\s+)?(?:(\w+)\s*=\s*)?([\w.]+)", _statement_text(statement).lstrip()
    )
    if match and match[1]:
        module, _, name = match[2].rpartition(".")
        yield module, name, match[1]
    elif match:
        yield match[2], "*", "*"


def _php(statement: Node) -> Iterator[Bound]:
    text = _statement_text(statement)
    if quoted := re.search(r"[\"']([^\"'\n]+)[\"']", text):
        yield quoted[1], "*", "*"
        return
    text = re.sub(r"^use\s+(?:function\s+|const\s+)?", "", text).rstrip("; \n")
    for part in _split(text):
        yield from _php_names(part)


def _php_names(text: str) -> Iterator[Bound]:
    prefix, brace, rest = text.partition("{")
    for item in rest.rstrip("} ").split(",") if brace else [text]:
        path, _, alias = (piece.strip() for piece in f"{prefix if brace else ''}{item.strip()}".partition(" as "))
        module, _, name = path.strip("\\").rpartition("\\")
        if name:
            yield module, name, alias or name


_READERS: Mapping[str, Callable[[Node], Iterator[Bound]]] = {
    **dict.fromkeys(("python", "notebook"), _python),
    **dict.fromkeys(("javascript", "typescript", "tsx"), _javascript),
    **dict.fromkeys(("java", "kotlin"), _jvm),
    **dict.fromkeys(("c", "cpp"), _c),
    "go": _go,
    "rust": _rust,
    "csharp": _csharp,
    "php": _php,
}


def _statement_text(node: Node) -> str:
    return (node.text or b"")[:TEXT_LIMIT].decode("utf-8", "replace")


def _node_text(node: Node | None) -> str:
    if node is None or node.text is None:
        return ""
    return "".join(node.text.decode("utf-8", "replace").split())
