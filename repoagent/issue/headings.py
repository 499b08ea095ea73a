"""Recognise the headings that divide an issue, marked as such or not."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARKED = re.compile(r"[ \t]{0,3}(?:#{1,6}[ \t]*(?P<hash>\S.{0,200})|\*\*(?P<bold>[^*\n]{1,200})\*\*[ \t]*:?[ \t]*)$")
_SHORT = re.compile(r"[ \t]*(?P<title>[A-Z][\w/']*(?: [\w/']+){0,3}):?[ \t]*$")
_PLAIN = re.compile(r"(?P<title>[A-Z][\w ./()&]{1,40}?)[ \t]*:?[ \t]*$")
_INTRODUCTION = re.compile(r"[ \t]*[^.\n]{1,60}:[ \t]*$")
_ENVIRONMENT = re.compile(
    r"(your |system |software |package |python |jupyter |other |os ?/ ?|operating )?"
    r"(environment|versions?|system (info|details)|info(rmation)?|details|installed versions|output of|browsers?|tools"
    r"|extensions|extra tools|sphinx extensions|os|operating system|system|installation|libraries|dependencies|setup"
    r"|additional (context|dependencies|system)|screenshots?|\w+ (version|backend))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Heading:
    """A line that says what stands below it."""

    title: str
    is_marked: bool
    """Whether it is written as a heading, with `#` or in bold; else it is a few words alone on their line."""
    is_environment: bool
    """Whether versions, platforms and the like stand below it."""


def read_heading(line: str) -> Heading | None:
    """Return the heading that a line is; None where it is none."""
    if marked := _MARKED.match(line):
        title = (marked["hash"] or marked["bold"]).strip("*: ")
        return Heading(title, True, _ENVIRONMENT.match(title) is not None)
    plain = _PLAIN.match(line)
    if plain and _ENVIRONMENT.fullmatch(plain["title"]):
        return Heading(plain["title"], False, True)
    short = _SHORT.match(line)
    return Heading(short["title"], False, False) if short else None


def is_introduction(line: str) -> bool:
    """Return whether a line is a marked heading, or a few words with a colon, which speak of what follows."""
    return _MARKED.match(line) is not None or _INTRODUCTION.match(line) is not None
