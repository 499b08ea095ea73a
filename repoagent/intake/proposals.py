"""Changes that an issue itself proposes, as text: diffs, pairs of "before" and "after", whole functions.

Nothing is applied and nothing is believed here: what is found becomes a candidate like any other, behind the same gate.
On SWE-bench Lite 13 of 300 issues hold the exact patch, 23 a part of it, and 15 a misleading one (Agentless' notes).
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from repoagent.intake.plain import plain_code
from repoagent.intake.syntax import parse

MOST = 8
"""Proposals that are read of one issue."""
LONGEST = 8_000
"""Characters of one block."""
_ISSUE = 100_000
"""Characters of an issue that are read."""


@dataclass(frozen=True)
class Hunk:
    """Lines that shall stand in the place of others."""

    before: str
    """As they are now; never empty."""
    after: str
    path: str = ""
    """As the issue names the file; empty where it names none."""


@dataclass(frozen=True)
class Proposal:
    """One change that the issue proposes."""

    source: str
    """For a person: `the diff in the issue`."""
    hunks: tuple[Hunk, ...] = ()
    function: str = ""
    """Instead of hunks: the text of a function as it should be."""
    pieces: tuple[str, ...] = ()
    """Instead of both: statements and literals as the issue names them, of which some may be as they should be."""


_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*([\w+-]*)")
_OF_DIFF = re.compile(r"(?:[-+ @\\]|diff |index |new |deleted |similarity )")
_BEGINS_DIFF = re.compile(r"(?:diff --git |--- a/)")
_HUNK = re.compile(r"^@@.*$", re.MULTILINE)
_FILE = re.compile(r"^(?:diff --git .*|--- (?P<old>\S+).*|\+\+\+ (?P<new>\S+).*)$")
_QUOTED = r"(?:`(?P<{0}1>[^`\n]{{1,200}})`|\"(?P<{0}2>[^\"\n]{{2,80}})\"|'(?P<{0}3>[^'\n]{{2,80}})'(?!\w))"
_BEFORE, _AFTER = _QUOTED.format("before"), _QUOTED.format("after")
_GAP = r"[^`\n.;\"']"
"""Of the words between both: what names no third thing, and ends no sentence."""
_REPLACING = re.compile(
    rf"\b(?:chang(?:e|es|ed|ing)|replac(?:e|es|ed|ing)|switch(?:ed|ing)?|renam(?:e|es|ed|ing)|turn(?:ed|ing)?)\b"
    rf"{_GAP}{{0,60}}{_BEFORE}{_GAP}{{0,40}}\b(?:to|with|by|into)\b{_GAP}{{0,40}}{_AFTER}",
    re.IGNORECASE,
)
_INSTEAD = re.compile(
    r"`(?P<after>[^`\n]{3,200})` (?:instead of|rather than) `(?P<before>[^`\n]{3,200})`", re.IGNORECASE
)
"""In backticks only: of other quoted texts, the first is what is seen as often as what is wanted."""
_TURNS = re.compile(
    r"\b(?:to|with|into|be|fix(?:ed)?|instead|becomes?|like(?: this)?|as follows|proposed?|solution|suggest(?:ed|ion)?|"
    r"change[ds]?|replaced?|works?|something like)\b[^\n]{0,40}$",
    re.IGNORECASE,
)
_DEFINES = re.compile(r"^\s*(?:async )?def \w+", re.MULTILINE)


def proposals(text: str) -> tuple[Proposal, ...]:
    """What the issue's text proposes, diffs first; at most MOST."""
    text = text[:_ISSUE].replace("\r\n", "\n").expandtabs(4)
    blocks = list(_blocks(text.split("\n")))
    found = [*_diffs(blocks), *_inline(text), *_pairs(blocks), *_functions(blocks)]
    pieces = tuple(islice(dict.fromkeys(_pieces(text)), MOST_PIECES))
    named = (Proposal("a line that the issue shows", pieces=pieces),) if pieces else ()
    return (*tuple(dict.fromkeys(found))[:MOST], *named)


@dataclass(frozen=True)
class _Block:
    before: str
    """The words between the block above and this one."""
    language: str
    text: str


def _blocks(lines: Sequence[str]) -> Iterator[_Block]:
    """Fenced blocks, diffs and code without any fence."""
    words: list[str] = []
    plain = plain_code(lines)
    at = 0
    while at < len(lines):
        end, block = _block(lines, at, plain)
        if end == at:
            words.append(lines[at])
            at += 1
            continue
        text = textwrap.dedent("\n".join(block[1:]))
        if text.strip() and len(text) <= LONGEST:
            yield _Block("\n".join(words).strip(), block[0], text.strip("\n"))
        words, at = [], end


def _block(lines: Sequence[str], at: int, plain: Mapping[int, int]) -> tuple[int, Sequence[str]]:
    """The end of the block that begins at a line, and its language and lines; the line itself where none does."""
    if fence := _FENCE.match(lines[at]):
        closing = re.compile(rf"^ {{0,3}}{re.escape(fence[1])}\s*$")
        end = next((n for n in range(at + 1, len(lines)) if closing.match(lines[n])), len(lines))
        return end + 1, (fence[2].lower(), *lines[at + 1 : end])
    if _BEGINS_DIFF.match(lines[at]):
        end = next((n for n in range(at, len(lines)) if not _OF_DIFF.match(lines[n])), len(lines))
        return end, ("diff", *lines[at:end])
    end = plain.get(at, at)
    return end, ("", *lines[at:end])


