"""Parse an issue, once, into the blocks that every reader of it works with.

Title, body and each comment are parsed on their own, so that a fence that is never closed ends where its author's words
do. All blocks together hold every line that says something, in its order.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from repoagent.domain import Issue
from repoagent.issue.blocks import Block, BlockKind, Layout, Section
from repoagent.issue.fences import Fence, read_fence
from repoagent.issue.headings import Heading, read_heading
from repoagent.issue.lines import SESSION_PROMPT, begins_diff, is_diff, is_diff_line, is_frame, is_indented, is_set_off
from repoagent.issue.plain_code import find_plain_code
from repoagent.issue.syntax import parse_leniently
from repoagent.issue.wording import read_heading_role, read_role_before

MAX_LENGTH = 100_000
"""Characters of an issue that are read: the rest of such a one is logs."""

_CACHED = 64
_TEXT_LANGUAGES = frozenset({"", "text", "txt", "console", "output"})


@dataclass(frozen=True)
class IssueDocument:
    """An issue's text, and the blocks it consists of, in their order."""

    text: str
    """Title, body and comments as Markdown, with `\\n` between lines."""
    blocks: tuple[Block, ...]

    def split_at(self, is_wanted: Callable[[Block], bool]) -> tuple[tuple[tuple[str, Block], ...], str]:
        """Return the blocks that are wanted, each with the text between it and the one before, and the text after the
        last. What a form says to the reporter is nobody's text."""
        found: list[tuple[str, Block]] = []
        between: list[str] = []
        for block in self.blocks:
            if is_wanted(block):
                found.append(("\n".join(between), block))
                between = []
            elif block.kind is not BlockKind.FORM:
                between.append(block.text)
        return tuple(found), "\n".join(between)


@lru_cache(maxsize=_CACHED)
def parse_document(issue: Issue) -> IssueDocument:
    """Return the document of `issue`. Takes time in proportion to its length; the same issue is parsed once."""
    parser = _Parser()
    parser.read_title(f"# {issue.title}".strip())
    parser.read_body(issue.body.strip())
    for number, comment in enumerate(issue.comments, 1):
        author, _, body = f"{comment.author}:\n{comment.body}".strip().partition("\n")
        parser.read_comment(author, body, number)
    return parser.finish()


def parse_text(text: str, max_length: int = MAX_LENGTH) -> IssueDocument:
    """Return the document of a text without title and comments, at most `max_length` characters of it."""
    parser = _Parser(max_length)
    parser.read_body(text)
    return parser.finish()


@dataclass
class _Parser:
    """Collects the blocks of one part after the other."""

    left: int = MAX_LENGTH
    """Characters that may still be read."""
    texts: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    """The text since the last block that was set apart."""
    line: int = 0
    """Number of the next part's first line."""

    def finish(self) -> IssueDocument:
        text = "\n\n".join(self.texts)
        return IssueDocument(text + "\n" if text else "", tuple(self.blocks))

    def read_title(self, title: str) -> None:
        if text := self._take(title):
            self._add(Block(BlockKind.TITLE, text, self.line, self.line + text.count("\n") + 1))
            self._end_part(text)

    def read_body(self, body: str) -> None:
        if text := self._take(body):
            self._read_lines(text.expandtabs(4).split("\n"), self.line, 0)
            self._end_part(text)

    def read_comment(self, author: str, body: str, number: int) -> None:
        if head := self._take(author):
            self._add(Block(BlockKind.AUTHOR, head, self.line, self.line + 1, comment=number))
            if text := self._take(body):
                self._read_lines(text.expandtabs(4).split("\n"), self.line + 1, number)
            self._end_part(f"{head}\n{text}".rstrip("\n"))

    def _take(self, text: str) -> str:
        """Cut `text` to what may still be read."""
        taken = text.replace("\r\n", "\n")[: self.left]
        self.left -= len(taken)
        return taken if taken.strip() else ""

    def _end_part(self, text: str) -> None:
        self.texts.append(text)
        self.line += text.count("\n") + 2

    def _add(self, block: Block) -> None:
        if block.is_set_apart:
            block = replace(block, role=read_role_before("\n".join(self.words)))
            self.words.clear()
        elif block.kind is not BlockKind.FORM:
            self.words.append(block.text)
        self.blocks.append(block)

    def _read_lines(self, lines: list[str], first: int, comment: int) -> None:
        for block in _split_lines(lines):
            self._add(replace(block, start=block.start + first, end=block.end + first, comment=comment))


