"""The meaning of source text, without its dress: equal for texts that differ in comments, layout or docstrings only."""

from __future__ import annotations

import ast
import hashlib

from repoagent.edits.errors import EditRefused
from repoagent.languages.python.syntax import Function, find_docstring_node, parse


def ast_fingerprint(source: str) -> str:
    """A hash, equal for Python texts whose trees are equal but for docstrings; for other texts, of the text itself."""
    try:
        return _hash(ast.dump(_drop_docstrings(parse(source))))
    except (EditRefused, RecursionError):  # a sum of some hundred terms is a tree too deep to be written down
        return _hash(source)


def _drop_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | Function) and find_docstring_node(node.body):
            node.body = node.body[1:]
    return tree


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
