"""Read which values an issue's sentences name, and whether as expected or as what happens now."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from repoagent.issue.blocks import Role
from repoagent.issue.headings import is_introduction
from repoagent.issue.wording import ACTUAL, DESCRIBING, EXPECTED, OPPOSITE, read_introduction_role

_VALUE = (
    r"`{1,3}[^`\n]{1,200}`{1,3}|(?-i:\bb)?(?:'[^'\n]{0,200}'(?!\w)|\"[^\"\n]{0,200}\")|(?<![\w.])-?\d+(?:\.\d+)?(?=\s*(?:$|[,;:!?.)](?:\s|$)|"
    r"(?:but|instead|rather|not|and|got|expected|is|was)\b))|(?-i:\b(?:True|False|None)\b)"
)
_UNQUOTED = re.compile(r"-?\d+(?:\.\d+)?")

# A number without quotes is a value only right after words that say so: all others are versions, counts and dates.
_STATED = re.compile(
    r"(?:\b(?:should|must|ought to|expected to|supposed to)(?: not)?(?: have)?"
    r" (?:be|been|return(?:ed)?|print(?:ed)?|equal|give|given|yield|show|output)"
    r"|\b(?:expected|actual|output|result)\*{0,2}:\*{0,2}"
    r"|\b(?:answer|result|value|output) (?:is|was)"
    r"|\b(?:returns?|returned|prints?|printed|gives?|gave|outputs|yields?|produces?|shows?|equals?|gets?|got))"
    r"[ \t]{1,3}$",
    re.IGNORECASE,
)
_OPPOSED = re.compile(r"\b(?:instead of|rather than|not)[ \t]{1,3}$", re.IGNORECASE)
_CONTRASTED = re.compile(r",? (?:but|and got|got)\b", re.IGNORECASE)
_VERSION_OR_PLACE = re.compile(r"\b(?:in|on|version|before|since|until|python)[ \t]{1,3}$", re.IGNORECASE)
_NO_VALUE = re.compile(
    r"(?:in|on|for|to|by|with|from|since|before|until|version|python|behaviou?r|results?|output|value)\b", re.IGNORECASE
)
_TOKEN = re.compile(
    rf"(?P<value>{_VALUE})|(?P<opposite>\b(?:{OPPOSITE})\b)"
    rf"|(?P<actual>\b(?:{ACTUAL})\b)|(?P<expected>\b(?:{EXPECTED})\b)|(?P<end>[;!?]|\.(?=\s|$))",
    re.IGNORECASE,
)
_DESCRIBES = re.compile(rf"(?:{DESCRIBING})", re.IGNORECASE)
_SUBJECT = re.compile(
    rf"\s*(?:now |currently |also |actually )?(?:{DESCRIBING}|should|must|would|has|does|gets?)\b", re.IGNORECASE
)
_PASSIVE = re.compile(
    r"\s*(?:is|was|are)?\s*(?:being )?(expected|wanted|returned|printed|shown|given|produced)\b", re.IGNORECASE
)
_RAISES = re.compile(
    rf"\b(?:{EXPECTED})\b[^.\n`]{{0,40}}\b(?:raised?|thrown?|see|get)\b[^.\n`]{{0,20}}?`?"
    r"\b(?:\w{1,60}\.){0,8}(\w{1,60}(?:Error|Exception))\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:not|no|never|without)\b|n't\b|\bun(?:expected|wanted)", re.IGNORECASE)
_LABELLED = re.compile(
    r"^\W*(?:(?P<expected>expected|should (?:be|return|print|give)|wanted)"
    r"|(?P<actual>actual|got|out(?:put)?|current(?:ly)?))\b"
    r"(?:[ \w]{0,20}(?P<colon>:)[ *_]*|\s+)(?P<text>[^\s`'\"].{0,80}?)\.?\s*$",
    re.IGNORECASE,
)
_NEXT_ROLE = re.compile(r"[,;]|\s+(?:but|got|instead|rather|not|actual|expected)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Claim:
    """A value that the issue names, and as what."""

    role: Role
    text: str
    """As written, without backticks."""


def find_claims(text: str) -> tuple[Claim, ...]:
    """Return the values named in prose, each with the role that the words before it give it.

    A line without such words inherits the role of its heading or label ("Expected behaviour").
    """
    found: list[Claim] = []
    heading: Role = ""
    for line in text.splitlines():
        if is_introduction(line):
            heading = read_introduction_role(line)
        found += _find_line_claims(line, heading)
    return tuple(dict.fromkeys(found))


def find_comment_claims(comment: str) -> tuple[Claim, ...]:
    """Return the values named in a comment of code, where a value needs no quotes: `expected 1.0 MB, got 1000.0 kB`."""
    parts = re.split(r"\n|[,;(]\s{0,20}(?=\w)|\s{1,20}(?=but\b|got\b)", comment)
    found = [
        claim for part in parts for claim in _read_labelled(part.strip(" )"), needs_colon=False) or find_claims(part)
    ]
    return tuple(dict.fromkeys(found))


def find_expected_exceptions(text: str) -> frozenset[str]:
    """Return the names of the exceptions that the text says should be raised."""
    return frozenset(match[1] for match in _RAISES.finditer(text) if not _NEGATED.search(match[0]))


def _read_labelled(line: str, needs_colon: bool = True) -> list[Claim]:
    """Read `Expected: 1.0 MB`, a line that is a label and an unquoted value; a comment of code needs no colon."""
    match = _LABELLED.match(line)
    if match is None or not (match["colon"] or (not needs_colon and not _NO_VALUE.match(match["text"]))):
        return []
    return [Claim("expected" if match["expected"] else "actual", _NEXT_ROLE.split(match["text"])[0].strip())]


def _find_line_claims(line: str, heading: Role) -> Iterator[Claim]:
    if labelled := _read_labelled(line):
        yield from labelled
        return
    reader = _ClaimReader(heading)
    for token in _TOKEN.finditer(line):
        if token.lastgroup != "value":
            reader.take_word(token.lastgroup or "", token[0])
        elif _is_stated(line, token, reader.has_value) and (role := reader.read_value(line, token.end())):
            yield Claim(role, _strip_backticks(token[0]))


def _is_stated(line: str, token: re.Match[str], has_value: bool) -> bool:
    """Return whether the words right before a value call it one; `has_value` where the line has named one before."""
    before = line[max(0, token.start() - 60) : token.start()]
    if not _UNQUOTED.fullmatch(token[0]):
        return not _VERSION_OR_PLACE.search(before)
    contrasted = bool(_CONTRASTED.match(line, token.end())) and before.lower().endswith("expected ")
    return contrasted or bool(_STATED.search(before) or (has_value and _OPPOSED.search(before)))


class _ClaimReader:
    """Tells from the words of a line, read so far, what the next value is."""

    def __init__(self, heading: Role) -> None:
        self._heading = heading
        self._begin_sentence()

    def _begin_sentence(self) -> None:
        self._role = self._last = self._heading
        self._wished = self._heading == "expected"
        self.has_value = False

    def take_word(self, kind: str, text: str) -> None:
        """Take a role word; a verb that follows `expected` describes what is expected, not what happens."""
        if kind == "end":
            self._begin_sentence()
        elif kind == "opposite":
            self._role = _OPPOSITE[self._last or self._role]
        elif kind == "expected":
            self._role, self._wished = "expected", True
        elif not (self._wished and _DESCRIBES.fullmatch(text)):
            self._role, self._wished = "actual", False

    def read_value(self, line: str, end: int) -> Role:
        """Return the role of the value that ends at `end`; none for the subject of a verb: `f(3)` returns …"""
        passive = _PASSIVE.match(line, end)
        if passive:
            role: Role = "expected" if passive[1].lower() in {"expected", "wanted"} else "actual"
        else:
            role = "" if _SUBJECT.match(line, end) else self._role
        self._last = role or self._last
        self.has_value = self.has_value or bool(role)
        return role


_OPPOSITE: dict[Role, Role] = {"expected": "actual", "actual": "expected", "": ""}


def _strip_backticks(value: str) -> str:
    return value.strip("`").strip() if value.startswith("`") else value
