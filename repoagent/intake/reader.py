"""Reads an issue from wherever the user points to, and removes from it what a person reading it would not see."""

from __future__ import annotations

import codecs
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, TextIO

from repoagent.domain import Issue
from repoagent.errors import UserError
from repoagent.intake.links import links_in
from repoagent.intake.reference import parse
from repoagent.intake.sanitise import LIMIT, Cleaned, clean

if TYPE_CHECKING:
    import httpx

Notice = Callable[[str], None]


def read_issue(
    source: str,
    *,
    token: str | None,
    stdin: TextIO | None = None,
    transport: httpx.BaseTransport | None = None,
    notice: Notice | None = None,
) -> Issue:
    """The issue at `source`: a URL on GitHub or an Enterprise host, `owner/name#7`, a text file, or `-` for standard
    input.

    `token` is sent to GitHub's API only; `notice` is told what was hidden in the text and therefore removed. Raises
    UserError for what cannot be read or is empty, EnvironmentFailed where GitHub or the network fails.
    """
    raw = _read(source, token, stdin, transport, notice)
    issue, cleaned = without_hidden(raw)
    if not issue.title.strip() and not issue.body.strip():
        raise UserError(f"the issue {_shown(source)} is empty: describe what is wrong and what you expect instead")
    for sentence in told(cleaned):
        (notice or _nobody)(sentence)
    return issue


def _nobody(_sentence: str) -> None:
    """Who listens where nobody wants to know."""


def repository_of(source: str) -> str | None:
    """The URL to clone the repository from that an issue's URL belongs to; None for a file or standard input."""
    reference = parse(source)
    return reference.clone if reference else None


# --- where it comes from ----------------------------------------------------------------------------------------------


def _read(
    source: str,
    token: str | None,
    stdin: TextIO | None,
    transport: httpx.BaseTransport | None,
    notice: Notice | None,
) -> Issue:
    if source == "-":
        return _issue(_from_stream(stdin or sys.stdin), "standard input")
    reference = parse(source)
    if reference is None:
        return _issue(_from_file(source), source)
    from repoagent.github.api import Api  # imports the client
    from repoagent.intake.github import fetch

    return fetch(reference, Api(reference.repository, token, transport), notice or _nobody)


def _shown(source: str) -> str:
    return "on standard input" if source == "-" else f"in {source}"


_READ_AT_MOST = 1_000_000
"""Bytes; some characters may be removed before the text is cut to its limit."""


def _from_stream(stream: TextIO) -> str:
    try:
        text = stream.read(_READ_AT_MOST)
        text.encode()
    except UnicodeError as error:
        raise UserError("standard input is not UTF-8 text: convert it, for example with `iconv -t utf-8`") from error
    return text


def _from_file(name: str) -> str:
    if not name or "\0" in name:
        raise UserError("no issue was named: give its URL, `owner/name#7`, a text file, or `-` for standard input")
    try:
        content = _bytes(Path(name).expanduser())
    except FileNotFoundError as error:
        raise UserError(
            f"there is no file {name}: give an issue's URL, `owner/name#7`, a text file, or `-` for standard input"
        ) from error
    except OSError as error:
        raise UserError(f"cannot read {name}: {error.strerror}") from error
    return _decode(content, name)


def _bytes(path: Path) -> bytes:
    """The start of a plain file. Anything else is refused before it is read: a pipe might never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if S_ISDIR(mode):
            raise UserError(f"{path} is a directory: name the file with the issue's text, or use --repo for the code")
        if not S_ISREG(mode):
            raise UserError(f"{path} is not a plain file: pipe its text in and give `-` instead")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(_READ_AT_MOST)
    finally:
        os.close(descriptor)


def _decode(content: bytes, name: str) -> str:
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return codecs.getincrementaldecoder(encoding)().decode(content, final=len(content) < _READ_AT_MOST)
    except UnicodeError as error:
        raise UserError(f"{name} is not UTF-8 text: convert it, for example with `iconv -t utf-8`") from error


def _issue(text: str, name: str) -> Issue:
    """The first line that says something is the title, with or without a heading's `#`; the rest is the body."""
    if "\0" in text:
        raise UserError(f"{name} is not text: give a Markdown or plain text file")
    lines = text.removeprefix("\ufeff").splitlines()
    first = next((number for number, line in enumerate(lines) if re.search(r"\w", line)), len(lines))
    title = lines[first].strip().lstrip("#").rstrip("#").strip() if first < len(lines) else ""
    underlined = first + 1 < len(lines) and re.fullmatch(r"\s*(=+|-+)\s*", lines[first + 1])
    body = "\n".join(lines[first + (2 if underlined else 1) :])
    return Issue(title, body) if len(title) <= _TITLE else Issue(title[:_TITLE] + "…", "\n".join(lines[first:]))


# --- what is removed --------------------------------------------------------------------------------------------------

_TITLE = 300


def without_hidden(raw: Issue) -> tuple[Issue, Cleaned]:
    """The issue without what is hidden in it and with its links listed, and the sum of what was removed."""
    title, body = clean(raw.title, _TITLE), clean(raw.body, LIMIT)
    comments, rest = [], LIMIT
    for comment in raw.comments:
        said = clean(comment.body, rest)
        rest -= len(said.text)
        comments.append((replace(comment, author=clean(comment.author, 100).text, body=said.text), said))
    kept = tuple(comment for comment, _ in comments if comment.body.strip())
    total = sum((said for _, said in comments), title + body)
    issue = replace(raw, title=" ".join(title.text.split()), body=body.text.strip(), comments=kept)
    return replace(issue, links=links_in(issue)), total


def told(cleaned: Cleaned) -> list[str]:
    """What was removed, one sentence each."""
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
        sentences.append(f"the issue is long, and was cut to {LIMIT // 1024} kB")
    return sentences
