"""What an issue itself says of how the software behaves and how it shall: the spec without a model.

A small model that puts an issue into its own words adds errors to it, and takes as long as for a candidate patch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repoagent.domain import Issue, Spec
from repoagent.localise.sections import Part, parts_of

_LONGEST = 240
"""Characters of a sentence; longer ones are cut at a word."""
_MOST = 3
"""Sentences on each side."""
_HEADING = re.compile(r"^\s{0,3}(?:#{1,6}\s*|\*\*)(?P<text>[^*\n]{1,80}?)[*:\s]*$")
_BARE_HEADING = re.compile(r"^\s*(?P<text>[A-Z][\w/']*(?: [\w/']+){0,3}):?\s*$")
_LABEL = re.compile(
    r"^\s*(?:[-*]\s+)?\**(?P<text>(?:actual|expected|current|wanted|desired)\b[^:\n]{0,40})\**\s*:\**\s*", re.IGNORECASE
)
_EXPECTED = re.compile(
    r"^(?:what (?:did|do) (?:you|i) expect|expected|wanted|desired|proposed|should|correct)", re.IGNORECASE
)
_ACTUAL = re.compile(r"^(?:actual|current|observed|what (?:happened|happens|went wrong)|bug|problem)", re.IGNORECASE)
_WISH = re.compile(
    r"\b(?:should|shouldn't|must|ought to|expect(?:s|ed|ing)?|needs? to|has to|have to|rather than|instead of|it would"
    r"|make sense|would be (?:nice|good|better|great)|(?:i|we)(?:'d| would)? (?:like|want|propose|suggest))\b",
    re.IGNORECASE,
)
_FAULT = re.compile(
    r"\b(?:currently|actual(?:ly)?|but|however|fails?|failed|raises?|throws?|crash(?:es)?|error|wrong(?:ly)?|incorrect(?:ly)?"
    r"|unexpected(?:ly)?|bug|broken|cannot|can't|doesn't|does not|isn't|is not|don't|returns?|ignored?|missing)\b",
    re.IGNORECASE,
)
_TASK = re.compile(
    r"(?:\W|\[\w+\]|feature request|enhancement|\w+ ?:)*(?:add|allow|support|make|simplify|consider|use|remove|improve"
    r"|implement|enable|fix|change|deprecate|provide|include|handle|avoid|prevent|ensure|respect|extend|replace|rename"
    r"|expose|let)\b",
    re.IGNORECASE,
)
"""A title that says what to do."""
_BULLET = re.compile(r"^\s*[-*]\s+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'(])")


def spec_from_issue(issue: Issue) -> Spec:
    """The issue's sentences that say what is wrong, and those that say what is wanted, in its own words.

    A heading or label such as `Expected behaviour` decides for what stands below it; elsewhere the verbs do.
    """
    current: list[str] = []
    proposed: list[str] = []
    (proposed if _TASK.match(issue.title) or _WISH.search(issue.title) else current).append(issue.title)
    for side, sentence in _sentences(issue):
        if side == "proposed" or (not side and _WISH.search(sentence)):
            proposed.append(sentence)
        elif side == "current" or _FAULT.search(sentence):
            current.append(sentence)
    current, proposed = ([text for text in dict.fromkeys(side) if text.strip()] for side in (current, proposed))
    if not proposed:
        proposed.append(f"This no longer holds: {issue.title}")
    return Spec(tuple(current[:_MOST]), tuple(proposed[:_MOST]))


def _sentences(issue: Issue) -> Iterator[tuple[str, str]]:
    """Sentences of the prose, with the side that a heading or label puts them on: `current`, `proposed` or neither."""
    under = side = ""
    lines: list[str] = []
    for line in [*_prose(issue), ""]:
        heading = _HEADING.match(line) or _BARE_HEADING.match(line)
        label = _LABEL.match(line)
        if heading or label or not line.strip() or _BULLET.match(line):
            yield from ((side, sentence) for sentence in _split(lines))
            lines.clear()
            under = _side(heading["text"]) if heading else under
            side = _side(label["text"]) if label else under
        if not heading:
            lines.append(_BULLET.sub("", line[label.end() if label else 0 :]))


def _prose(issue: Issue) -> list[str]:
    return [line for part, line in parts_of(issue) if part is Part.PROSE]


def _side(heading: str) -> str:
    if _EXPECTED.match(heading.strip()):
        return "proposed"
    return "current" if _ACTUAL.match(heading.strip()) else ""


def _split(lines: list[str]) -> Iterator[str]:
    for sentence in _SENTENCE.split(" ".join(lines)):
        text = " ".join(sentence.split())
        if len(text) > _LONGEST:
            text = text[: text.rfind(" ", 0, _LONGEST)] + " …"
        if any(letter.isalnum() for letter in text):
            yield text
