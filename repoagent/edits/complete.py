"""Give an answer back what small models drop: the docstring, and the annotations of the arguments it kept."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from repoagent.edits.layout import lines_of
from repoagent.edits.syntax import Definition, Offsets, definitions, docstring_node, first_line, parse


def completed(answer: Definition, target: Definition) -> Definition:
    """`answer` with the docstring and the annotations of `target`, if it has none of its own."""
    text = "".join(answer.lines)
    pieces = _Pieces(answer, target, Offsets(text), Offsets("".join(target.lines)))
    for change in sorted([*pieces.docstring(), *pieces.annotations()], key=lambda c: (c.start, c.end), reverse=True):
        text = text[: change.start] + change.text + text[change.end :]
    tree = parse(text)
    node = next(node for _, node in definitions(tree) if node.lineno == answer.node.lineno)
    return Definition(tree, tuple(lines_of(text)), node)


@dataclass(frozen=True)
class _Change:
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class _Pieces:
    answer: Definition
    target: Definition
    at: Offsets
    original: Offsets

    def docstring(self) -> Iterator[_Change]:
        docstring, body = docstring_node(self.target.node.body), self.answer.node.body
        if docstring is None or docstring_node(body):
            return
        indentation = self.answer.indentation
        line = indentation.base + indentation.unit
        text = _plain(self.original.text(docstring))
        colon = _colon(self.answer)
        if first_line(body[0]) > colon.line:
            below = self.at.starts[colon.line]
            yield _Change(below, below, f"{line}{text}\n")
            return
        yield _Change(self._offset(colon) + 1, self._start(body[0]), f"\n{line}{text}\n{line}")
        for one, other in pairwise(body):
            yield _Change(self._end(one), self._start(other), f"\n{line}")

    def annotations(self) -> Iterator[_Change]:
        function, original = self.answer.node, self.target.node
        if isinstance(function, ast.ClassDef) or isinstance(original, ast.ClassDef):
            return
        if function.returns or any(a.annotation for a in _arguments(function)):
            return
        known = {a.arg: a.annotation for a in _arguments(original)}
        for argument in _arguments(function):
            if annotation := known.get(argument.arg):
                end = self._end(argument)
                yield _Change(end, end, f": {_plain(self.original.text(annotation))}")
        if original.returns:
            colon = self._offset(_colon(self.answer))
            yield _Change(colon, colon, f" -> {_plain(self.original.text(original.returns))}")

    def _start(self, node: ast.stmt) -> int:
        return self.at.at(node.lineno, node.col_offset)

    def _end(self, node: ast.stmt | ast.arg) -> int:
        return self.at.at(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)

    def _offset(self, position: _Position) -> int:
        return self.at.starts[position.line - 1] + position.column


@dataclass(frozen=True)
class _Position:
    line: int
    """Counted from 1."""
    column: int
    """In characters, counted from 0."""


def _colon(definition: Definition) -> _Position:
    """Where the colon stands that ends the definition's head: the first one outside of brackets."""
    above = definition.node.lineno - 1
    depth = 0
    for token in tokenize.generate_tokens(iter(definition.lines[above:]).__next__):
        depth += (token.string in ("(", "[", "{")) - (token.string in (")", "]", "}"))
        if token.string == ":" and not depth:
            return _Position(above + token.start[0], token.start[1])
    raise AssertionError("a definition that was parsed has a colon")


def _arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    given = function.args
    starred = [argument for argument in (given.vararg, given.kwarg) if argument]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *starred]


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")
