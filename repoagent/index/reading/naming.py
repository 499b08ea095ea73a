"""Read what describes a definition, in every language: its name, header, bases, decorators and docstring."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from repoagent.index.model import DOCSTRING_LIMIT

if TYPE_CHECKING:
    from tree_sitter import Node

    from repoagent.index.reading.languages import IndexedLanguage

SIGNATURE_LIMIT = 400

_NAME_LIMIT = 200
_DECLARATORS = 8
"""Pointers, arrays and parentheses around a name in C, at most; nobody writes more."""


def find_name(node: Node, source: bytes) -> tuple[str, int]:
    """Find the bare name that `node` defines, and its byte offset; empty and -1 where it has none."""
    named = node.child_by_field_name("name") or _find_name_node(node)
    if named is None:
        return "", -1
    place = named.start_byte
    text = source[place : named.end_byte].decode("utf-8", "replace")
    if not text.isidentifier():
        text = _read_identifier(text)
        if node.type == "property_element":  # PHP writes `$name` here, and `->name` where it is used
            text = text.removeprefix("$")
    return (text, place) if len(text) <= _NAME_LIMIT else ("", -1)


def find_owner(node: Node, source: bytes) -> str:
    """Find what qualifies the name in its definition: the receiver in Go, `Class` of C++'s `Class::method`; empty
    elsewhere."""
    receiver = node.child_by_field_name("receiver")
    if receiver is not None:
        match = _RECEIVER.search(_decode_text(source, receiver))
        return match[1] if match else ""
    named = _find_name_node(node) if node.type == "function_definition" else None
    return ".".join(_split_name(_decode_text(source, named))[:-1]) if named is not None else ""


_RECEIVER = re.compile(r"(\w+)\s*(?:\[[^\]]*\])?\s*\)$")
_ARGUMENTS = re.compile(r"<[^<>]*>")


def _find_name_node(node: Node) -> Node | None:
    """Find the node that holds the name: in C it is inside of declarators, and a value is named by its target."""
    for name in ("left", "type", "key", "property"):
        found = node.child_by_field_name(name)
        if found is not None and not (name == "type" and node.child_by_field_name("declarator") is not None):
            return found.child_by_field_name("property") or found
    declared = node
    for _ in range(_DECLARATORS):
        inner = declared.child_by_field_name("declarator") or _find_only_declarator(declared)
        if inner is None:
            break
        declared = inner
    return declared if declared is not node else _find_first_identifier(node)


def _find_only_declarator(node: Node) -> Node | None:
    """Find what is in parentheses, or behind `&`, for which the grammar names no field."""
    if node.type in {"parenthesized_declarator", "reference_declarator"} and node.named_child_count:
        return node.named_child(node.named_child_count - 1)
    return None


def _find_first_identifier(node: Node) -> Node | None:
    """Find the first child that is a name, also one step down, for grammars that name no field."""
    for child in node.named_children[:4]:
        if child.type in {"identifier", "name", "constant"}:
            return child
        if child.type == "variable_declaration" and child.named_child_count:
            return child.named_child(0)
    return None


def _read_identifier(text: str) -> str:
    if text[:1] in {"'", '"'}:  # a quoted name of a module or a property
        return text.strip("'\"")
    if text.startswith(("operator", "~")):
        return "".join(text.split())
    parts = _split_name(text)
    return parts[-1] if parts else ""


def _split_name(text: str) -> list[str]:
    """Split `a::b<T>::c` and the like into names, without type arguments."""
    previous = ""
    while previous != text and "<" in text:
        previous, text = text, _ARGUMENTS.sub("", text)
    pieces = (match[0] if (match := _NAME.match(piece.strip())) else "" for piece in re.split(r"::|\.|\\", text))
    return [piece for piece in pieces if piece]


_NAME = re.compile(r"operator\W+|[~$@]?[^\W\d]\w*[?!=]?")


# --- headers ----------------------------------------------------------------------------------------------------------


def read_signature(node: Node, source: bytes) -> str:
    """Read the header on one line: all up to the body, without what opens the body."""
    start = node.start_byte
    body = node.child_by_field_name("body") or _find_body(node)
    if body is None:
        return read_first_line(source, start, node.end_byte)
    text = source[start : min(body.start_byte, start + 8 * SIGNATURE_LIMIT)].decode("utf-8", "replace").rstrip()
    if "#" in text and node.type in _PYTHON:
        text = _read_header_without_comment(node, source) or text
    if "\n" in text:
        text = " ".join(text.split())
        text = text.replace("( ", "(").replace(", )", ")").replace(" )", ")")
    text = text[:-1] if text.endswith(":") else _OPENING.sub("", text)
    return text if len(text) <= SIGNATURE_LIMIT else text[: SIGNATURE_LIMIT - 1] + "…"


def read_first_line(source: bytes, start: int, end: int) -> str:
    """Read the first line of a text, or all of it on one line where a bracket stays open."""
    text = source[start : min(end, start + SIGNATURE_LIMIT)].decode("utf-8", "replace")
    first = text.split("\n", 1)[0]
    if first is not text and first.count("(") > first.count(")"):
        first = " ".join(text.split())
    return _OPENING.sub("", first) if first[-1:] in _ENDS else first


_ENDS = frozenset("{=:; >")
_OPENING = re.compile(r"\s*(?:\{|=>|[:;=])\s*$")
_PYTHON = frozenset({"function_definition", "class_definition"})


def _find_body(node: Node) -> Node | None:
    """Find the body of an assigned function or class, or of a definition whose grammar names no field."""
    value = node.child_by_field_name("value") or node.child_by_field_name("right")
    inner = value.child_by_field_name("body") if value is not None else None
    if inner is not None:
        return inner
    return next((child for child in node.named_children[-2:] if child.type in _BODIES), None)


_BODIES = frozenset({"class_body", "enum_class_body", "function_body", "declaration_list", "constructor_body"})


def _read_header_without_comment(node: Node, source: bytes) -> str:
    """Read the header of a Python definition up to its last field: a comment may stand between it and the body."""
    fields = [node.child_by_field_name(name) for name in ("return_type", "parameters", "superclasses", "name")]
    end = max((field.end_byte for field in fields if field is not None), default=node.start_byte)
    return source[node.start_byte : end].decode("utf-8", "replace")


def read_bases(node: Node, source: bytes) -> tuple[str, ...]:
    """Read the bases of a class as written, without type arguments and keywords, at most 20."""
    return tuple(dict.fromkeys(filter(None, (_read_base(source, base) for base in _find_base_nodes(node)))))[:20]


def _find_base_nodes(node: Node) -> Iterator[Node]:
    if node.type == "class_definition":  # of Python
        holder = node.child_by_field_name("superclasses")
        yield from holder.named_children if holder is not None else ()
        return
    holders = [node.child_by_field_name(name) for name in ("superclass", "interfaces", "bounds")]
    named = [holder for holder in holders if holder is not None]
    if not named and node.type in _WITH_HERITAGE:
        named = [child for child in node.named_children if child.type in _HERITAGE]
    for holder in named:
        for child in holder.named_children:
            if child.type in _INNER_HERITAGE:
                yield from child.named_children
            else:
                yield child


_WITH_HERITAGE = frozenset(
    {
        *("class_declaration", "abstract_class_declaration", "class", "interface_declaration", "struct_declaration"),
        *("class_specifier", "struct_specifier", "record_declaration", "enum_declaration", "object_declaration"),
    }
)
_HERITAGE = frozenset(
    {
        *("class_heritage", "extends_type_clause", "base_class_clause", "base_list", "base_clause"),
        *("class_interface_clause", "delegation_specifiers", "extends_interfaces"),
    }
)
_INNER_HERITAGE = frozenset({"extends_clause", "implements_clause", "type_list", "delegation_specifier"})
_NO_BASE = frozenset({"keyword_argument", "access_specifier", "type_arguments", "comment", "dictionary_splat"})


def _read_base(source: bytes, node: Node) -> str:
    if node.type in _NO_BASE:
        return ""
    text = _decode_text(source, node)[:_NAME_LIMIT]
    match = _BASE.match(text.lstrip("\\"))
    return re.sub(r"::|\\", ".", match[0]) if match else ""


_BASE = re.compile(r"[^\W\d]\w*(?:(?:\.|::|\\)[^\W\d]\w*)*")


def read_decorators(source: bytes, start: int, end: int) -> tuple[str, ...]:
    """Read the dotted names of Python's decorators between two byte offsets."""
    if start == end:
        return ()
    return tuple(match.decode("utf-8", "replace") for match in _DECORATOR.findall(source[start:end]))