def _diffs(blocks: Sequence[_Block]) -> Iterator[Proposal]:
    for block in blocks:
        if block.language in {"diff", "patch"} or _is_diff(block.text):
            hunks = tuple(_hunks(block.text))
            if hunks:
                yield Proposal("the diff in the issue", hunks)


def _is_diff(block: str) -> bool:
    return bool(_HUNK.search(block)) or block.lstrip().startswith("diff --git")


def _hunks(diff: str) -> Iterator[Hunk]:
    """The hunks of a diff, with headers or without."""
    path = ""
    lines: list[str] = []
    for line in [*diff.splitlines(), "@@"]:
        header = _FILE.match(line)
        if header or line.startswith("@@"):
            yield from _hunk(lines, path)
            lines = []
            named = header and (header["new"] or header["old"])
            path = re.sub(r"^[ab]/", "", named) if named and named != "/dev/null" else path
        elif line[:1] in "+- " or not line:
            lines.append(line)


def _hunk(lines: Sequence[str], path: str) -> Iterator[Hunk]:
    before = "\n".join(line[1:] for line in lines if line[:1] != "+")
    after = "\n".join(line[1:] for line in lines if line[:1] != "-")
    if before.strip() and before != after and any(line[:1] in "+-" for line in lines if line):
        yield Hunk(before, after, path)


def _inline(text: str) -> Iterator[Proposal]:
    """``change `x` to `y` ``; an excerpt of a line each."""
    found = [(_named(match, "before"), _named(match, "after")) for match in _REPLACING.finditer(text)]
    found += [(match["before"], match["after"]) for match in _INSTEAD.finditer(text)]
    for before, after in found:
        if before != after and len(before) >= _LEAST_BEFORE:
            yield Proposal("a replacement that the issue names", (Hunk(before, after),))
    for line in text.split("\n"):
        if len(line) <= _LONGEST_LINE and (hunk := _bare(line)):
            yield Proposal("a replacement that the issue names", (hunk,))


_LEAST_BEFORE = 3
"""Characters of what is to be replaced."""


def _named(match: re.Match[str], name: str) -> str:
    """What a group holds, in whichever quotes."""
    return next(str(text) for number in (1, 2, 3) if (text := match[f"{name}{number}"]))


def _bare(line: str) -> Hunk | None:
    """``replacing x = 1 with x = 2``, without any quotes, where both sides are code and no words."""
    verb = _VERB.search(line)
    if verb is None:
        return None
    for turn in _TURN.finditer(line, verb.end()):
        before, after = line[verb.end() : turn.start()].strip(), line[turn.end() :].strip().rstrip(".")
        if before != after and _is_code(before) and _is_code(after):
            return Hunk(before, after)
    return None


_VERB = re.compile(r"\b(?:chang|replac)(?:e|es|ed|ing)\s", re.IGNORECASE)
_TURN = re.compile(r"\s(?:to|with|by|into)\s")


def _is_code(text: str) -> bool:
    """Whether it can only be code: what parses and is neither a name nor a value."""
    body = parse(text).body
    if len(body) != 1 or len(text) < _LEAST_CODE or isinstance(body[0], ast.AnnAssign):
        return False
    value = body[0].value if isinstance(body[0], ast.Expr) else None
    return value is None or not isinstance(value, ast.Name | ast.Constant | ast.Tuple)


_LEAST_CODE = 6
"""Characters of code that stands in prose without quotes."""


def _pairs(blocks: Sequence[_Block]) -> Iterator[Proposal]:
    """Two blocks of code one after the other, with words between them that turn the first into the second."""
    for first, second in pairwise(blocks):
        turned = len(second.before) < _BETWEEN and _TURNS.search(second.before.rstrip(": *\n"))
        if turned and first.text != second.text and not _is_diff(second.text):
            yield Proposal("the code that the issue shows as it should be", (Hunk(first.text, second.text),))


_BETWEEN = 250
"""Characters of the words between both."""


def _pieces(text: str) -> Iterator[str]:
    """Lines that are a statement, or begin one, and what stands in backticks or is a raw string, in their order."""
    for line in text.split("\n"):
        if len(line) > _LONGEST_LINE:
            continue
        whole = line.strip().strip("`").strip()
        if _is_statement(whole):
            yield whole
            continue
        for match in _NAMED.finditer(line):
            piece = (match["code"] or match["literal"]).strip()
            if match["literal"] or _is_statement(piece):
                yield piece


_NAMED = re.compile(r"`(?P<code>[^`\n]{4,200})`|(?P<literal>\br(?:'[^'\n]{6,120}'|\"[^\"\n]{6,120}\"))")
_LONGEST_LINE = 400
_LEAST_PIECE = 16
"""Characters of a piece that says where it belongs."""
MOST_PIECES = 40
"""Pieces that are read of one issue."""


def _is_statement(line: str) -> bool:
    """Whether it is an assignment, a `return`, or the head of a block: more than a name or a call that is talked of."""
    if len(line) < _LEAST_PIECE or line.startswith((">>>", "import ", "from ", "class ", "@")):
        return False
    body = parse(f"{line} pass" if line.endswith(":") else line).body
    return len(body) == 1 and not isinstance(body[0], ast.Expr | ast.AnnAssign)


def _functions(blocks: Sequence[_Block]) -> Iterator[Proposal]:
    """Blocks that hold a function, which may be one of the project's as it should be."""
    for block in blocks:
        if block.language in {"", "py", "python", "python3", "suggestion"} and _DEFINES.search(block.text):
            yield Proposal("the function that the issue shows", function=block.text)
