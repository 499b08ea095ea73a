"""Read what an issue's prose says about results: which values are expected and which are what happens now."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Role = Literal["expected", "actual", ""]

_EXPECTED = (
    r"expect(?:ed|s|ing|ation)?|should(?: have)?(?: be| been)?|must(?: be)?|ought to|supposed to|desired|wanted|want|"
    r"(?:correct|right) (?:answer|result|value|output|behaviou?r)"
)
_DESCRIBING = r"returns?|returned|prints?|printed|gives?|outputs?|yields?|produces?|shows?|equals?|is|was"
_ACTUAL = (
    r"actual(?:ly)?|got|gets?|but|current(?:ly)?|observed|wrong(?:ly)?|incorrect(?:ly)?|now|gave|produced|"
    rf"should(?: have)? not|shouldn't|must not|{_DESCRIBING}"
)
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
    rf"(?P<value>{_VALUE})|(?P<opposite>\b(?:instead of|rather than|(?<!should )(?<!must )not)\b)"
    rf"|(?P<actual>\b(?:{_ACTUAL})\b)|(?P<expected>\b(?:{_EXPECTED})\b)|(?P<end>[;!?]|\.(?=\s|$))",
    re.IGNORECASE,
)
_DESCRIBES = re.compile(rf"(?:{_DESCRIBING})", re.IGNORECASE)
_SUBJECT = re.compile(
    rf"\s*(?:now |currently |also |actually )?(?:{_DESCRIBING}|should|must|would|has|does|gets?)\b", re.IGNORECASE
)
_PASSIVE = re.compile(
    r"\s*(?:is|was|are)?\s*(?:being )?(expected|wanted|returned|printed|shown|given|produced)\b", re.IGNORECASE
)
_RAISES = re.compile(
    rf"\b(?:{_EXPECTED})\b[^.\n`]{{0,40}}\b(?:raised?|thrown?|see|get)\b[^.\n`]{{0,20}}?`?"
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
_LABEL = re.compile(
    rf"(?P<expected>\b(?:{_EXPECTED})\b)|(?P<actual>\b(?:{_ACTUAL}|output|result|bug|fails?)\b)", re.IGNORECASE
)
_CONTRAST = re.compile(r"\b(?:but|got|actual)", re.IGNORECASE)
_TITLE = re.compile(r"^\s*(?:#+\s+.*|\*\*[^*\n]+\*\*:?|[^.\n]{1,60}:)\s*$")


@dataclass(frozen=True)
class Claim:
    """A value that the issue names, and as what."""

    role: Role
    text: str
    """As written, without backticks."""


def role_of(before: str) -> Role:
    """What the last words before a block say that it shows: nearest line first, then the heading above it."""
    lines = [line for line in before.splitlines() if line.strip()]
    for line in lines[:-4:-1]:
        if role := _label(line):
            return role
        if _TITLE.match(line):
            break
    return ""


def claims_in(text: str) -> tuple[Claim, ...]:
    """The values named in prose, each with the role the words before it give it.

    A line without such words inherits the role of its heading or label ("Expected behaviour").
    """
    found: list[Claim] = []
    heading: Role = ""
    for line in text.splitlines():
        if _TITLE.match(line):
            heading = _label(line)
        found += _claims(line, heading)
    return tuple(dict.fromkeys(found))


def claims_of_comment(comment: str) -> tuple[Claim, ...]:
    """The values named in a comment, where a value needs no quotes: `expected 1.0 MB, got 1000.0 kB`."""
    parts = re.split(r"\n|[,;(]\s{0,20}(?=\w)|\s{1,20}(?=but\b|got\b)", comment)
    found = [claim for part in parts for claim in _labelled(part.strip(" )"), bare=True) or claims_in(part)]
    return tuple(dict.fromkeys(found))


def expected_exceptions(text: str) -> frozenset[str]:
    """Exceptions that the text says should be raised."""
    return frozenset(match[1] for match in _RAISES.finditer(text) if not _NEGATED.search(match[0]))


def _label(line: str) -> Role:
    """The role named last in the line; `expected` goes before what merely describes it ("expected output:")."""
    roles: list[Role] = ["expected" if m["expected"] else "actual" for m in _LABEL.finditer(line)]
    if "expected" in roles and not _CONTRAST.search(line):
        return "expected"
    return roles[-1] if roles else ""


def _labelled(line: str, bare: bool = False) -> list[Claim]:
    """`Expected: 1.0 MB`, a line that is a label and an unquoted value; `bare` for one that needs no colon."""
    match = _LABELLED.match(line)
    if match is None or not (match["colon"] or (bare and not _NO_VALUE.match(match["text"]))):
        return []
    return [Claim("expected" if match["expected"] else "actual", _NEXT_ROLE.split(match["text"])[0].strip())]


def _claims(line: str, heading: Role) -> Iterator[Claim]:
    if labelled := _labelled(line):
        yield from labelled
        return
    reader = _Reader(heading)
    for token in _TOKEN.finditer(line):
        if token.lastgroup != "value":
            reader.word(token.lastgroup or "", token[0])
        elif _is_stated(line, token, reader.answered) and (role := reader.value(line, token.end())):
            yield Claim(role, _bare(token[0]))


def _is_stated(line: str, token: re.Match[str], answered: bool) -> bool:
    """Whether a value is called one by the words right before it; `answered` when it may be contrasted with another."""
    before = line[max(0, token.start() - 60) : token.start()]
    if not _UNQUOTED.fullmatch(token[0]):
        return not _VERSION_OR_PLACE.search(before)
    contrasted = bool(_CONTRASTED.match(line, token.end())) and before.lower().endswith("expected ")
    return contrasted or bool(_STATED.search(before) or (answered and _OPPOSED.search(before)))


class _Reader:
    """What the words of a line, read so far, make of the next value."""

    def __init__(self, heading: Role) -> None:
        self._heading = heading
        self._begin()

    def _begin(self) -> None:
        self._role = self._last = self._heading
        self._wished = self._heading == "expected"
        self.answered = False

    def word(self, kind: str, text: str) -> None:
        """Take a role word; a verb that follows `expected` describes what is expected, not what happens."""
        if kind == "end":
            self._begin()
        elif kind == "opposite":
            self._role = _OPPOSITE[self._last or self._role]
        elif kind == "expected":
            self._role, self._wished = "expected", True
        elif not (self._wished and _DESCRIBES.fullmatch(text)):
            self._role, self._wished = "actual", False

    def value(self, line: str, end: int) -> Role:
        """The role of the value that ends at `end`; none for the subject of a verb: `f(3)` returns …"""
        passive = _PASSIVE.match(line, end)
        if passive:
            role: Role = "expected" if passive[1].lower() in {"expected", "wanted"} else "actual"
        else:
            role = "" if _SUBJECT.match(line, end) else self._role
        self._last = role or self._last
        self.answered = self.answered or bool(role)
        return role


_OPPOSITE: dict[Role, Role] = {"expected": "actual", "actual": "expected", "": ""}


def _bare(value: str) -> str:
    return value.strip("`").strip() if value.startswith("`") else value
