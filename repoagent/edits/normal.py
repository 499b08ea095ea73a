"""The meaning of source text, without its dress: equal for texts that differ in comments, layout or docstrings only."""

from __future__ import annotations

import ast
import hashlib

from repoagent.edits.errors import EditRefused
from repoagent.edits.syntax import docstring_node, parse


def meaning(source: str) -> str:
    """A hash, equal for Python texts whose trees are equal but for docstrings; for other texts, of the text itself."""
    try:
        tree = parse(source)
    except EditRefused:
        return _hash(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and docstring_node(
            node.body
        ):
            node.body = node.body[1:]
    return _hash(ast.dump(tree))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
