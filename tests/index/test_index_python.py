"""What is read of one Python file, whole or broken."""

from __future__ import annotations

import ast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from repoagent.index.model import FileFacts, Import, Symbol
from repoagent.index.reading import read as reading
from repoagent.index.reading.codec import decode_facts, encode_facts
from repoagent.index.reading.text import decode_source as text_of
from repoagent.index.reading.text import split_lines

SAMPLE = '''\
"""Module."""
import os.path as p, sys
from . import sibling
from ..up import one as uno, two
from star import *


@decorate(
    1,
)
async def outer(a, *, b: int = 2,
                **rest) -> str:
    """First line.

        Indented.
    Back.
    """
    def inner():
        return helper(a).attr
    return inner


class Base(Parent, metaclass=Meta):
    size = 3

    @property
    def name(self):
        return self.size

    @name.setter
    def name(self, value):
        self.size = value
        register(Base)
'''


def read(path: str, content: bytes) -> FileFacts:
    """All facts of a file, by way of the form they are kept in."""
    return decode_facts(path, encode_facts(reading.read_file(path, content)))


def _symbols(facts: FileFacts) -> dict[str, Symbol]:
    return {symbol.qualified: symbol for symbol in facts.symbols}


def test_symbols_carry_kind_parent_header_and_docstring() -> None:
    found = _symbols(read("a.py", SAMPLE.encode()))
    outer = found["outer"]
    assert (outer.kind, outer.parent, outer.start, outer.end) == ("function", "", 8, 20)
    assert outer.signature == "async def outer(a, *, b: int = 2, **rest) -> str"
    assert outer.docstring == "First line.\n\n    Indented.\nBack."
    assert (found["outer.inner"].kind, found["outer.inner"].parent) == ("function", "outer")
    assert (found["Base"].kind, found["Base"].signature) == ("class", "class Base(Parent, metaclass=Meta)")
    assert (found["Base.name"].kind, found["Base.name"].parent) == ("method", "Base")


def test_imports_are_read_as_written() -> None:
    assert read("a.py", SAMPLE.encode()).imports == (
        Import("a.py", "os.path", "", "p", 2),
        Import("a.py", "sys", "", "sys", 2),
        Import("a.py", ".", "sibling", "sibling", 3),
        Import("a.py", "..up", "one", "uno", 4),
        Import("a.py", "..up", "two", "two", 4),
        Import("a.py", "star", "*", "*", 5),
    )


def test_references_know_their_kind_and_the_innermost_function() -> None:
    found = {(r.name, r.kind, r.inside) for r in read("a.py", SAMPLE.encode()).references}
    assert {
        ("helper", "call", "outer.inner"),
        ("attr", "attribute", "outer.inner"),
        ("decorate", "call", "outer"),
        ("size", "attribute", "Base.name"),
        ("two", "import", ""),
    } <= found


def test_a_call_is_not_listed_as_an_attribute_as_well() -> None:
    facts = read("a.py", b"x.run()\nx.run\n")
    assert [(r.line, r.kind) for r in facts.references if r.name == "run"] == [(1, "call"), (2, "attribute")]


def test_local_variables_are_no_references() -> None:
    facts = read("a.py", b"def f(value):\n    other = value\n    return g(other)\n")
    assert {r.name for r in facts.references} == {"g"}


def test_a_syntax_error_costs_only_what_is_broken() -> None:
    facts = read("a.py", b"def good():\n    return 1\n\ndef bad():\n    x = = 2\n\ndef also_good():\n    pass\n")
    assert {"good", "bad", "also_good"} <= set(_symbols(facts))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("# -*- coding: latin-1 -*-\ndef grün(): pass\n".encode("latin-1"), "grün"),
        ("\ufeffdef f(): pass\n".encode(), "f"),
        (b"# coding: no-such-codec\ndef f(): pass\n", "f"),
        (b"# coding: rot13\ndef f(): pass\n", "f"),
        (b"# \xff\xfe\ndef f(): pass\n", "f"),
        (b"def f(): pass\r\n", "f"),
        (b"x = '" + b"a" * 200_000 + b"'\ndef f(): pass", "f"),
    ],
)
def test_odd_encodings_and_lines_are_read(content: bytes, name: str) -> None:
    assert set(_symbols(read("a.py", content))) == {name}


def test_a_file_with_nul_bytes_is_skipped_with_a_reason() -> None:
    assert read("a.py", b"def f(): pass\0").skipped == "binary"