# --- one part ---------------------------------------------------------------------------------------------------------


def _split_lines(lines: list[str]) -> Iterator[Block]:
    """Yield the blocks of one part; code without its role, lines counted from the part's first."""
    plain = find_plain_code(lines)
    last_end = max((number for number, line in enumerate(lines) if "-->" in line), default=-1)
    run = _TextRun()
    at = 0
    while at < len(lines):
        if block := _read_apart(lines, at, plain):
            yield from run.flush()
            yield replace(block, section=run.section)
            at = block.end
            continue
        form = _cut_form(lines, at, last_end) if "<!--" in lines[at] else None
        if form is None or lines[at].strip():
            yield from run.take(lines[at], at)
        at += 1
        if form:
            yield from run.flush()
            yield replace(form, section=run.section)
            at = max(at, form.end - 1 if lines[form.end - 1].strip() else form.end)
    yield from run.flush()


class _TextRun:
    """Gathers lines of text as long as they are of one kind, and knows the section they stand in."""

    def __init__(self) -> None:
        self.section = Section()
        self._kind = BlockKind.PROSE
        self._lines: list[str] = []
        self._start = 0

    def take(self, line: str, number: int) -> Iterator[Block]:
        """Add a line; yield the block that it ends, and itself where it is a heading."""
        heading = self._read_heading(line)
        if heading:
            yield from self.flush()
            self.section = Section(heading.title, read_heading_role(heading.title), heading.is_environment)
        kind = BlockKind.HEADING if heading else self._classify(line)
        if kind is not self._kind:
            yield from self.flush()
        if not self._lines:
            self._start, self._kind = number, kind
        self._lines.append(line)
        if heading:
            yield from self.flush()

    def flush(self) -> Iterator[Block]:
        """Yield what was gathered, unless it says nothing."""
        if any(line.strip() for line in self._lines):
            end = self._start + len(self._lines)
            text = "\n".join(self._lines)
            yield Block(self._kind, text, self._start, end, section=self.section, role=self.section.role)
        self._lines = []

    def _read_heading(self, line: str) -> Heading | None:
        """Lists of versions are full of short lines: only a marked heading ends them."""
        heading = None if is_set_off(line) else read_heading(line)
        if heading and self.section.is_environment and not heading.is_marked and not heading.is_environment:
            return None
        return heading

    def _classify(self, line: str) -> BlockKind:
        if not line.strip() and self._lines:
            return self._kind
        if is_frame(line):
            return BlockKind.TRACEBACK
        if line.strip() and is_set_off(line):
            return BlockKind.TRACEBACK if self._kind is BlockKind.TRACEBACK and self._lines else BlockKind.OUTPUT
        return BlockKind.PROSE


def _read_apart(lines: Sequence[str], at: int, plain: Mapping[int, int]) -> Block | None:
    """Return the block that begins at a line and is set apart from the text; None where none does."""
    line = lines[at]
    if fence := read_fence(line):
        return _read_fenced(lines, at, fence)
    if SESSION_PROMPT.match(line):
        end = next((n for n in range(at, len(lines)) if _ends_session(lines, n)), len(lines))
        text = textwrap.dedent("\n".join(lines[at:end]))
        layout = Layout.INDENTED if is_indented(line) else Layout.BARE
        return Block(BlockKind.SESSION, text, at, end, layout, "pycon")
    if is_indented(line) and (at == 0 or not lines[at - 1].strip()):
        end = next((n for n in range(at, len(lines)) if _ends_indented(lines[n])), len(lines))
        text = textwrap.dedent("\n".join(lines[at:end])).strip("\n")
        return Block(_classify_code(text, ""), text, at, end, Layout.INDENTED)
    if begins_diff(line):
        end = next((n for n in range(at, len(lines)) if not is_diff_line(lines[n])), len(lines))
        return Block(BlockKind.DIFF, "\n".join(lines[at:end]), at, end, Layout.BARE, "diff")
    if end := plain.get(at, 0):
        return Block(BlockKind.CODE, "\n".join(lines[at:end]), at, end, Layout.BARE, "python")
    return None


