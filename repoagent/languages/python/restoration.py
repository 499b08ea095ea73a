"""Give an answer back what small models drop: the docstring, and the annotations of the arguments it kept."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from repoagent.edits.layout import split_lines
from repoagent.languages.python.syntax import (
    Definition,
    Offsets,
    find_docstring_node,
    find_first_line,
    iterate_definitions,
    parse,
)


def restore_annotations(answer: Definition, target: Definition) -> Definition:
    """`answer` with the docstring and the annotations of `target`, if it has none of its own."""
    text = "".join(answer.lines)
    pieces = _Restoration(answer, target, Offsets(text), Offsets("".join(target.lines)))
    for change in sorted(
        [*pieces.restore_docstring(), *pieces.restore_annotations()], key=lambda c: (c.start, c.end), reverse=True
    ):
        text = text[: change.start] + change.text + text[change.end :]
    tree = parse(text)
    node = next(node for _, node in iterate_definitions(tree) if node.lineno == answer.node.lineno)
    return Definition(tree, tuple(split_lines(text)), node)


@dataclass(frozen=True)
class _Insertion:
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class _Restoration:
    answer: Definition
    target: Definition
    answer_offsets: Offsets
    target_offsets: Offsets

    def restore_docstring(self) -> Iterator[_Insertion]:
        docstring, body = find_docstring_node(self.target.node.body), self.answer.node.body
        if docstring is None or find_docstring_node(body):
            return
        indentation = self.answer.indentation
        line = indentation.base + indentation.unit
        text = _normalise_line_ends(self.target_offsets.get_text(docstring))
        colon = _find_colon(self.answer)
        if find_first_line(body[0]) > colon.line:
            below = self.answer_offsets.starts[colon.line]
            yield _Insertion(below, below, f"{line}{text}\n")
            return
        yield _Insertion(self._find_offset(colon) + 1, self._find_start(body[0]), f"\n{line}{text}\n{line}")
        for one, other in pairwise(body):
            yield _Insertion(self._find_end(one), self._find_start(other), f"\n{line}")

    def restore_annotations(self) -> Iterator[_Insertion]:
        function, original = self.answer.node, self.target.node
        if isinstance(function, ast.ClassDef) or isinstance(original, ast.ClassDef):
            return
        if function.returns or any(a.annotation for a in _list_arguments(function)):
            return
        known = {a.arg: a.annotation for a in _list_arguments(original)}
        for argument in _list_arguments(function):
            if annotation := known.get(argument.arg):
                end = self._find_end(argument)
                yield _Insertion(end, end, f": {_normalise_line_ends(self.target_offsets.get_text(annotation))}")
        if original.returns:
            colon = self._find_offset(_find_colon(self.answer))
            yield _Insertion(
                colon, colon, f" -> {_normalise_line_ends(self.target_offsets.get_text(original.returns))}"
            )

    def _find_start(self, node: ast.stmt) -> int:
        return self.answer_offsets.find_offset(node.lineno, node.col_offset)

    def _find_end(self, node: ast.stmt | ast.arg) -> int:
        return self.answer_offsets.find_offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)

    def _find_offset(self, position: _Position) -> int:
        return self.answer_offsets.starts[position.line - 1] + position.column


@dataclass(frozen=True)
class _Position:
    line: int
    """Counted from 1."""
    column: int
    """In characters, counted from 0."""


def _find_colon(definition: Definition) -> _Position:
    """Where the colon stands that ends the definition's head: the first one outside of brackets."""
    above = definition.node.lineno - 1
    depth = 0
    for token in tokenize.generate_tokens(iter(definition.lines[above:]).__next__):
        depth += (token.string in ("(", "[", "{")) - (token.string in (")", "]", "}"))
        if token.string == ":" and not depth:
            return _Position(above + token.start[0], token.start[1])
    raise AssertionError("a definition that was parsed has a colon")


def _list_arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    given = function.args
    starred = [argument for argument in (given.vararg, given.kwarg) if argument]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *starred]


def _normalise_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n")