@pytest.mark.parametrize(
    "content",
    [
        b"x = " + b"[" * 50_000 + b"]" * 50_000,
        b"(" * 50_000,
        b"a" + b".b" * 50_000,
        b"1+" * 50_000,
        b"lambda:" * 20_000,
        b"".join(b" " * depth + b"if x:\n" for depth in range(800)),
    ],
    ids=["closed brackets", "open brackets", "attributes", "sums", "lambdas", "blocks"],
)
@pytest.mark.timeout(30)
def test_deep_nesting_ends_soon_and_does_not_end_the_process(content: bytes) -> None:
    assert read("a.py", content).path == "a.py"


def test_a_form_feed_and_unicode_separators_end_no_line() -> None:
    content = "x = '\u2028'\n\x0c\ndef f():\n    return '\x1c'\n"
    symbol = read("a.py", content.encode()).symbols[0]
    assert "".join(split_lines(content)[symbol.start - 1 : symbol.end]) == "def f():\n    return '\x1c'\n"


def test_attributes_of_a_class_and_constants_are_variables() -> None:
    facts = read("a.py", b"LIMIT: int = 3\nclass A:\n    size = 1\n    def f(self):\n        self.x = local = 2\n")
    assert [(v.qualified, v.kind, v.signature) for v in facts.variables] == [
        ("LIMIT", "variable", "LIMIT: int = 3"),
        ("A.size", "variable", "size = 1"),
    ]


def test_classes_carry_bases_and_functions_their_decorators() -> None:
    facts = read("a.py", b"@a.b(1)\n@c\nclass A(x.Y, Generic[T], metaclass=M):\n    @property\n    def p(self): ...\n")
    assert [(s.bases, s.decorators) for s in facts.symbols] == [(("x.Y", "Generic"), ("a.b", "c")), ((), ("property",))]


# --- whatever comes ---------------------------------------------------------------------------------------------------

_names = st.sampled_from(["alpha", "beta", "Gamma", "δ"])
_bodies = st.sampled_from(["pass", "return f(x)", "self.x = '''\n\ntext\n'''", "x = [\n  1,\n]  # end"])


@st.composite
def _modules(draw: st.DrawFn, depth: int = 0) -> str:
    pad = "    " * depth
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        decorator = draw(st.sampled_from(["", f"{pad}@wrap(\n{pad}  1)\n"]))
        kind = draw(st.sampled_from(["def", "async def", "class"]))
        header = f"{pad}{kind} {draw(_names)}{'' if kind == 'class' else '(x)'}:\n"
        nested = draw(_modules(depth + 1)) if depth < 2 and draw(st.booleans()) else ""
        parts.append(f"{decorator}{header}{pad}    {draw(_bodies)}\n{nested}{draw(st.sampled_from(['', chr(10)]))}")
    return "".join(parts)


@given(_modules())
@settings(max_examples=60, deadline=None)
def test_ranges_are_those_of_the_compiler(source: str) -> None:
    wanted = {
        (min([node.lineno, *(d.lineno for d in node.decorator_list)]), node.end_lineno, node.name)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    assert {(s.start, s.end, s.name) for s in read("a.py", source.encode()).symbols} == wanted


@given(st.one_of(st.binary(max_size=400), st.text(max_size=400).map(lambda text: text.encode("utf-8", "replace"))))
@example(SAMPLE.encode())
@settings(max_examples=150, deadline=None)
def test_random_bytes_never_raise_and_survive_the_cache(content: bytes) -> None:
    facts = read("a.py", content)
    lines = split_lines(text_of(content))
    assert facts.symbols or content != SAMPLE.encode()
    assert all(1 <= s.start <= s.end <= len(lines) for s in facts.symbols)
    assert "".join(lines) == text_of(content)
    assert all(0 <= r.column < len(lines[r.line - 1]) for r in facts.references)


@given(st.integers(0, len(SAMPLE)), st.integers(0, len(SAMPLE)))
@example(0, len(SAMPLE))
@settings(max_examples=100, deadline=None)
def test_truncated_sources_never_raise(start: int, end: int) -> None:
    facts = read("a.py", SAMPLE[start:end].encode())
    lines = split_lines(SAMPLE[start:end])
    assert facts.symbols or lines != split_lines(SAMPLE)
    assert all(f" {s.name}" in "".join(lines[s.start - 1 : s.end]) for s in facts.symbols)
