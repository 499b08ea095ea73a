"""Find the code in an issue, and what the issue says about its results.

A block is a fenced or indented piece of Markdown, or an interpreter session in plain text. Each is code, a traceback,
or a value that is shown; the words before it tell whether it is what happens or what is expected.
"""

from __future__ import annotations

import ast
import re
import textwrap
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from itertools import count, islice, takewhile

from repoagent.evidence.reproduction.wording import Role, claims_of_comment, role_of
from repoagent.intake.plain import plain_code
from repoagent.intake.syntax import is_literal, parse

LONGEST = 20_000
"""Characters of the longest block that is read."""

MOST_STEPS = 200
"""Statements that are read of one block."""

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})\s*([\w+.-]*)[^\n`]*$")
_PROMPT = re.compile(r"^\s*(?:>>> ?|>> ?(?=[^\s>])|In \[\d*\]: ?)")
_SURE_PROMPT = re.compile(r"^\s*(?:>>> ?|In \[\d*\]: ?)")
"""Outside of fences, where `>>` begins a quotation."""
_CONTINUATION = re.compile(r"^\s*(?:\.\.\.:? ?)")
_SHOWN = re.compile(r"^\s*Out\[\d*\]: ?")
_TRACEBACK = re.compile(r"^[ \t]*(?:([\w.]{1,80})[ \t]+)?Traceback \(most recent call last\):?", re.MULTILINE)
"""Of IPython with the class in front."""
_RULED = re.compile(r"^-{20,}[ \t]*\n([A-Z]\w{1,60})\b", re.MULTILINE)
"""What IPython draws above an exception."""
_RAISED = re.compile(r"^\s*(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)(?::.*)?$")
_LANGUAGES = frozenset({"", "py", "python", "python3", "py3", "pycon", "ipython", "doctest", "text", "console"})


@dataclass(frozen=True)
class Step:
    """A top-level statement, and the output that the issue shows for it."""

    code: str
    shown: str | None = None
    """None where the issue shows nothing."""
    comment: str = ""
    """The comment on its last line, without `#`."""
    above: str = ""
    """The comment on the lines of their own right above it."""


@dataclass(frozen=True)
class Snippet:
    """Code that can be run."""

    steps: tuple[Step, ...]
    role: Role
    """What the words before it say that its shown output is."""
    source: str
    """For a person: `code block 2 of the issue`."""
    near: str = ""
    """The prose right below it, up to the next code."""

    @property
    def code(self) -> str:
        return "\n".join(step.code for step in self.steps)


@dataclass(frozen=True)
class Shown:
    """A block that is no code: an output."""

    text: str
    role: Role


@dataclass(frozen=True)
class Material:
    """All that an issue gives."""

    snippets: tuple[Snippet, ...] = ()
    outputs: tuple[Shown, ...] = ()
    exceptions: frozenset[str] = frozenset()
    """Class names at the end of the tracebacks that are pasted."""
    prose: str = ""
    """The text outside the blocks."""


def read_material(text: str) -> Material:
    """The code, outputs and tracebacks in `text`; code that does not parse as Python 3 is left out."""
    snippets: list[Snippet] = []
    outputs: list[Shown] = []
    prose: list[str] = []
    exceptions: set[str] = set()
    blocks = tuple(_blocks(text))
    rest = _rest(text)
    for number, block in enumerate(blocks, 1):
        prose.append(block.before)
        role = role_of(block.before)
        code, trace = _cut_traceback(block.text)
        exceptions.update(_exception_of(trace))
        steps = _steps(code) if block.language in _LANGUAGES or _is_session(code) else ()
        if steps and not _is_value(steps):
            below = blocks[number].before if number < len(blocks) else rest
            snippets.append(Snippet(steps, role, f"code block {number} of the issue", below))
        elif code.strip():
            outputs.append(Shown(code.strip("\n").rstrip(), role))
    return Material(tuple(snippets), tuple(outputs), frozenset(exceptions), "\n".join([*prose, rest]))


@dataclass(frozen=True)
class _Block:
    before: str
    language: str
    text: str


def _blocks(text: str) -> Iterator[_Block]:
    before: list[str] = []
    lines = text.replace("\r\n", "\n").expandtabs(4).split("\n")
    plain = plain_code(lines)
    at = 0
    while at < len(lines):
        end, language, body = _block_at(lines, at, plain)
        if end == at:
            before.append(lines[at])
            at += 1
            continue
        if len(body) <= LONGEST:
            yield _Block("\n".join(before), language, body)
        before, at = [], end


def _rest(text: str) -> str:
    """The prose after the last block."""
    lines = text.replace("\r\n", "\n").expandtabs(4).split("\n")
    plain = plain_code(lines)
    at = last = 0
    while at < len(lines):
        end, _, _ = _block_at(lines, at, plain)
        last = end if end > at else last
        at = max(end, at + 1)
    return "\n".join(lines[last:])


def _block_at(lines: Sequence[str], at: int, plain: Mapping[int, int]) -> tuple[int, str, str]:
    """The block that begins at a line, as end, language and text; an end equal to `at` means that none does."""
    if fence := _FENCE.match(lines[at]):
        return _fenced(lines, at, fence)
    if _SURE_PROMPT.match(lines[at]):
        end = next((n for n in range(at, len(lines)) if _ends_session(lines, n)), len(lines))
        return end, "pycon", textwrap.dedent("\n".join(lines[at:end]))
    if _is_indented(lines[at]) and (at == 0 or not lines[at - 1].strip()):
        end = next((n for n in range(at, len(lines)) if lines[n].strip() and not _is_indented(lines[n])), len(lines))
        return end, "", textwrap.dedent("\n".join(lines[at:end])).strip("\n")
    end = plain.get(at, at)
    return end, "python", "\n".join(lines[at:end])


def _fenced(lines: Sequence[str], at: int, fence: re.Match[str]) -> tuple[int, str, str]:
    closing = re.compile(rf"^\s*{re.escape(fence[1][0])}{{{len(fence[1])},}}\s*$")
    end = next((n for n in range(at + 1, len(lines)) if closing.match(lines[n])), len(lines))
    return end + 1, fence[2].lower(), textwrap.dedent("\n".join(lines[at + 1 : end]))


def _is_indented(line: str) -> bool:
    return line.startswith("    ") and bool(line.strip())


def _ends_session(lines: Sequence[str], at: int) -> bool:
    following = lines[at + 1] if at + 1 < len(lines) else ""
    return bool(_FENCE.match(lines[at])) or (not lines[at].strip() and not _SURE_PROMPT.match(following))


def _is_session(code: str) -> bool:
    return any(_SURE_PROMPT.match(line) for line in code.splitlines())


def _cut_traceback(block: str) -> tuple[str, str]:
    match = _RULED.search(block) or _TRACEBACK.search(block)
    if match is None or any(_PROMPT.match(line) for line in block[match.end() :].splitlines()):
        return block, block[match.start() :] if match else ""
    return block[: match.start()], block[match.start() :]


def _exception_of(trace: str) -> Iterator[str]:
    """The class of each traceback: IPython names it first; else the first line that is not indented again."""
    yield from _RULED.findall(trace)
    parts = _TRACEBACK.split(trace)
    for named, part in zip(parts[1::2], parts[2::2], strict=True):
        lines = [line for line in textwrap.dedent(part).splitlines() if line.strip() and not line.startswith(" ")]
        if named:
            yield named.rpartition(".")[2]
        elif lines and (match := _RAISED.match(lines[0])):
            yield match[1]


def _steps(block: str) -> tuple[Step, ...]:
    lines = block.splitlines()
    inputs = _session(lines) if any(_PROMPT.match(line) for line in lines) else iter([(block, None)])
    steps = (step for code, shown in inputs for step in _parsed(code, shown))
    return tuple(_with_values(islice(steps, MOST_STEPS)))


def _with_values(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps, where a value that stands below a comment such as `# expected output` is no step of its own but
    belongs to that comment."""
    last: Step | None = None
    for step in steps:
        told = f"{step.above.rstrip(':')}: {step.code}"
        if last is not None and is_literal(step.code) and any(c.role for c in claims_of_comment(told)):
            last = replace(last, comment="\n".join(filter(None, (last.comment, told))))
            continue
        if last is not None:
            yield last
        last = step
    if last is not None:
        yield last


def _session(lines: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Each input of an interpreter session with the output below it."""
    code: list[str] = []
    shown: list[str] = []
    width = 0
    for line in lines:
        if _PROMPT.match(line):
            if code:
                yield "\n".join(code), _output(shown)
            code, shown, width = [_PROMPT.sub("", line, count=1)], [], _indented_by(line)
        elif code and not shown and _CONTINUATION.match(line) and not _is_gap(line, code):
            code.append(_CONTINUATION.sub("", line, count=1))
        elif code and not shown and (joined := _without_prompt(line, code, width)):
            code = [joined]
        elif code:
            shown.append(_SHOWN.sub("", line, count=1))
    if code:
        yield "\n".join(code), _output(shown)


def _indented_by(line: str) -> int:
    """How wide a notebook's prompt is; 0 for another's."""
    match = _PROMPT.match(line)
    return match.end() if match and "In [" in match[0] else 0


def _without_prompt(line: str, code: Sequence[str], width: int) -> str:
    """The code with a line of a notebook's cell that stands below it, as far to the right; empty where it is none."""
    if not width or not line.startswith(" " * width):
        return ""
    joined = "\n".join((*code, line[width:]))
    return joined if parse(joined).body else ""


def _is_gap(line: str, code: Sequence[str]) -> bool:
    """Whether `...` below a whole statement is its output, with something left out, rather than a prompt."""
    body = parse(code[0]).body if line.strip() == "..." and len(code) == 1 else []
    return bool(body) and not hasattr(body[-1], "body")


def _output(lines: Sequence[str]) -> str | None:
    """What a session shows; an empty line in it is written as doctest wants it."""
    shown = ("" if line.strip() == "<BLANKLINE>" else line for line in lines)
    return textwrap.dedent("\n".join(shown)).strip("\n").rstrip() or None


def _parsed(code: str, shown: str | None) -> Iterator[Step]:
    """One step for each top-level statement; the output that is shown belongs to the last."""
    body = parse(code).body
    comments = _comments(code) if body else {}
    for node in body:
        decorated = bool(getattr(node, "decorator_list", []))  # the segment of such a statement lacks its decorators
        text = ast.unparse(node) if decorated else ast.get_source_segment(code, node) or ast.unparse(node)
        comment = _comment(comments, node.end_lineno or node.lineno)
        yield Step(text, shown if node is body[-1] else None, comment, _above(comments, node.lineno))


def _comments(code: str) -> dict[int, tuple[str, bool]]:
    """By line, the text of its comment and whether it has the line for itself."""
    try:
        tokens = [t for t in tokenize.generate_tokens(StringIO(code).readline) if t.type == tokenize.COMMENT]
    except (tokenize.TokenError, SyntaxError):
        return {}
    return {t.start[0]: (t.string.lstrip("#").strip(), not t.line[: t.start[1]].strip()) for t in tokens}


def _comment(comments: Mapping[int, tuple[str, bool]], line: int) -> str:
    """The comment after the statement that ends on this line, else those on the lines of their own right below it."""
    if line in comments:
        return comments[line][0]
    below = takewhile(lambda n: n in comments and comments[n][1], count(line + 1))
    return "\n".join(comments[n][0] for n in below)


def _above(comments: Mapping[int, tuple[str, bool]], line: int) -> str:
    """The comments on the lines of their own that end right above a line; none that follow a statement at once."""
    lines = list(takewhile(lambda n: n in comments and comments[n][1], count(line - 1, -1)))
    return "\n".join(comments[n][0] for n in reversed(lines))


def _is_value(steps: Sequence[Step]) -> bool:
    """Whether a block that parses is an output all the same: names, literals, arithmetic, `total: 3` on each line."""
    body = [node for step in steps for node in parse(step.code).body]
    inert = all(isinstance(n, ast.Expr) or (isinstance(n, ast.AnnAssign) and n.value is None) for n in body)
    acts = any(isinstance(n, ast.Call | ast.Subscript) for node in body for n in ast.walk(node))
    return inert and not acts and all(step.shown is None for step in steps)
