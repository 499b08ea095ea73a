"""What tells the languages apart. A new one is a row here, with a grammar and a query in `repoagent.index.reading`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class LanguageRow:
    """One language; its endings and its grammar are those of the index."""

    name: str
    """As in `repoagent.index.reading.languages`."""
    title: str
    fences: tuple[str, ...]
    """What fenced blocks are marked with, the usual name first."""
    tests: str
    """A regular expression that is found in the path of a file with tests, and in no other."""
    shells: tuple[tuple[str, str], ...] = ()
    """What to put around an answer, each in turn, for the grammar to see a method in it that stands alone."""
    comments: tuple[str, ...] = ("//", "/*")
    """What a comment begins with: to the end of a line first."""
    comment_nodes: frozenset[str] = frozenset({"comment", "line_comment", "block_comment", "multiline_comment"})
    annotation_nodes: frozenset[str] = frozenset({"attribute_list"})
    """What may stand above or before a definition, and belongs to it: decorators, annotations, attributes."""
    wrapper_nodes: frozenset[str] = frozenset()
    """What may be around a single definition, and is written anew with it: `export …`, `const …;`, `template<…> …`."""
    prefix_nodes: frozenset[str] = frozenset()
    """What a wrapper begins with that an answer may leave out: `export`, `template <…>`."""
    has_optional_semicolons: bool = False


_CLASS: Final = (("class _ {\n", "\n}"),)
_JAVASCRIPT_FILE = r"\.[cm]?[jt]sx?$"

_JAVASCRIPT: Final = {
    "tests": (
        rf"(^|/)(__tests__|__mocks__|tests|e2e)/|^((packages|apps|libs|modules|plugins)/[^/]+/)?(test|specs?|cypress)/"
        rf"|(^|[/._-])(test|spec|e2e|cy)s?{_JAVASCRIPT_FILE}"
    ),
}
_WRAPPERS: Final = frozenset(
    {"export_statement", "lexical_declaration", "variable_declaration", "expression_statement"}
)
_EXPORTS: Final = frozenset({"export", "default", "declare", "ambient_declaration"})
_METHODS: Final = (*_CLASS, ("_ = {\n", "\n}"))
_JVM_TESTS = r"(^|/)src/(\w*[tT]est\w*)/|^(?!(.*/)?src/main/)(.*/)?(Test[A-Z]\w*|\w+(Tests?|TestCase|IT))\.(java|kts?)$"
_C_TESTS = (
    r"(^|/)(tests|testing|(unit|g)tests?|\w+[-_]tests?)/|^test/"
    r"|(^|/)tests?([-_][^/]*)?\.\w+$|[-_](unit)?tests?\.\w+$|[a-z0-9]Tests?\.\w+$"
)

ROWS: Final = (
    LanguageRow(
        "javascript",
        "JavaScript",
        ("javascript", "js", "jsx", "mjs", "node"),
        _JAVASCRIPT["tests"],
        _METHODS,
        annotation_nodes=frozenset({"decorator"}),
        wrapper_nodes=_WRAPPERS,
        prefix_nodes=_EXPORTS,
        has_optional_semicolons=True,
    ),
    LanguageRow(
        "typescript",
        "TypeScript",
        ("typescript", "ts", "javascript", "js"),
        _JAVASCRIPT["tests"],
        _METHODS,
        annotation_nodes=frozenset({"decorator"}),
        wrapper_nodes=_WRAPPERS,
        prefix_nodes=_EXPORTS,
        has_optional_semicolons=True,
    ),
    LanguageRow(
        "tsx",
        "TypeScript",
        ("tsx", "typescript", "ts", "jsx", "javascript", "js"),
        _JAVASCRIPT["tests"],
        _METHODS,
        annotation_nodes=frozenset({"decorator"}),
        wrapper_nodes=_WRAPPERS,
        prefix_nodes=_EXPORTS,
        has_optional_semicolons=True,
    ),
    LanguageRow(
        "go",
        "Go",
        ("go", "golang"),
        r"_test\.go$|(^|/)testdata/",
        annotation_nodes=frozenset(),
        wrapper_nodes=frozenset({"type_declaration"}),
        has_optional_semicolons=True,
    ),
    LanguageRow(
        "rust",
        "Rust",
        ("rust", "rs"),
        r"(^|/)tests/|(^|[/_])tests?\.rs$",
        annotation_nodes=frozenset({"attribute_item"}),
    ),
    LanguageRow(
        "java",
        "Java",
        ("java",),
        _JVM_TESTS,
        _CLASS,
        annotation_nodes=frozenset({"annotation", "marker_annotation"}),
    ),
    LanguageRow(
        "c",
        "C",
        ("c", "h"),
        _C_TESTS,
        annotation_nodes=frozenset({"attribute_declaration"}),
    ),
    LanguageRow(
        "cpp",
        "C++",
        ("cpp", "c++", "cc", "cxx", "hpp", "c"),
        _C_TESTS,
        (("class _ {\n", "\n};"),),
        annotation_nodes=frozenset({"attribute_declaration"}),
        wrapper_nodes=frozenset({"template_declaration"}),
        prefix_nodes=frozenset({"template", "template_parameter_list", "requires_clause"}),
    ),
    LanguageRow(
        "csharp",
        "C#",
        ("csharp", "cs", "c#"),
        r"(^|/)([\w.-]*[.-])?\w*Tests?/|(^|/)tests/|^test/|(^|/)\w+Tests?\.cs$",
        _CLASS,
    ),
    LanguageRow(
        "ruby",
        "Ruby",
        ("ruby", "rb"),
        r"^(?!(.*/)?(lib|app)/)(.*/)?(spec|tests?|features)/|_(spec|test)\.rb$|(^|/)test_[^/]*\.rb$",
        comments=("#",),
    ),
    LanguageRow(
        "php",
        "PHP",
        ("php",),
        r"(^|/)[tT]ests/|^test/|(^|/)\w+Test(Case)?\.(php|phpt)$",
        (("<?php\n", ""), ("<?php\nclass _ {\n", "\n}")),
        comments=("//", "/*", "#"),
    ),
    LanguageRow(
        "kotlin",
        "Kotlin",
        ("kotlin", "kt", "kts"),
        _JVM_TESTS,
        _CLASS,
        annotation_nodes=frozenset({"annotation", "file_annotation"}),
        has_optional_semicolons=True,
    ),
)
