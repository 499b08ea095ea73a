"""A function to be mutated: its tree, the text each node came from, and the changes of text that stay well-formed."""

from __future__ import annotations

import ast
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from repoagent.edits.errors import EditRefused
from repoagent.edits.layout import indent_of
from repoagent.edits.syntax import Function, Offsets, defined, docstring_node, first_line, last_line
from repoagent.generators.mutation.scope import Scope
from repoagent.generators.mutation.vocabulary import Told

Node = ast.expr | ast.stmt


@dataclass(frozen=True)
class Change:
    """A span of a file's text, and the text to put there."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Proposal:
    """One way to change a function, not yet known to parse."""

    changes: tuple[Change, ...]
    """In the order of the text, without overlaps."""
    line: int
    fit: float = 1.0
    """How likely it is among the proposals of its pattern: 1 for the obvious ones."""

    def apply(self, source: str) -> str:
        """Return `source` with the changes made."""
        for change in reversed(self.changes):
            source = source[: change.start] + change.text + source[change.end :]
        return source


@dataclass(frozen=True)
class Subject:
    """A function in the text of its file."""

    source: str
    function: Function
    offsets: Offsets
    scope: Scope
    told: Told

    @classmethod
    def find(cls, source: str, qualified: str, start: int | None, vocabulary: Told) -> Subject:
        """Find the function in `source`; raise EditRefused when there is none, or `source` is not Python."""
        found = defined(source, qualified, start)
        function = found.node
        if not isinstance(function, Function):
            raise EditRefused("a class is not mutated")
        if len(qualified) > _LONGEST_NAME or last_line(function) - first_line(function) > _LONGEST:
            raise EditRefused("the function is too long to be mutated")
        scope = Scope(found.tree, function, "".join(found.own_lines), _owner(found.tree, function))
        return cls(source, function, Offsets(source), scope, vocabulary)

    @cached_property
    def statements(self) -> tuple[ast.stmt, ...]:
        """Every statement inside, outer before inner, without the docstring."""
        docstring = docstring_node(self.function.body)
        return tuple(
            n
            for n in ast.walk(self.function)
            if isinstance(n, ast.stmt) and n is not self.function and n is not docstring
        )

    @cached_property
    def expressions(self) -> tuple[ast.expr, ...]:
        """Every expression whose place in the text is known; the insides of f-strings are not, before Python 3.12."""
        return tuple(node for statement in self._top for node in _expressions(statement))

    @cached_property
    def parents(self) -> dict[int, ast.AST]:
        """The node that each node stands in, by the id of the latter."""
        return {id(child): node for node in ast.walk(self.function) for child in ast.iter_child_nodes(node)}

    def parent(self, node: ast.AST) -> ast.AST:
        """Return the node that `node` stands in."""
        return self.parents.get(id(node), self.function)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes that `node` stands in, from the inside out."""
        while (above := self.parents.get(id(node))) is not None:
            yield above
            node = above

    def statement_of(self, node: ast.AST) -> ast.stmt:
        """Find the innermost statement that holds `node`."""
        return next(n for n in (node, *self.ancestors(node)) if isinstance(n, ast.stmt))

    def block_of(self, statement: ast.stmt) -> list[ast.stmt]:
        """Find the list of statements that `statement` stands in."""
        above = self.parent(statement)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(above, name, None)
            if isinstance(block, list) and any(each is statement for each in block):
                return block
        return [statement]

    def loop_around(self, node: ast.AST) -> ast.For | ast.While | ast.AsyncFor | None:
        """Find the innermost loop whose body holds `node`."""
        return next((n for n in self.ancestors(node) if isinstance(n, ast.For | ast.While | ast.AsyncFor)), None)

    # --- text -------------------------------------------------------------------------------------------------------

    def span(self, node: Node) -> tuple[int, int]:
        """Return the offsets of the text of a node, in characters."""
        end = self.offsets.at(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return self.offsets.at(node.lineno, node.col_offset), end

    def text(self, node: Node) -> str:
        """Return the text of a node."""
        start, end = self.span(node)
        return self.source[start:end]

    def put(self, node: ast.expr, text: str, plausibility: float = 1.0) -> Proposal:
        """Put `text`, an expression, in the place of `node`; in parentheses where it would fall apart without."""
        return Proposal((self.change(node, text),), node.lineno, plausibility)

    def change(self, node: ast.expr, text: str) -> Change:
        """Build the change that `replace` proposes."""
        start, end = self.span(node)
        enclosed = self.source[start - 1 : start] == "(" and self.source[end : end + 1] == ")"
        return Change(start, end, text if enclosed or self._stands_alone(node) or _is_atom(text) else f"({text})")

    def exchange(self, one: Node, other: Node, plausibility: float = 1.0) -> Proposal:
        """Exchange the texts of two nodes, which do not overlap."""
        first, second = sorted((one, other), key=lambda node: self.span(node)[0])
        changes = Change(*self.span(first), self.text(second)), Change(*self.span(second), self.text(first))
        return Proposal(changes, first.lineno, plausibility)

    def between(self, left: ast.expr, right: ast.expr) -> tuple[int, int]:
        """Return the offsets between two nodes, where an operator stands."""
        return self.span(left)[1], self.span(right)[0]

    def own_lines(self, statement: ast.stmt) -> tuple[int, int] | None:
        """Find the offsets of the lines of a statement that shares none of them; None where it does."""
        first, last = first_line(statement), last_line(statement)
        lines, starts = self.offsets.lines, self.offsets.starts
        alone = starts[first - 1] + len(indent_of(lines[first - 1])) == self.offsets.at(first, statement.col_offset)
        tail = self.source[self.span(statement)[1] : starts[last]].strip()
        is_elif = isinstance(statement, ast.If) and lines[first - 1].lstrip().startswith("elif")
        clean = alone and not is_elif and (not tail or tail.startswith("#"))
        return (starts[first - 1], starts[last]) if clean else None

    def indent(self, statement: ast.stmt) -> str:
        """Return the blanks and tabs that the statement's first line begins with."""
        return indent_of(self.offsets.lines[first_line(statement) - 1])

    @cached_property
    def unit(self) -> str:
        """The blanks by which one level of the function is indented."""
        outer, inner = self.indent(self.function), self.indent(self.function.body[-1])
        return inner.removeprefix(outer) or "    "

    @cached_property
    def twins(self) -> Mapping[int, tuple[int, ...]]:
        """The numbers of the equal lines, by the number of a line that the function has two or three times."""
        first, last = first_line(self.function), last_line(self.function)
        found: dict[str, list[int]] = defaultdict(list)
        for number in range(first, last + 1):
            if len(text := self.offsets.lines[number - 1]) - len(indent_of(text)) >= _LEAST_TWIN:
                found[text].append(number)
        groups = [numbers for numbers in found.values() if 2 <= len(numbers) <= _MOST_TWINS]
        return {n: tuple(o for o in numbers if o != n) for numbers in groups for n in numbers}

    # --- helpers ----------------------------------------------------------------------------------------------------

    @cached_property
    def _top(self) -> Sequence[ast.AST]:
        docstring = docstring_node(self.function.body)
        return [*self.function.args.defaults, *(node for node in self.function.body if node is not docstring)]

    def _stands_alone(self, node: ast.expr) -> bool:
        """Return whether what surrounds `node` holds any expression in its place together."""
        above = self.parent(node)
        if isinstance(above, ast.Call):
            return node is not above.func
        if isinstance(above, ast.Subscript):
            return node is above.slice
        return isinstance(above, ast.stmt | ast.keyword | ast.List | ast.Set | ast.Slice)


_LONGEST = 600
"""Lines of a function; longer ones have too many mutants to find one."""
_LONGEST_NAME = 500
_LEAST_TWIN = 12
"""Characters of a line that is not there twice by chance."""
_MOST_TWINS = 3


def _expressions(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.expr):
        yield node
    if isinstance(node, ast.JoinedStr):
        return
    skipped = {id(getattr(node, name, None)) for name in ("annotation", "returns")}
    for child in ast.iter_child_nodes(node):
        if id(child) not in skipped and not isinstance(child, ast.arg):
            yield from _expressions(child)


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


def _owner(tree: ast.Module, function: Function) -> ast.ClassDef | None:
    """Find the class whose method the function is."""
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    return next((node for node in classes if any(child is function for child in node.body)), None)
