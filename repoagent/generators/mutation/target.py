"""A function to be mutated: its tree, the text each node came from, and the changes of text that stay well-formed."""

from __future__ import annotations

import ast
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from repoagent.edits.errors import EditRefused
from repoagent.edits.layout import get_indent
from repoagent.generators.mutation.scope import FunctionScope
from repoagent.generators.mutation.vocabulary import IssueVocabulary
from repoagent.languages.python.syntax import (
    Function,
    Offsets,
    find_docstring_node,
    find_first_line,
    find_last_line,
    locate_definition,
)

Node = ast.expr | ast.stmt


@dataclass(frozen=True)
class TextChange:
    """A span of a file's text, and the text to put there."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class MutationProposal:
    """One way to change a function, not yet known to parse."""

    changes: tuple[TextChange, ...]
    """In the order of the text, without overlaps."""
    line: int
    plausibility: float = 1.0
    """How likely it is among the proposals of its pattern: 1 for the obvious ones."""

    def apply(self, source: str) -> str:
        """Return `source` with the changes made."""
        for change in reversed(self.changes):
            source = source[: change.start] + change.text + source[change.end :]
        return source


@dataclass(frozen=True)
class MutationTarget:
    """A function in the text of its file."""

    source: str
    function: Function
    offsets: Offsets
    scope: FunctionScope
    vocabulary: IssueVocabulary

    @classmethod
    def find(cls, source: str, qualified: str, start: int | None, vocabulary: IssueVocabulary) -> MutationTarget:
        """Find the function in `source`; raise EditRefused when there is none, or `source` is not Python."""
        found = locate_definition(source, qualified, start)
        function = found.node
        if not isinstance(function, Function):
            raise EditRefused("a class is not mutated")
        if len(qualified) > _MAX_NAME_LENGTH or find_last_line(function) - find_first_line(function) > _MAX_LINES:
            raise EditRefused("the function is too long to be mutated")
        scope = FunctionScope(found.tree, function, "".join(found.own_lines), _find_owner(found.tree, function))
        return cls(source, function, Offsets(source), scope, vocabulary)

    @cached_property
    def statements(self) -> tuple[ast.stmt, ...]:
        """Every statement inside, outer before inner, without the docstring."""
        docstring = find_docstring_node(self.function.body)
        return tuple(
            n
            for n in ast.walk(self.function)
            if isinstance(n, ast.stmt) and n is not self.function and n is not docstring
        )

    @cached_property
    def expressions(self) -> tuple[ast.expr, ...]:
        """Every expression whose place in the text is known; the insides of f-strings are not, before Python 3.12."""
        return tuple(node for statement in self._top_nodes for node in _walk_expressions(statement))

    @cached_property
    def parents(self) -> dict[int, ast.AST]:
        """The node that each node stands in, by the id of the latter."""
        return {id(child): node for node in ast.walk(self.function) for child in ast.iter_child_nodes(node)}

    def get_parent(self, node: ast.AST) -> ast.AST:
        """Return the node that `node` stands in."""
        return self.parents.get(id(node), self.function)

    def iterate_ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes that `node` stands in, from the inside out."""
        while (above := self.parents.get(id(node))) is not None:
            yield above
            node = above

    def find_statement(self, node: ast.AST) -> ast.stmt:
        """Find the innermost statement that holds `node`."""
        return next(n for n in (node, *self.iterate_ancestors(node)) if isinstance(n, ast.stmt))

    def find_block(self, statement: ast.stmt) -> list[ast.stmt]:
        """Find the list of statements that `statement` stands in."""
        above = self.get_parent(statement)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(above, name, None)
            if isinstance(block, list) and any(each is statement for each in block):
                return block
        return [statement]

    def find_loop(self, node: ast.AST) -> ast.For | ast.While | ast.AsyncFor | None:
        """Find the innermost loop whose body holds `node`."""
        return next(
            (n for n in self.iterate_ancestors(node) if isinstance(n, ast.For | ast.While | ast.AsyncFor)), None
        )

    # --- text -------------------------------------------------------------------------------------------------------

    def get_span(self, node: Node) -> tuple[int, int]:
        """Return the offsets of the text of a node, in characters."""
        end = self.offsets.find_offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return self.offsets.find_offset(node.lineno, node.col_offset), end

    def get_text(self, node: Node) -> str:
        """Return the text of a node."""
        start, end = self.get_span(node)
        return self.source[start:end]

    def replace(self, node: ast.expr, text: str, plausibility: float = 1.0) -> MutationProposal:
        """Put `text`, an expression, in the place of `node`; in parentheses where it would fall apart without."""
        return MutationProposal((self.build_change(node, text),), node.lineno, plausibility)

    def build_change(self, node: ast.expr, text: str) -> TextChange:
        """Build the change that `replace` proposes."""
        start, end = self.get_span(node)
        enclosed = self.source[start - 1 : start] == "(" and self.source[end : end + 1] == ")"
        return TextChange(start, end, text if enclosed or self._is_delimited(node) or _is_atom(text) else f"({text})")

    def exchange(self, one: Node, other: Node, plausibility: float = 1.0) -> MutationProposal:
        """Exchange the texts of two nodes, which do not overlap."""
        first, second = sorted((one, other), key=lambda node: self.get_span(node)[0])
        changes = (
            TextChange(*self.get_span(first), self.get_text(second)),
            TextChange(*self.get_span(second), self.get_text(first)),
        )
        return MutationProposal(changes, first.lineno, plausibility)

    def get_gap(self, left: ast.expr, right: ast.expr) -> tuple[int, int]:
        """Return the offsets between two nodes, where an operator stands."""
        return self.get_span(left)[1], self.get_span(right)[0]

    def find_own_lines(self, statement: ast.stmt) -> tuple[int, int] | None:
        """Find the offsets of the lines of a statement that shares none of them; None where it does."""
        first, last = find_first_line(statement), find_last_line(statement)
        lines, starts = self.offsets.lines, self.offsets.starts
        alone = starts[first - 1] + len(get_indent(lines[first - 1])) == self.offsets.find_offset(
            first, statement.col_offset
        )
        tail = self.source[self.get_span(statement)[1] : starts[last]].strip()
        is_elif = isinstance(statement, ast.If) and lines[first - 1].lstrip().startswith("elif")
        clean = alone and not is_elif and (not tail or tail.startswith("#"))
        return (starts[first - 1], starts[last]) if clean else None

    def get_indent(self, statement: ast.stmt) -> str:
        """Return the blanks and tabs that the statement's first line begins with."""
        return get_indent(self.offsets.lines[find_first_line(statement) - 1])

    @cached_property
    def indent_unit(self) -> str:
        """The blanks by which one level of the function is indented."""
        outer, inner = self.get_indent(self.function), self.get_indent(self.function.body[-1])
        return inner.removeprefix(outer) or "    "

    @cached_property
    def duplicate_lines(self) -> Mapping[int, tuple[int, ...]]:
        """The numbers of the equal lines, by the number of a line that the function has two or three times."""
        first, last = find_first_line(self.function), find_last_line(self.function)
        found: dict[str, list[int]] = defaultdict(list)
        for number in range(first, last + 1):
            if len(text := self.offsets.lines[number - 1]) - len(get_indent(text)) >= _MIN_DUPLICATE_LENGTH:
                found[text].append(number)
        groups = [numbers for numbers in found.values() if 2 <= len(numbers) <= _MAX_DUPLICATES]
        return {n: tuple(o for o in numbers if o != n) for numbers in groups for n in numbers}

    # --- helpers ----------------------------------------------------------------------------------------------------

    @cached_property
    def _top_nodes(self) -> Sequence[ast.AST]:
        docstring = find_docstring_node(self.function.body)
        return [*self.function.args.defaults, *(node for node in self.function.body if node is not docstring)]

    def _is_delimited(self, node: ast.expr) -> bool:
        """Return whether what surrounds `node` holds any expression in its place together."""
        above = self.get_parent(node)
        if isinstance(above, ast.Call):
            return node is not above.func
        if isinstance(above, ast.Subscript):
            return node is above.slice
        return isinstance(above, ast.stmt | ast.keyword | ast.List | ast.Set | ast.Slice)


