"""The words by which an issue tells what is expected from what happens: one lexicon for headings, labels, sentences,
and the values that sentences name (`claims`)."""

from __future__ import annotations

import re

from repoagent.issue.blocks import Role
from repoagent.issue.headings import is_introduction

# --- the lexicon ------------------------------------------------------------------------------------------------------

_WANTED = "expected|wanted|desired"
"""What a heading or label calls the right result."""
_HAPPENING = "actual|current|observed"
"""What it calls the result of today."""

DESCRIBING = r"returns?|returned|prints?|printed|gives?|outputs?|yields?|produces?|shows?|equals?|is|was"
"""Verbs that say what happens, unless they follow a word that says what is expected."""
EXPECTED = (
    r"expect(?:ed|s|ing|ation)?|should(?: have)?(?: be| been)?|must(?: be)?|ought to|supposed to|desired|wanted|want|"
    r"(?:correct|right) (?:answer|result|value|output|behaviou?r)"
)
"""Before a value: it is the right one."""
ACTUAL = (
    r"actual(?:ly)?|got|gets?|but|current(?:ly)?|observed|wrong(?:ly)?|incorrect(?:ly)?|now|gave|produced|"
    rf"should(?: have)? not|shouldn't|must not|{DESCRIBING}"
)
"""Before a value: it is what happens."""
OPPOSITE = r"instead of|rather than|(?<!should )(?<!must )not"
"""Between two values: the second is the opposite of the first."""

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
_OF_RESULTS = re.compile(r"expect|actual|should|instead|wrong|error", re.IGNORECASE)
_OF_ENVIRONMENT = re.compile(r"version:|platform|- \[[ x]\]|checklist|environment", re.IGNORECASE)

# --- sentences --------------------------------------------------------------------------------------------------------


def is_wish(sentence: str) -> bool:
    """Return whether a sentence says how the software shall be."""
    return _WISH.search(sentence) is not None


def is_fault(sentence: str) -> bool:
    """Return whether a sentence says what is wrong."""
    return _FAULT.search(sentence) is not None


def is_task(title: str) -> bool:
    """Return whether a title says what to do."""
    return _TASK.match(title) is not None


def mentions_result(text: str) -> bool:
    """Return whether a paragraph may say what is expected, or what happens instead."""
    return _OF_RESULTS.search(text) is not None


def mentions_environment(text: str) -> bool:
    """Return whether a paragraph may be about versions and platforms, or be a list to tick off."""
    return _OF_ENVIRONMENT.search(text) is not None


# --- headings and labels ----------------------------------------------------------------------------------------------

_HEADING_EXPECTED = re.compile(
    rf"(?:what (?:did|do) (?:you|i) expect|{_WANTED}|proposed|should|correct)", re.IGNORECASE
)
_HEADING_ACTUAL = re.compile(rf"(?:{_HAPPENING}|what (?:happened|happens|went wrong)|bug|problem)", re.IGNORECASE)
_LABEL = re.compile(
    rf"^\s*(?:[-*]\s+)?\**(?P<text>(?:{_HAPPENING}|{_WANTED})\b[^:\n]{{0,40}})\**\s*:\**\s*", re.IGNORECASE
)
_BLOCK_WORD = re.compile(
    rf"(?P<expected>\b(?:{EXPECTED})\b)|(?P<actual>\b(?:{ACTUAL}|output|result|bug|fails?)\b)", re.IGNORECASE
)
_CONTRAST = re.compile(r"\b(?:but|got|actual)", re.IGNORECASE)


def read_heading_role(title: str) -> Role:
    """Return what a heading or label says that stands below or behind it."""
    if _HEADING_EXPECTED.match(title.strip()):
        return "expected"
    return "actual" if _HEADING_ACTUAL.match(title.strip()) else ""


def cut_label(line: str) -> tuple[Role, str] | None:
    """Split `Expected result: 3` into the label's role and the rest; None where a line has no such label."""
    label = _LABEL.match(line)
    return (read_heading_role(label["text"]), line[label.end() :]) if label else None


def read_role_before(text: str) -> Role:
    """Return what the last words before a block say that it shows: nearest line first, then the heading above it."""
    lines = [line for line in text.splitlines() if line.strip()]
    for line in lines[:-4:-1]:
        if role := read_introduction_role(line):
            return role
        if is_introduction(line):
            break
    return ""


def read_introduction_role(line: str) -> Role:
    """Return the role named last in the line; `expected` goes before what merely describes it (`expected output:`)."""
    roles: list[Role] = ["expected" if m["expected"] else "actual" for m in _BLOCK_WORD.finditer(line)]
    if "expected" in roles and not _CONTRAST.search(line):
        return "expected"
    return roles[-1] if roles else ""
