"""The parts of an issue's text, and how much a word in each says about where the fault lies.

A title says it in few words; a snippet is full of names of the reporter's own; forms ask for versions and explain
themselves in comments, and neither has to do with the fault.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final

from repoagent.domain import Issue
from repoagent.index.retrieval.words import text_terms

TEXT_LIMIT = 60_000
"""Characters of an issue that are read: the rest of such a one is logs."""


class Part(Enum):
    """What a piece of text is."""

    TITLE = "title"
    PROSE = "prose"
    COMMENT = "comment"
    """What others wrote below."""
    CODE = "code"
    """Snippets, output and tracebacks."""
    ENVIRONMENT = "environment"
    """Versions and platforms."""
    FORM = "form"
    """What the tracker's form says to the reporter."""


WEIGHTS: Final[Mapping[Part, float]] = {
    Part.TITLE: 4.0,
    Part.PROSE: 1.0,
    Part.COMMENT: 0.5,
    Part.CODE: 0.3,
    Part.ENVIRONMENT: 0.0,
    Part.FORM: 0.0,
}
"""What one occurrence of a word counts; see `benchmarks/localisation` for what each is worth."""

_TRACKER_WORDS: Final = """
    actual behavior behaviour bug describe description expect expected happen happens issue issues last problem recent
    reproduce step steps traceback version
"""
"""What the forms of issue trackers ask for."""

_FORM = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_HEADING = re.compile(r"[ \t]{0,3}(?:#{1,6}[ \t]*(?P<hash>\S.{0,200})|\*\*(?P<bold>[^*\n]{1,200})\*\*[ \t]*:?[ \t]*)$")
_PLAIN_HEADING = re.compile(r"(?P<plain>[A-Z][\w ./()&]{1,40}?)[ \t]*:?[ \t]*$")
_ENVIRONMENT = re.compile(
    r"(your |system |software |package |python |jupyter |other |os ?/ ?|operating )?"
    r"(environment|versions?|system (info|details)|info(rmation)?|details|installed versions|output of|browsers?|tools"
    r"|extensions|extra tools|sphinx extensions|os|operating system|system|installation|libraries|dependencies|setup"
    r"|additional (context|dependencies|system)|screenshots?|\w+ (version|backend))\b",
    re.IGNORECASE,
)
_INDENTED = re.compile(r"\t| {4}|[ \t]*(?:>>>|\.\.\.|In \[\d+\]:|Out\[\d+\]:)(?:[ \t]|$)")
_FRAME = re.compile(r"[ \t]*(?:File \"[^\"\n]+\", line \d+|Traceback \(most recent call last\))")


def parts_of(issue: Issue) -> Iterator[tuple[Part, str]]:
    """The pieces of `issue`, in their order, TEXT_LIMIT characters in all."""
    yield Part.TITLE, issue.title
    left = TEXT_LIMIT - len(issue.title)
    body = issue.body[: max(left, 0)]
    yield from _parts(body)
    left -= len(body)
    for comment in issue.comments:
        for part, text in _parts(comment.body[: max(left, 0)]):
            yield Part.COMMENT if part is Part.PROSE else part, text
        left -= len(comment.body)


def query_masses(issue: Issue, *, equally: bool = False) -> dict[str, float]:
    """The words of `issue`, each with how often it is said, weighted by where unless all count `equally`."""
    masses: dict[str, float] = {}
    for part, text in parts_of(issue):
        if weight := 1.0 if equally else WEIGHTS[part]:
            for term, count in Counter(text_terms(text)).items():
                masses[term] = masses.get(term, 0.0) + weight * count
    asked_for_by_forms = frozenset(text_terms(_TRACKER_WORDS))
    return {term: mass for term, mass in masses.items() if term not in asked_for_by_forms}


def _parts(text: str) -> Iterator[tuple[Part, str]]:
    end = 0
    for form in _FORM.finditer(text):
        yield from _lines(text[end : form.start()])
        yield Part.FORM, form[0]
        end = form.end()
    yield from _lines(text[end:])


def _lines(text: str) -> Iterator[tuple[Part, str]]:
    """A line at a time: what it is depends on the fence and the heading it stands under."""
    fenced = under_environment = False
    for line in text.replace("\r\n", "\n").split("\n"):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        heading = "" if fenced else _heading(line)
        if heading:
            under_environment = _ENVIRONMENT.match(heading) is not None
        if under_environment:
            yield Part.ENVIRONMENT, line
        elif fenced or _INDENTED.match(line) or _FRAME.match(line):
            yield Part.CODE, line
        else:
            yield Part.PROSE, line


def _heading(line: str) -> str:
    match = _HEADING.match(line)
    if match:
        return (match["hash"] or match["bold"]).strip("*: ")
    plain = _PLAIN_HEADING.match(line)
    return plain["plain"] if plain and _ENVIRONMENT.fullmatch(plain["plain"]) else ""