_MAX_LINES = 600
"""Lines of a function; longer ones have too many mutants to find one."""
_MAX_NAME_LENGTH = 500
_MIN_DUPLICATE_LENGTH = 12
"""Characters of a line that is not there twice by chance."""
_MAX_DUPLICATES = 3


def _walk_expressions(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.expr):
        yield node
    if isinstance(node, ast.JoinedStr):
        return
    skipped = {id(getattr(node, name, None)) for name in ("annotation", "returns")}
    for child in ast.iter_child_nodes(node):
        if id(child) not in skipped and not isinstance(child, ast.arg):
            yield from _walk_expressions(child)


def _is_atom(text: str) -> bool:
    """Return whether an expression holds together wherever it is put."""
    try:
        with warnings.catch_warnings(action="ignore"):
            node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    negative = isinstance(node, ast.Constant) and text.startswith("-")
    atoms = ast.Name | ast.Constant | ast.Call | ast.Attribute | ast.Subscript | ast.List | ast.Dict | ast.Set
    comprehensions = ast.ListComp | ast.SetComp | ast.DictComp | ast.JoinedStr
    return isinstance(node, atoms | comprehensions) and not negative


def _find_owner(tree: ast.Module, function: Function) -> ast.ClassDef | None:
    """Find the class whose method the function is."""
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    return next((node for node in classes if any(child is function for child in node.body)), None)
