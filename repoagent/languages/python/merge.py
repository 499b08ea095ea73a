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

from repoagent.languages.python.syntax import find_first_line, find_last_line

_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")


@dataclass(frozen=True)
class SourceLines:
    """The lines of one source text, each with its line end."""

    lines: tuple[str, ...]

    def get_range(self, first: int, last: int) -> list[str]:
        """Lines `first` to `last`, counted from 1, both included."""
        return list(self.lines[first - 1 : last])


def merge(old: ast.stmt, old_text: SourceLines, new: ast.stmt, new_text: SourceLines) -> list[str]:
    """The lines of `new`, with every part that means the same as in `old` taken from the original text."""
    return _Merger(old_text, new_text).merge_statement(old, new)


@dataclass(frozen=True)
class _Merger:
    old_text: SourceLines
    new_text: SourceLines

    def merge_statement(self, old: ast.stmt, new: ast.stmt) -> list[str]:
        if _make_key(old) == _make_key(new):
            return self.old_text.get_range(find_first_line(old), find_last_line(old))
        if type(old) is not type(new) or not (_is_divisible(old, self.old_text) and _is_divisible(new, self.new_text)):
            return self.new_text.get_range(find_first_line(new), find_last_line(new))
        return [*self._merge_header(old, new), *self._merge_body(old, new), *self._merge_tail(old, new)]

    def _merge_header(self, old: ast.stmt, new: ast.stmt) -> list[str]:
        if _make_header_key(old) == _make_header_key(new):
            return self.old_text.get_range(find_first_line(old), _find_header_end(old, self.old_text))
        return self.new_text.get_range(find_first_line(new), _find_header_end(new, self.new_text))

    def _merge_tail(self, old: ast.stmt, new: ast.stmt) -> list[str]:
        if _make_tail_key(old) == _make_tail_key(new):
            return self.old_text.get_range(find_last_line(_get_block(old)[-1]) + 1, find_last_line(old))
        return self.new_text.get_range(find_last_line(_get_block(new)[-1]) + 1, find_last_line(new))

    def _merge_body(self, old: ast.stmt, new: ast.stmt) -> list[str]:
        olds, news = _get_block(old), _get_block(new)
        old_after, new_after = _find_header_end(old, self.old_text), _find_header_end(new, self.new_text)
        matcher = SequenceMatcher(None, [_make_key(s) for s in olds], [_make_key(s) for s in news], autojunk=False)
        lines: list[str] = []
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            if tag == "equal":
                for i in range(i1, i2):
                    lines += _take_with_leading(self.old_text, olds, i, old_after)
            elif i2 - i1 == j2 - j1:
                for i, j in zip(range(i1, i2), range(j1, j2), strict=True):
                    lines += _take_leading(self.old_text, olds, i, old_after)
                    lines += self.merge_statement(olds[i], news[j])
            else:
                for j in range(j1, j2):
                    lines += _take_with_leading(self.new_text, news, j, new_after)
        return lines


def _make_key(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return "docstring:" + inspect.cleandoc(node.value.value)  # re-indenting changes a docstring, not its meaning
    return ast.dump(node)


def _make_header_key(node: ast.stmt) -> str:
    return ast.dump(_drop_fields(node, _BLOCKS))


def _make_tail_key(node: ast.stmt) -> str:
    return "".join(ast.dump(child) for name in _BLOCKS[1:] for child in getattr(node, name, ()))


def _drop_fields(node: ast.stmt, fields: Sequence[str]) -> ast.AST:
    kept = {name: ([] if name in fields else value) for name, value in ast.iter_fields(node)}
    return type(node)(**kept)


def _get_block(node: ast.stmt) -> list[ast.stmt]:
    body: list[ast.stmt] = getattr(node, "body", [])
    return body


def _is_divisible(node: ast.stmt, text: SourceLines) -> bool:
    """Whether the statement has a block on lines of its own, with one statement on each."""
    body = _get_block(node)
    if not body or find_first_line(body[0]) <= node.lineno:
        return False
    header = text.lines[_find_header_end(node, text) - 1].partition("#")[0]
    return header.rstrip().endswith(":") and all(
        find_last_line(a) < find_first_line(b) for a, b in itertools.pairwise(body)
    )


def _find_header_end(node: ast.stmt, text: SourceLines) -> int:
    """The last line of what stands before the block: comments that open the block belong to the block."""
    line = find_first_line(_get_block(node)[0]) - 1
    while line > node.lineno and _is_trivia(text.lines[line - 1]):
        line -= 1
    return line


def _take_with_leading(text: SourceLines, block: Sequence[ast.stmt], index: int, after: int) -> list[str]:
    node = block[index]
    return _take_leading(text, block, index, after) + text.get_range(find_first_line(node), find_last_line(node))


def _take_leading(text: SourceLines, block: Sequence[ast.stmt], index: int, after: int) -> list[str]:
    """The comments and blank lines above a statement."""
    previous = max(find_last_line(block[index - 1]), after) if index else after
    return text.get_range(previous + 1, find_first_line(block[index]) - 1)


def _is_trivia(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")
