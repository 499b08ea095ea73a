"""Supply the imports that a snippet leaves out, where only one import can be meant."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from repoagent.evidence.reproduction.project import SnippetProject
from repoagent.issue.snippets import Snippet
from repoagent.issue.syntax import parse_leniently

_QUOTED_IMPORT = re.compile(r"`((?:from [\w.]+ )?import [\w., ]+)`")


def write_preamble(snippet: Snippet, others: Sequence[Snippet], text: str, project: SnippetProject) -> str:
    """Write the code to run before `snippet` so that the names it uses exist.

    Looked for in this order: the other code blocks of the issue (`others`, nearest first, run whole when they define
    one of the names, else their imports), imports in the issue's `text`, packages of the repository, a dotted name in
    the text that begins with one of them, the import that the project itself uses, modules of the standard library.
    """
    missing = find_undefined_names(snippet.code)
    lines: list[str] = []
    for block in others:
        if missing & _find_assigned_names(block.code):
            lines.insert(0, block.code)
            missing = (missing | find_undefined_names(block.code)) - _find_bound_names(block.code)
    known = [line for code in [s.code for s in others] + _QUOTED_IMPORT.findall(text) for line in _split_imports(code)]
    imports = []
    for name in sorted(missing):
        imports += _find_imports(name, known, text, project)
    return "\n".join([*dict.fromkeys(imports), *lines])


def remove_placeholders(snippet: Snippet, others: Sequence[Snippet], project: SnippetProject) -> Snippet:
    """Remove from a snippet the imports from modules that only the reporter has, of what another block defines."""
    defined = {name for block in others for name in _find_assigned_names(block.code)}

    def is_placeholder(code: str) -> bool:
        node = next(iter(parse_leniently(code).body), None)
        if not isinstance(node, ast.ImportFrom):
            return False
        package = (node.module or "").partition(".")[0]
        strange = node.level or (package not in project.packages and package not in sys.stdlib_module_names)
        return bool(strange) and {alias.asname or alias.name for alias in node.names} <= defined

    return replace(snippet, steps=tuple(step for step in snippet.steps if not is_placeholder(step.code)))


def find_undefined_names(code: str) -> frozenset[str]:
    """Find names that `code` reads and never binds, without the built-in ones."""
    read = {n.id for n in ast.walk(parse_leniently(code)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return frozenset(read - _find_bound_names(code) - set(dir(builtins)) - {"__file__", "__name__"})


def _find_imports(name: str, known: Sequence[str], text: str, project: SnippetProject) -> list[str]:
    """Return the import of `name` from the first source that has exactly one; empty where it is not clear."""
    from_issue = {line for line in known if name in _find_bound_names(line)}
    packages = project.packages
    dotted = {module for package in packages for module in _find_modules(name, package, text)}
    if from_issue:
        return sorted(from_issue) if len(from_issue) == 1 else []
    if name in packages:
        return [f"import {name}"]
    if dotted:
        return [f"from {dotted.pop()} import {name}"] if len(dotted) == 1 else []
    if usual := project.find_import(name):
        return [usual]
    if name in sys.stdlib_module_names and name != "datetime":  # `datetime` may be the module or the class in it
        return [f"import {name}"]
    return [f"from {packages[0]} import {name}"] if len(packages) == 1 else []


def _find_modules(name: str, package: str, text: str) -> list[str]:
    """Find `pkg.mod` for each `pkg.mod.name` in the text."""
    return re.findall(rf"\b({re.escape(package)}(?:\.\w{{1,80}}){{0,8}})\.{re.escape(name)}\b", text)


def _find_bound_names(code: str) -> set[str]:
    return _find_assigned_names(code) | {name for line in _split_imports(code) for name in _find_imported_names(line)}


def _find_assigned_names(code: str) -> set[str]:
    """Find names bound by anything but an import, at any depth: rather too many than too few."""
    names: set[str] = set()
    for node in ast.walk(parse_leniently(code)):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            names.add(node.name)
    return names


def _split_imports(code: str) -> Iterator[str]:
    """Yield each import of `code` as a line of its own."""
    for node in ast.walk(parse_leniently(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield ast.unparse(node)


def _find_imported_names(line: str) -> Iterator[str]:
    for node in parse_leniently(line).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name.split(".")[0]) for alias in node.names)
