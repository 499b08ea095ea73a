"""The languages that the index can read, and which file is in which."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tree_sitter import Language as Grammar

VERSION: Final = 3
"""Goes up whenever other facts would be read of the same bytes; facts stored under another version are not used."""


@dataclass(frozen=True)
class IndexedLanguage:
    """How files of one language are read."""

    name: str
    suffixes: tuple[str, ...]
    module: str
    """The package that holds the grammar."""
    queries: tuple[str, ...]
    """The files in `queries/` that are read one after the other."""
    entry: str = "language"
    """The function of the package that gives the grammar."""
    comment: str = "//"
    """What starts a comment to the end of the line."""
    docstrings: bool = False
    """Whether functions are described by a string in them, and not by a comment above."""
    owners: bool = False
    """Whether a method may be defined outside of its class, and names it."""


LANGUAGES: Final = (
    IndexedLanguage("python", (".py", ".pyi", ".pyw"), "tree_sitter_python", ("python",), comment="#", docstrings=True),
    IndexedLanguage("javascript", (".js", ".mjs", ".cjs", ".jsx"), "tree_sitter_javascript", ("javascript", "jsx")),
    IndexedLanguage(
        "typescript", (".ts", ".mts", ".cts"), "tree_sitter_typescript", ("typescript",), "language_typescript"
    ),
    IndexedLanguage("tsx", (".tsx",), "tree_sitter_typescript", ("typescript", "jsx"), "language_tsx"),
    IndexedLanguage("go", (".go",), "tree_sitter_go", ("go",), owners=True),
    IndexedLanguage("rust", (".rs",), "tree_sitter_rust", ("rust",)),
    IndexedLanguage("java", (".java",), "tree_sitter_java", ("java",)),
    IndexedLanguage("c", (".c", ".h"), "tree_sitter_c", ("c",)),
    IndexedLanguage(
        "cpp", (".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx"), "tree_sitter_cpp", ("c", "cpp"), owners=True
    ),
    IndexedLanguage("csharp", (".cs",), "tree_sitter_c_sharp", ("csharp",)),
    IndexedLanguage("ruby", (".rb", ".rake", ".gemspec"), "tree_sitter_ruby", ("ruby",), comment="#"),
    IndexedLanguage("php", (".php",), "tree_sitter_php", ("php",), "language_php"),
    IndexedLanguage("kotlin", (".kt", ".kts"), "tree_sitter_kotlin", ("kotlin",)),
    IndexedLanguage("notebook", (".ipynb",), "tree_sitter_python", ("python",), comment="#", docstrings=True),
)

_BY_SUFFIX: Final = {suffix: language for language in LANGUAGES for suffix in language.suffixes}


def detect_language(path: str) -> IndexedLanguage | None:
    """Detect the language of `path` by its suffix; None where the index cannot read it."""
    stem, dot, suffix = path.rpartition("/")[2].rpartition(".")
    return _BY_SUFFIX.get(dot + suffix) if stem else None


@cache
def load_grammar(language: IndexedLanguage) -> Grammar:
    """Load the grammar of `language`, once."""
    from importlib import import_module

    from tree_sitter import Language as Loaded

    return Loaded(getattr(import_module(language.module), language.entry)())


@cache
def read_query(language: IndexedLanguage, part: str = "") -> str:
    """Read the query for files of `language`; the part `.values` is for the uses of one name as a value."""
    files = (Path(__file__).parent / "queries" / f"{name}{part}.scm" for name in language.queries)
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.exists())
