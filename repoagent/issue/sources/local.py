"""Read an issue from a file or from standard input."""

from __future__ import annotations

import codecs
import os
import re
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TextIO

from repoagent.domain import Issue
from repoagent.errors import UserError
from repoagent.issue.sanitise import MAX_TITLE

_MAX_BYTES = 1_000_000
"""Of a source; some characters may be removed before the text is cut to its limit."""


def read_stream(stream: TextIO) -> Issue:
    """Return the issue that a stream holds. Raises UserError for what is no text in UTF-8."""
    try:
        text = stream.read(_MAX_BYTES)
        text.encode()
    except UnicodeError as error:
        raise UserError("standard input is not UTF-8 text: convert it, for example with `iconv -t utf-8`") from error
    return _split_title(text, "standard input")


def read_file(name: str) -> Issue:
    """Return the issue in a plain file of text. Raises UserError for what is none."""
    if not name or "\0" in name:
        raise UserError("no issue was named: give its URL, `owner/name#7`, a text file, or `-` for standard input")
    try:
        content = _read_bytes(Path(name).expanduser())
    except FileNotFoundError as error:
        raise UserError(
            f"there is no file {name}: give an issue's URL, `owner/name#7`, a text file, or `-` for standard input"
        ) from error
    except OSError as error:
        raise UserError(f"cannot read {name}: {error.strerror}") from error
    return _split_title(_decode(content, name), name)


def _read_bytes(path: Path) -> bytes:
    """Return the start of a plain file. Anything else is refused before it is read: a pipe might never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if S_ISDIR(mode):
            raise UserError(f"{path} is a directory: name the file with the issue's text, or use --repo for the code")
        if not S_ISREG(mode):
            raise UserError(f"{path} is not a plain file: pipe its text in and give `-` instead")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(_MAX_BYTES)
    finally:
        os.close(descriptor)


def _decode(content: bytes, name: str) -> str:
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return codecs.getincrementaldecoder(encoding)().decode(content, final=len(content) < _MAX_BYTES)
    except UnicodeError as error:
        raise UserError(f"{name} is not UTF-8 text: convert it, for example with `iconv -t utf-8`") from error


def _split_title(text: str, name: str) -> Issue:
    """Make the first line that says something the title, with or without a heading's `#`, and the rest the body."""
    if "\0" in text:
        raise UserError(f"{name} is not text: give a Markdown or plain text file")
    lines = text.removeprefix("\ufeff").splitlines()
    first = next((number for number, line in enumerate(lines) if re.search(r"\w", line)), len(lines))
    title = lines[first].strip().lstrip("#").rstrip("#").strip() if first < len(lines) else ""
    underlined = first + 1 < len(lines) and re.fullmatch(r"\s*(=+|-+)\s*", lines[first + 1])
    body = "\n".join(lines[first + (2 if underlined else 1) :])
    return Issue(title, body) if len(title) <= MAX_TITLE else Issue(title[:MAX_TITLE] + "…", "\n".join(lines[first:]))
