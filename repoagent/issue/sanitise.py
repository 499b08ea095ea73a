"""Remove from an issue what its readers do not see, because instructions to a model are hidden there.

What is removed is what Copilot's coding agent and the GitHub Actions of several peers drop as well: HTML comments,
invisible and direction-changing characters, texts of images. Code in fences and between backticks is shown as it is,
so it is kept.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from repoagent.domain import Issue
from repoagent.issue.fences import TOP_LEVEL_FENCE, build_closing_pattern
from repoagent.issue.links import find_links

MAX_LENGTH = 64 * 1024
"""Characters that are kept of one text; what is longer is a log, and no model reads it whole."""

MAX_TITLE = 300
"""Characters of a title."""


@dataclass(frozen=True)
class Cleaned:
    """A text, and what it no longer holds."""

    text: str = ""
    characters: int = 0
    """Runs of invisible characters."""
    comments: int = 0
    """Comments of HTML."""
    captions: int = 0
    """Texts of images, attributes, notes and formulas that do not show."""
    data: int = 0
    """Blocks of base64, each replaced by a word."""
    cut: int = 0
    """Characters cut off at the end."""

    def __add__(self, other: Cleaned) -> Cleaned:
        """Add the counts of both, without a text."""
        return Cleaned(
            "",
            self.characters + other.characters,
            self.comments + other.comments,
            self.captions + other.captions,
            self.data + other.data,
            self.cut + other.cut,
        )

    @property
    def hidden(self) -> int:
        """Pieces that a reader would not have seen."""
        return self.characters + self.comments + self.captions


def clean(text: str, limit: int = MAX_LENGTH) -> Cleaned:
    """Return `text` with line ends as `\\n`, without what is hidden in it, and at most `limit` characters long."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")[: 2 * MAX_LENGTH]
    text, invisible = _INVISIBLE.subn("", text)
    text, data = _remove_data(text)
    text, comments, captions = _remove_hidden_markup(text)
    kept = text if len(text) <= limit else text[: max(limit, 0)] + "\n[… cut]"
    return Cleaned(kept, invisible, comments, captions, data, max(len(text) - limit, 0))


# --- a whole issue ----------------------------------------------------------------------------------------------------


def remove_hidden(raw: Issue) -> tuple[Issue, Cleaned]:
    """Return the issue without what is hidden in it and with its links listed, and the sum of what was removed."""
    title, body = clean(raw.title, MAX_TITLE), clean(raw.body, MAX_LENGTH)
    comments, rest = [], MAX_LENGTH
    for comment in raw.comments:
        said = clean(comment.body, rest)
        rest -= len(said.text)
        comments.append((replace(comment, author=clean(comment.author, 100).text, body=said.text), said))
    kept = tuple(comment for comment, _ in comments if comment.body.strip())
    total = sum((said for _, said in comments), title + body)
    issue = replace(raw, title=" ".join(title.text.split()), body=body.text.strip(), comments=kept)
    return replace(issue, links=find_links(issue)), total


def describe_removed(cleaned: Cleaned) -> list[str]:
    """Say what was removed, one sentence each."""
    sentences = []
    if cleaned.hidden:
        kinds = (
            (cleaned.characters, "runs of invisible characters"),
            (cleaned.comments, "comments of HTML"),
            (cleaned.captions, "texts of images, attributes and notes"),
        )
        listed = ", ".join(f"{count} {kind}" for count, kind in kinds if count)
        where = "text that a reader would not see was removed from the issue"
        sentences.append(f"{where}, in {cleaned.hidden} places: {listed}")
    if cleaned.data:
        sentences.append(f"{cleaned.data} blocks of encoded data were removed from the issue")
    if cleaned.cut:
        sentences.append(f"the issue is long, and was cut to {MAX_LENGTH // 1024} kB")
    return sentences


# --- characters -------------------------------------------------------------------------------------------------------

_INVISIBLE = re.compile(
    "(?:"
    "\x1b\\[[0-9;?]*[ -/]*[@-~]"  # colours of a terminal
    "|[\x00-\x08\x0b-\x1f\x7f-\x9f\xad]"  # control characters but tab and line feed, the soft hyphen
    "|[\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f]"  # fillers and joiners
    "|[\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]"  # zero width, direction, annotation
    "|[\ud800-\udfff]"  # halves of characters, which no file can hold
    "|[\U000e0000-\U000e0fff]"  # tags: a whole invisible alphabet
    ")+"
)


def _remove_data(text: str) -> tuple[str, int]:
    removed = 0

    def replace_match(found: re.Match[str]) -> str:
        nonlocal removed
        if not _is_random(found[0]):
            return found[0]
        removed += 1
        return "[data]\n" if found[0].endswith("\n") else "[data]"

    return _LINES.sub(replace_match, _BLOB.sub(replace_match, text)), removed


