"""Merge a rewritten function into its original statement by statement, so that only what changed in meaning changes
in text.

A small model that rewrites a function drops comments, requotes strings and breaks lines anew. Statements whose trees
are equal are therefore copied from the original text, with the comments above them; only the others come from the
answer.
"""

from __future__ import annotations

import ast
import inspect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from repoagent.edits.syntax import first_line, last_line

_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")


@dataclass(frozen=True)
class Text:
    """The lines of one source text, each with its line end."""

    lines: tuple[str, ...]

    def between(self, first: int, last: int) -> list[str]:
        """Lines `first` to `last`, counted from 1, both included."""
        return list(self.lines[first - 1 : last])


def merge(old: ast.stmt, old_text: Text, new: ast.stmt, new_text: Text) -> list[str]:
    """The lines of `new`, with every part that means the same as in `old` taken from the original text."""
    return _Merger(old_text, new_text).statement(old, new)


@dataclass(frozen=True)
class _Merger:
    old_text: Text
    new_text: Text

    def statement(self, old: ast.stmt, new: ast.stmt) -> list[str]:
        if _key(old) == _key(new):
            return self.old_text.between(first_line(old), last_line(old))
        if type(old) is not type(new) or not (_divisible(old, self.old_text) and _divisible(new, self.new_text)):
            return self.new_text.between(first_line(new), last_line(new))
        return [*self._header(old, new), *self._body(old, new), *self._tail(old, new)]

    def _header(self, old: ast.stmt, new: ast.stmt) -> list[str]:
        if _header_key(old) == _header_key(new):
            return self.old_text.between(first_line(old), _header_end(old, self.old_text))
        return self.new_text.between(first_line(new), _header_end(new, self.new_text))

    def _tail(self, old: ast.stmt, new: ast.stmt) -> list[str]:
        if _tail_key(old) == _tail_key(new):
            return self.old_text.between(last_line(_block(old)[-1]) + 1, last_line(old))
        return self.new_text.between(last_line(_block(new)[-1]) + 1, last_line(new))

    def _body(self, old: ast.stmt, new: ast.stmt) -> list[str]:
        olds, news = _block(old), _block(new)
        old_after, new_after = _header_end(old, self.old_text), _header_end(new, self.new_text)
        matcher = SequenceMatcher(None, [_key(s) for s in olds], [_key(s) for s in news], autojunk=False)
        lines: list[str] = []
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            if tag == "equal":
                for i in range(i1, i2):
                    lines += _with_leading(self.old_text, olds, i, old_after)
            elif i2 - i1 == j2 - j1:
                for i, j in zip(range(i1, i2), range(j1, j2), strict=True):
                    lines += _leading(self.old_text, olds, i, old_after)
                    lines += self.statement(olds[i], news[j])
            else:
                for j in range(j1, j2):
                    lines += _with_leading(self.new_text, news, j, new_after)
        return lines


def _key(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return "docstring:" + inspect.cleandoc(node.value.value)  # re-indenting changes a docstring, not its meaning
    return ast.dump(node)


def _header_key(node: ast.stmt) -> str:
    return ast.dump(_without(node, _BLOCKS))


def _tail_key(node: ast.stmt) -> str:
    return "".join(ast.dump(child) for name in _BLOCKS[1:] for child in getattr(node, name, ()))


def _without(node: ast.stmt, fields: Sequence[str]) -> ast.AST:
    kept = {name: ([] if name in fields else value) for name, value in ast.iter_fields(node)}
    return type(node)(**kept)


def _block(node: ast.stmt) -> list[ast.stmt]:
    body: list[ast.stmt] = getattr(node, "body", [])
    return body


def _divisible(node: ast.stmt, text: Text) -> bool:
    """Whether the statement has a block on lines of its own, with one statement on each."""
    body = _block(node)
    if not body or first_line(body[0]) <= node.lineno:
        return False
    header = text.lines[_header_end(node, text) - 1].partition("#")[0]
    return header.rstrip().endswith(":") and all(last_line(a) < first_line(b) for a, b in itertools.pairwise(body))


def _header_end(node: ast.stmt, text: Text) -> int:
    """The last line of what stands before the block: comments that open the block belong to the block."""
    line = first_line(_block(node)[0]) - 1
    while line > node.lineno and _is_trivia(text.lines[line - 1]):
        line -= 1
    return line


def _with_leading(text: Text, block: Sequence[ast.stmt], index: int, after: int) -> list[str]:
    node = block[index]
    return _leading(text, block, index, after) + text.between(first_line(node), last_line(node))


def _leading(text: Text, block: Sequence[ast.stmt], index: int, after: int) -> list[str]:
    """The comments and blank lines above a statement."""
    previous = max(last_line(block[index - 1]), after) if index else after
    return text.between(previous + 1, first_line(block[index]) - 1)


def _is_trivia(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")
