"""List what an issue points to: issues, pull requests, files and lines of them, images, pages. Nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from repoagent.domain import Issue, Link, LinkKind

MAX_LINKS = 100
"""That are listed of one issue."""


def find_links(issue: Issue) -> tuple[Link, ...]:
    """Return the links of title, body and comments, in order and each once; the issue itself is none."""
    here = _get_repository(issue.url)
    text = "\n".join((issue.title, issue.body, *(comment.body for comment in issue.comments)))
    found = dict.fromkeys(
        link for link in _find_in_text(text, here) if not (here and link.target == _get_reference(issue.url))
    )
    return tuple(found)[:MAX_LINKS]


def _find_in_text(text: str, here: str) -> Iterator[Link]:
    images = {match["url"] or match["source"] for match in _IMAGE.finditer(text)}
    for match in _LINK.finditer(text):
        url = (match["url"] or "").rstrip(".,;:!?'\"*_")
        if url:
            yield Link("image", url) if _is_image(url, images) else _read_url(url)
        elif match["other"] or here:
            yield Link("issue", f"{match['other'] or here}#{match['number']}")


_IMAGE = re.compile(
    r"""!\[[^\]\n]{0,200}\]\((?P<url>[^)\s]{1,2000})|<img\s[^>]{0,500}?src=["'](?P<source>[^"']{1,2000})"""
)
_LINK = re.compile(
    r"(?P<url>https?://[^\s<>()\[\]\"'`]{1,2000})"
    r"|(?<![\w/&.#-])(?P<other>[A-Za-z0-9][\w-]{0,99}/[\w.-]{1,100})?#(?P<number>[1-9]\d{0,9})\b"
)
_PAGE = re.compile(r"/(?P<repo>[\w-]+/[\w.-]+)/(?P<kind>issues|pull)/(?P<number>\d{1,10})(?:/.*)?")
_FILE = re.compile(r"/[\w-]+/[\w.-]+/(?:blob|blame|raw)/[^/]+/(?P<path>[^?]{1,500})")
_LINES = re.compile(r"L(?P<start>\d{1,7})(?:C\d+)?(?:-L?(?P<end>\d{1,7})(?:C\d+)?)?")


def _is_image(url: str, images: set[str]) -> bool:
    return url in images or bool(re.search(r"\.(?:png|jpe?g|gif|webp|svg)$", url.partition("?")[0], re.IGNORECASE))


def _read_url(url: str) -> Link:
    try:
        parts = urlsplit(url)
    except ValueError:
        return Link("page", url)
    if page := _PAGE.fullmatch(parts.path):
        kind: LinkKind = "pull" if page["kind"] == "pull" else "issue"
        return Link(kind, f"{page['repo']}#{page['number']}")
    if file := _FILE.fullmatch(parts.path):
        start, end = _read_lines(parts.fragment)
        return Link("file", unquote(file["path"]), start, end)
    return Link("page", url)


def _read_lines(fragment: str) -> tuple[int, int]:
    found = _LINES.fullmatch(fragment)
    if not found:
        return 0, 0
    start = int(found["start"])
    return start, int(found["end"] or start)


def _get_repository(url: str) -> str:
    page = _PAGE.fullmatch(urlsplit(url).path)
    return page["repo"] if page else ""


def _get_reference(url: str) -> str:
    page = _PAGE.fullmatch(urlsplit(url).path)
    return f"{page['repo']}#{page['number']}" if page else ""