def _read_fenced(lines: Sequence[str], at: int, fence: Fence) -> Block:
    close = next((n for n in range(at + 1, len(lines)) if fence.is_closed_by(lines[n])), len(lines))
    text = textwrap.dedent("\n".join(lines[at + 1 : close]))
    end = min(close + 1, len(lines))
    return Block(_classify_code(text, fence.language), text, at, end, Layout.FENCED, fence.language)


def _ends_session(lines: Sequence[str], at: int) -> bool:
    following = lines[at + 1] if at + 1 < len(lines) else ""
    return read_fence(lines[at]) is not None or (not lines[at].strip() and not SESSION_PROMPT.match(following))


def _ends_indented(line: str) -> bool:
    return bool(line.strip()) and not is_indented(line)


def _classify_code(text: str, language: str) -> BlockKind:
    """Tell what a fenced or indented block holds."""
    first = text.lstrip("\n").partition("\n")[0]
    if language in {"diff", "patch"} or is_diff(text):
        return BlockKind.DIFF
    if any(SESSION_PROMPT.match(line) for line in text.split("\n")):
        return BlockKind.SESSION
    if is_frame(first):
        return BlockKind.TRACEBACK
    return BlockKind.OUTPUT if language in _TEXT_LANGUAGES and not parse_leniently(text).body else BlockKind.CODE


# --- forms ------------------------------------------------------------------------------------------------------------

_CODE_OR_FORM = re.compile(r"(?P<ticks>`+)|<!--")


def _cut_form(lines: list[str], at: int, last_end: int) -> Block | None:
    """Take the comments of HTML that begin on a line out of `lines`, and return them as a block.

    One that is never closed hides the rest where it begins its line, and is plain text elsewhere; `last_end` is the
    last line that closes one.
    """
    shown, cut, rest = _split_forms(lines[at])
    end = at + 1
    if rest and (at < last_end or not shown.strip()):
        hidden, end, after = _find_form_end(lines, end)
        cut += [rest, *hidden]
        lines[end - 1] = after
        if end > at + 1:
            lines[at] = shown.rstrip()
    else:
        lines[at] = shown + rest
    return Block(BlockKind.FORM, "\n".join(cut), at, end) if cut else None


def _find_form_end(lines: Sequence[str], at: int) -> tuple[list[str], int, str]:
    """Return the lines of a form from `at` on, the line after it, and what stands behind it on its last line."""
    close = next((number for number in range(at, len(lines)) if "-->" in lines[number]), None)
    if close is None:
        return list(lines[at:]), len(lines), ""
    inside, _, after = lines[close].partition("-->")
    return [*lines[at:close], f"{inside}-->"], close + 1, after


def _split_forms(line: str) -> tuple[str, list[str], str]:
    """Split a line into what is shown, the comments that end on it, and one that does not; those in code are shown."""
    shown: list[str] = []
    cut: list[str] = []
    at = 0
    while match := _CODE_OR_FORM.search(line, at):
        ticks = match["ticks"]
        end = line.find(ticks or "-->", match.end() if ticks else match.start() + 2)
        if end < 0 and not ticks:
            return "".join((*shown, line[at : match.start()])), cut, line[match.start() :]
        if ticks:
            end = max(end + len(ticks), match.end())
            shown.append(line[at:end])
        else:
            end += 3
            shown.append(line[at : match.start()])
            cut.append(line[match.start() : end])
        at = end
    return "".join((*shown, line[at:])), cut, ""
