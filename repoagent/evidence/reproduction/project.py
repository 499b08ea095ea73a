"""Describe what a snippet may use without an import: how the project itself imports a name, and its packages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from repoagent.index.build import Index
from repoagent.index.model import Symbol
from repoagent.index.retrieval.units import is_test

_MIN_SHARE = 0.75
"""The part of a project's imports of a name that must agree for the name to be clear."""
_MAX_FILES = 400
"""Files that are looked at for one name."""


def _find_nothing(_name: str) -> str:
    return ""


@dataclass(frozen=True)
class SnippetProject:
    """What snippets may use of the repository."""

    packages: tuple[str, ...] = ()
    """The top-level names that it is imported by."""
    find_import: Callable[[str], str] = _find_nothing
    """The statement that imports a name, where only one thing can be meant; else empty."""


def build_project(index: Index) -> SnippetProject:
    """Describe the project in an index."""
    known = find_packages(index)
    return SnippetProject(known, lambda name: find_import(name, index, known))


def find_packages(index: Index) -> tuple[str, ...]:
    """Find the names that the project is imported by; what stands beside it (tests, setup, docs) is left out."""
    modules = [index.derive_module_name(path) for path in index.files if path.endswith(".py") and not is_test(path)]
    names = Counter(module.partition(".")[0] for module in modules if module)
    return tuple(name for name, _ in names.most_common() if name not in _NON_PACKAGES)


_NON_PACKAGES = frozenset(
    {"setup", "conftest", "noxfile", "docs", "doc", "conf", "examples", "benchmarks", "tools", "tasks"}
)


def find_import(name: str, index: Index, known: tuple[str, ...]) -> str:
    """Find the statement that imports a name: from a package's top, else as the project's own files do it nearly
    always, else from the only module that defines it."""
    for package in known:
        if index.resolve(f"{package}.{name}"):
            return f"from {package} import {name}"
    return _find_usual_import(name, index) or _find_defining_import(name, index)


def _find_usual_import(name: str, index: Index) -> str:
    """Find the import that binds the name in nearly all files that import it."""
    found: Counter[str] = Counter()
    paths = index.files.find_users(name)[:_MAX_FILES]
    index.files.load(paths)
    for path in paths:
        for item in index.files[path].imports if path.endswith(".py") else ():
            if item.alias == name and item.name != "*" and (module := index.resolve_module_name(item)):
                found[_format_import(module, item.name, name)] += 1
    best = found.most_common(1)
    return best[0][0] if best and best[0][1] >= _MIN_SHARE * found.total() else ""


def _format_import(module: str, name: str, alias: str) -> str:
    suffix = f" as {alias}" if alias != (name or module) else ""
    return f"from {module} import {name}{suffix}" if name else f"import {module}{suffix}"


def _find_defining_import(name: str, index: Index) -> str:
    modules = {index.derive_module_name(s.path) for s in index.find_symbols(name) if _is_public(s, name)} - {""}
    return f"from {modules.pop()} import {name}" if len(modules) == 1 else ""


def _is_public(symbol: Symbol, name: str) -> bool:
    return symbol.qualified == name and symbol.path.endswith(".py") and not is_test(symbol.path)