_BLOB = re.compile(r"(?:data:[\w/+.-]{1,60};base64,)?[A-Za-z0-9+/]{240,}={0,2}")
_LINES = re.compile(r"(?:^[ \t]*[A-Za-z0-9+/]{60,}={0,2}[ \t]*\n){4,}", re.MULTILINE)


def _is_random(text: str) -> bool:
    """Return whether it may be encoded data, and is not a ruler of `aaaa` or a very long word."""
    return all(re.search(kind, text) for kind in ("[a-z]", "[A-Z]", "[0-9]"))


# --- markup -----------------------------------------------------------------------------------------------------------


def _remove_hidden_markup(text: str) -> tuple[str, int, int]:
    parts, comments, captions = [], 0, 0
    for kind, part in _split_segments(text):
        if kind == "comment":
            comments += part.strip("<!->\n ") != ""
            continue
        shown, found = _remove_captions(part) if kind == "prose" else (part, 0)
        parts.append(shown)
        captions += found
    return "".join(parts), comments, captions


def _split_segments(text: str) -> Iterator[tuple[str, str]]:
    """Split the text into stretches of `prose`, `code` and `comment` in one pass, as whichever opens first wins."""
    start = 0
    while opening := _OPENING.search(text, start):
        if opening.start() > start:
            yield "prose", text[start : opening.start()]
        kind, end = _find_closing(text, opening)
        yield kind, text[opening.start() : end]
        start = end
    yield "prose", text[start:]


_SPAN = 2000
"""Characters that code between backticks may be long; a bound, so that hostile text takes little time."""

_OPENING = re.compile(rf"{TOP_LEVEL_FENCE}|(?P<comment><!--)|(?P<ticks>`+)", re.MULTILINE)


def _find_closing(text: str, opening: re.Match[str]) -> tuple[str, int]:
    """Return what was opened, and where it ends."""
    if fence := opening["fence"]:
        closing = build_closing_pattern(fence).search(text, opening.end())
        return "code", closing.end() if closing else len(text)
    if opening["comment"]:
        return _find_comment_end(text, opening.start())
    ticks, paragraph = opening["ticks"], text.find("\n\n", opening.end(), opening.end() + _SPAN)
    inside = text[opening.end() : paragraph if paragraph >= 0 else opening.end() + _SPAN]
    end = re.search(rf"(?<!`){ticks}(?!`)", inside)
    return ("code", opening.end() + end.end()) if end else ("prose", opening.end())


def _find_comment_end(text: str, start: int) -> tuple[str, int]:
    """A comment that is never closed hides the rest of the text where it begins a line, and is plain text elsewhere."""
    end = text.find("-->", start + 2)
    if end >= 0:
        return "comment", end + 3
    begins_line = text[text.rfind("\n", 0, start) + 1 : start].strip(" ") == ""
    return ("comment", len(text)) if begins_line else ("prose", start + 4)


def _remove_captions(prose: str) -> tuple[str, int]:
    """Remove the texts of images, which show only where the image does not, and without link definitions used as
    notes."""
    prose, images = _IMAGE.subn("![]", prose)
    prose, attributes = _remove_attributes(prose)
    prose, notes = _NOTE.subn("", prose)
    prose, formulas = _UNSEEN_FORMULA.subn("", prose)
    prose, entities = _remove_entities(prose)
    return prose, images + attributes + notes + formulas + entities


def _remove_entities(prose: str) -> tuple[str, int]:
    """Remove entities that stand for invisible characters."""
    removed = 0

    def replace_match(entity: re.Match[str]) -> str:
        nonlocal removed
        if not _INVISIBLE.fullmatch(html.unescape(entity[0])):
            return entity[0]
        removed += 1
        return ""

    return _ENTITY.sub(replace_match, prose), removed


def _remove_attributes(prose: str) -> tuple[str, int]:
    removed = 0

    def replace_match(tag: re.Match[str]) -> str:
        nonlocal removed
        text, count = _ATTRIBUTE.subn("", tag[0])
        removed += count
        return text

    return _TAG.sub(replace_match, prose), removed


_IMAGE = re.compile(r"!\[(?!\]).{1,1000}?\](?=[(\[])", re.DOTALL)
_TAG = re.compile(r"<[A-Za-z][^<>]{0,2000}>")
_ATTRIBUTE = re.compile(r"""(?<=\s)(?:alt|title|aria-label)\s*=\s*(?:"[^"]*"|'[^']*')""", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{2,7}|#[xX][0-9a-fA-F]{2,6}|[A-Za-z]{2,24});")
_UNSEEN_FORMULA = re.compile(r"\${1,2}[^$\n]{0,300}\\(?:[hv]?phantom|(?:text)?color\{white\})[^$\n]{0,2000}\${1,2}")
_NOTE = re.compile(r"^ {0,3}\[[^\]\n]{1,99}\]:[ \t]*<?#>?[ \t]*(?:\n[ \t]*)?[(\"'][^\n]*$", re.MULTILINE)
