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
class Language:
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
    Language("python", (".py", ".pyi", ".pyw"), "tree_sitter_python", ("python",), comment="#", docstrings=True),
    Language("javascript", (".js", ".mjs", ".cjs", ".jsx"), "tree_sitter_javascript", ("javascript", "jsx")),
    Language("typescript", (".ts", ".mts", ".cts"), "tree_sitter_typescript", ("typescript",), "language_typescript"),
    Language("tsx", (".tsx",), "tree_sitter_typescript", ("typescript", "jsx"), "language_tsx"),
    Language("go", (".go",), "tree_sitter_go", ("go",), owners=True),
    Language("rust", (".rs",), "tree_sitter_rust", ("rust",)),
    Language("java", (".java",), "tree_sitter_java", ("java",)),
    Language("c", (".c", ".h"), "tree_sitter_c", ("c",)),
    Language("cpp", (".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx"), "tree_sitter_cpp", ("c", "cpp"), owners=True),
    Language("csharp", (".cs",), "tree_sitter_c_sharp", ("csharp",)),
    Language("ruby", (".rb", ".rake", ".gemspec"), "tree_sitter_ruby", ("ruby",), comment="#"),
    Language("php", (".php",), "tree_sitter_php", ("php",), "language_php"),
    Language("kotlin", (".kt", ".kts"), "tree_sitter_kotlin", ("kotlin",)),
    Language("notebook", (".ipynb",), "tree_sitter_python", ("python",), comment="#", docstrings=True),
)

_BY_SUFFIX: Final = {suffix: language for language in LANGUAGES for suffix in language.suffixes}


def language_of(path: str) -> Language | None:
    """Detect the language of `path` by its suffix; None where the index cannot read it."""
    stem, dot, suffix = path.rpartition("/")[2].rpartition(".")
    return _BY_SUFFIX.get(dot + suffix) if stem else None


@cache
def grammar(language: Language) -> Grammar:
    """Load the grammar of `language`, once."""
    from importlib import import_module

    from tree_sitter import Language as Loaded

    return Loaded(getattr(import_module(language.module), language.entry)())


@cache
def query_text(language: Language, part: str = "") -> str:
    """Read the query for files of `language`; the part `.values` is for the uses of one name as a value."""
    files = (Path(__file__).parent / "queries" / f"{name}{part}.scm" for name in language.queries)
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.exists())
