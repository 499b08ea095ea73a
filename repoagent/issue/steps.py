"""Read code, plain or as an interpreter's session, as statements with the outputs that are shown for them."""

from __future__ import annotations

import ast
import textwrap
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from itertools import count, islice, takewhile

from repoagent.issue.claims import find_comment_claims
from repoagent.issue.lines import ANY_PROMPT, CONTINUATION, SESSION_OUTPUT
from repoagent.issue.syntax import is_literal, parse_leniently

MAX_STEPS = 200
"""Statements that are read of one block."""


@dataclass(frozen=True)
class SnippetStep:
    """A top-level statement, and the output that the issue shows for it."""

    code: str
    output: str | None = None
    """None where the issue shows nothing."""
    comment: str = ""
    """The comment on its last line, without `#`."""
    comment_above: str = ""
    """The comment on the lines of their own right above it."""


def read_steps(block: str) -> tuple[SnippetStep, ...]:
    """Return the statements of a block, at most MAX_STEPS; none where it does not parse as Python 3."""
    lines = block.splitlines()
    inputs = _split_session(lines) if any(ANY_PROMPT.match(line) for line in lines) else iter([(block, None)])
    steps = (step for code, shown in inputs for step in _parse_steps(code, shown))
    return tuple(_attach_values(islice(steps, MAX_STEPS)))


def _attach_values(steps: Iterable[SnippetStep]) -> Iterator[SnippetStep]:
    """Yield the steps, but give a value that stands below a comment such as `# expected output` to that comment."""
    last: SnippetStep | None = None
    for step in steps:
        labelled = f"{step.comment_above.rstrip(':')}: {step.code}"
        if last is not None and is_literal(step.code) and any(c.role for c in find_comment_claims(labelled)):
            last = replace(last, comment="\n".join(filter(None, (last.comment, labelled))))
            continue
        if last is not None:
            yield last
        last = step
    if last is not None:
        yield last


def _split_session(lines: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Yield each input of an interpreter session with the output below it."""
    code: list[str] = []
    shown: list[str] = []
    width = 0
    for line in lines:
        if ANY_PROMPT.match(line):
            if code:
                yield "\n".join(code), _format_output(shown)
            code, shown, width = [ANY_PROMPT.sub("", line, count=1)], [], _measure_prompt(line)
        elif code and not shown and CONTINUATION.match(line) and not _is_omission(line, code):
            code.append(CONTINUATION.sub("", line, count=1))
        elif code and not shown and (joined := _join_unprompted(line, code, width)):
            code = [joined]
        elif code:
            shown.append(SESSION_OUTPUT.sub("", line, count=1))
    if code:
        yield "\n".join(code), _format_output(shown)


def _measure_prompt(line: str) -> int:
    """Return how wide a notebook's prompt is; 0 for another's."""
    match = ANY_PROMPT.match(line)
    return match.end() if match and "In [" in match[0] else 0


def _join_unprompted(line: str, code: Sequence[str], width: int) -> str:
    """Return the code with the line of a notebook's cell below it, as far to the right; empty where it is none."""
    if not width or not line.startswith(" " * width):
        return ""
    joined = "\n".join((*code, line[width:]))
    return joined if parse_leniently(joined).body else ""


def _is_omission(line: str, code: Sequence[str]) -> bool:
    """Return whether `...` below a whole statement is its output, with something left out, rather than a prompt."""
    body = parse_leniently(code[0]).body if line.strip() == "..." and len(code) == 1 else []
    return bool(body) and not hasattr(body[-1], "body")


def _format_output(lines: Sequence[str]) -> str | None:
    """Return what a session shows; an empty line in it is written as doctest wants it."""
    shown = ("" if line.strip() == "<BLANKLINE>" else line for line in lines)
    return textwrap.dedent("\n".join(shown)).strip("\n").rstrip() or None


def _parse_steps(code: str, shown: str | None) -> Iterator[SnippetStep]:
    """Yield one step for each top-level statement; the output that is shown belongs to the last."""
    body = parse_leniently(code).body
    comments = _find_comments(code) if body else {}
    for node in body:
        decorated = bool(getattr(node, "decorator_list", []))  # the segment of such a statement lacks its decorators
        text = ast.unparse(node) if decorated else ast.get_source_segment(code, node) or ast.unparse(node)
        comment = _get_comment(comments, node.end_lineno or node.lineno)
        yield SnippetStep(text, shown if node is body[-1] else None, comment, _get_comment_above(comments, node.lineno))


def _find_comments(code: str) -> dict[int, tuple[str, bool]]:
    """Return by line the text of its comment and whether it has the line for itself."""
    try:
        tokens = [t for t in tokenize.generate_tokens(StringIO(code).readline) if t.type == tokenize.COMMENT]
    except (tokenize.TokenError, SyntaxError):
        return {}
    return {t.start[0]: (t.string.lstrip("#").strip(), not t.line[: t.start[1]].strip()) for t in tokens}


def _get_comment(comments: Mapping[int, tuple[str, bool]], line: int) -> str:
    """Return the comment after the statement that ends on this line, else those alone on the lines right below it."""
    if line in comments:
        return comments[line][0]
    below = takewhile(lambda n: n in comments and comments[n][1], count(line + 1))
    return "\n".join(comments[n][0] for n in below)


def _get_comment_above(comments: Mapping[int, tuple[str, bool]], line: int) -> str:
    """Return the comments alone on the lines right above a line; none that follow a statement at once."""
    lines = list(takewhile(lambda n: n in comments and comments[n][1], count(line - 1, -1)))
    return "\n".join(comments[n][0] for n in reversed(lines))