_DECORATOR = re.compile(rb"^[ \t]*@[ \t]*([\w.]+)", re.MULTILINE)


# --- docstrings -------------------------------------------------------------------------------------------------------


def read_docstring(language: IndexedLanguage, node: Node, source: bytes, start: int) -> str:
    """Read the docstring of a Python definition, still indented; in other languages the comment right above it."""
    if language.docstrings:
        return _read_python_docstring(node, source)
    return _read_comment_above(source, start, language.comment)


def _read_python_docstring(node: Node, source: bytes) -> str:
    body = node.child_by_field_name("body")
    if body is None or source[body.start_byte : body.start_byte + 1] not in _DOCSTRING:
        return ""
    first = _find_first_child(body, "expression_statement")
    text = _find_first_child(first, "string") if first is not None and first.named_child_count == 1 else None
    match = _STRING.fullmatch(_decode_text(source, text)) if text is not None else None
    return match[2][: 2 * DOCSTRING_LIMIT] if match else ""


def _find_first_child(node: Node, kind: str) -> Node | None:
    """Return the first child of `node` that is no comment, if it is of this kind."""
    for child in node.named_children:
        if child.type != "comment":
            return child if child.type == kind else None
    return None


_DOCSTRING = frozenset(bytes((character,)) for character in b"\"'rRuUbBfF#")
"""The characters that the body of a function with a docstring may start with."""

_STRING = re.compile(r"[a-zA-Z]{0,2}('''|\"\"\"|'|\")(.*)\1", re.DOTALL)


def _read_comment_above(source: bytes, start: int, mark: str) -> str:
    """Read the lines of comment that end in the line before `start`; attributes of Rust may stand between."""
    window = source[max(0, start - 4 * DOCSTRING_LIMIT) : source.rfind(b"\n", 0, start) + 1]
    lines = window.decode("utf-8", "replace").split("\n")[:-1]
    kept: list[str] = []
    for line in reversed(lines):
        text = line.strip()
        if text.startswith(("#[", "#!")) and mark != "#":
            continue
        if not text.startswith((mark, "/*", "*")) and not (text.endswith("*/") and not kept):
            break
        kept.append(_MARKS.sub("", text).removesuffix("*/").rstrip())
        if text.startswith("/*"):
            break
    return "\n".join(reversed(kept)).strip()[:DOCSTRING_LIMIT]


_MARKS = re.compile(r"^(?:/{2,}!?|/\*+!?|\*(?!/)|#+)[ \t]?|^\*/")


def _decode_text(source: bytes, node: Node) -> str:
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")
