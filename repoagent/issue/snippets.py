"""Take the code from an issue's document, and what the issue says about its results.

A block is code, a traceback, or a value that is shown; the words before it tell whether it is what happens or what is
expected.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from repoagent.issue.blocks import Block, BlockKind, Layout, Role
from repoagent.issue.document import IssueDocument
from repoagent.issue.steps import SnippetStep, read_steps
from repoagent.issue.syntax import parse_leniently
from repoagent.issue.tracebacks import cut_traceback, find_exceptions

MAX_LENGTH = 20_000
"""Characters of the longest block that is read."""

_LANGUAGES = frozenset({"", "py", "python", "python3", "py3", "pycon", "ipython", "doctest", "text", "console"})


@dataclass(frozen=True)
class Snippet:
    """Code that can be run."""

    steps: tuple[SnippetStep, ...]
    role: Role
    """What the words before it say that its shown output is."""
    source: str
    """For a person: `code block 2 of the issue`."""
    text_below: str = ""
    """The prose right below it, up to the next code."""

    @property
    def code(self) -> str:
        return "\n".join(step.code for step in self.steps)


@dataclass(frozen=True)
class ShownOutput:
    """A block that is no code: an output."""

    text: str
    role: Role


@dataclass(frozen=True)
class IssueMaterial:
    """All that an issue gives."""

    snippets: tuple[Snippet, ...] = ()
    outputs: tuple[ShownOutput, ...] = ()
    exceptions: frozenset[str] = frozenset()
    """Class names at the end of the tracebacks that are pasted."""
    prose: str = ""
    """The text outside the blocks."""


def read_material(document: IssueDocument) -> IssueMaterial:
    """Return the code, outputs and tracebacks of an issue; code that does not parse as Python 3 is left out."""
    snippets: list[Snippet] = []
    outputs: list[ShownOutput] = []
    exceptions: set[str] = set()
    found, rest = document.split_at(_is_read)
    blocks = [(text, block) for text, block in found if len(block.text) <= MAX_LENGTH]
    texts = [*(text for text, _ in blocks), rest]
    for number, (_, block) in enumerate(blocks, 1):
        code, trace = cut_traceback(block.text)
        exceptions.update(find_exceptions(trace))
        steps = read_steps(code) if block.language in _LANGUAGES or block.kind is BlockKind.SESSION else ()
        if steps and not _is_value(steps):
            snippets.append(Snippet(steps, block.role, f"code block {number} of the issue", texts[number]))
        elif code.strip():
            outputs.append(ShownOutput(code.strip("\n").rstrip(), block.role))
    return IssueMaterial(tuple(snippets), tuple(outputs), frozenset(exceptions), "\n".join(texts))


def _is_read(block: Block) -> bool:
    """A diff among sentences says what to change, and shows no result."""
    return block.is_set_apart and not (block.layout is Layout.BARE and block.kind is BlockKind.DIFF)


def _is_value(steps: Sequence[SnippetStep]) -> bool:
    """Return whether a block that parses is an output all the same: names, literals, `total: 3` on each line."""
    body = [node for step in steps for node in parse_leniently(step.code).body]
    inert = all(isinstance(n, ast.Expr) or (isinstance(n, ast.AnnAssign) and n.value is None) for n in body)
    acts = any(isinstance(n, ast.Call | ast.Subscript) for node in body for n in ast.walk(node))
    return inert and not acts and all(step.output is None for step in steps)
