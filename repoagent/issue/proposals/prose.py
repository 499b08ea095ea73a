"""Read replacements and pieces of code that sentences name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from repoagent.issue.proposals.model import ProposedHunk
from repoagent.issue.syntax import parse_leniently

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
_VERB = re.compile(r"\b(?:chang|replac)(?:e|es|ed|ing)\s", re.IGNORECASE)
_PREPOSITION = re.compile(r"\s(?:to|with|by|into)\s")
_NAMED = re.compile(r"`(?P<code>[^`\n]{4,200})`|(?P<literal>\br(?:'[^'\n]{6,120}'|\"[^\"\n]{6,120}\"))")
"""A raw literal is code that somebody wrote; any other may be a quotation, or a value as Python prints it."""

_MIN_BEFORE = 3
"""Characters of what is to be replaced."""
_MIN_CODE = 6
"""Characters of code that stands in prose without quotes."""
_MIN_PIECE = 16
"""Characters of a piece that says where it belongs."""
_MAX_LINE = 400


def find_replacements(text: str) -> Iterator[ProposedHunk]:
    """Yield what ``change `x` to `y` `` and the like name; an excerpt of a line each."""
    found = [(_get_named(match, "before"), _get_named(match, "after")) for match in _REPLACING.finditer(text)]
    found += [(match["before"], match["after"]) for match in _INSTEAD.finditer(text)]
    for before, after in found:
        if before != after and len(before) >= _MIN_BEFORE:
            yield ProposedHunk(before, after)
    for line in text.split("\n"):
        if len(line) <= _MAX_LINE and (hunk := _read_unquoted(line)):
            yield hunk


def find_pieces(text: str) -> Iterator[str]:
    """Yield lines that are a statement, or begin one, what stands in backticks and is one, and raw literals,
    in their order."""
    for line in text.split("\n"):
        if len(line) > _MAX_LINE:
            continue
        whole = line.strip().strip("`").strip()
        if _is_statement(whole):
            yield whole
            continue
        for match in _NAMED.finditer(line):
            piece = (match["code"] or match["literal"]).strip()
            if match["literal"] or _is_statement(piece):
                yield piece


def _get_named(match: re.Match[str], name: str) -> str:
    """Return what a group holds, in whichever quotes."""
    return next(str(text) for number in (1, 2, 3) if (text := match[f"{name}{number}"]))


def _read_unquoted(line: str) -> ProposedHunk | None:
    """Read ``replacing x = 1 with x = 2``, without any quotes, where both sides are code and no words."""
    verb = _VERB.search(line)
    if verb is None:
        return None
    for turn in _PREPOSITION.finditer(line, verb.end()):
        before, after = line[verb.end() : turn.start()].strip(), line[turn.end() :].strip().rstrip(".")
        if before != after and _is_code(before) and _is_code(after):
            return ProposedHunk(before, after)
    return None


def _is_code(text: str) -> bool:
    """Return whether it can only be code: what parses and is neither a name nor a value."""
    body = parse_leniently(text).body
    if len(body) != 1 or len(text) < _MIN_CODE or isinstance(body[0], ast.AnnAssign):
        return False
    value = body[0].value if isinstance(body[0], ast.Expr) else None
    return value is None or not isinstance(value, ast.Name | ast.Constant | ast.Tuple)


def _is_statement(line: str) -> bool:
    """Return whether it is an assignment, a `return`, or the head of a block: more than a name or a call that is talked
    of."""
    if len(line) < _MIN_PIECE or line.startswith((">>>", "import ", "from ", "class ", "@")):
        return False
    body = parse_leniently(f"{line} pass" if line.endswith(":") else line).body
    return len(body) == 1 and not isinstance(body[0], ast.Expr | ast.AnnAssign)
