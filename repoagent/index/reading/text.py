"""Decode source files, whatever their bytes are, and split text into the lines that the ranges of the index count."""

from __future__ import annotations

import codecs
import re

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


def decode_source(content: bytes) -> str:
    """Decode a source file by its declared encoding, else as UTF-8; undecodable bytes become U+FFFD.

    Line ends and a byte order mark stay as they are, so that the text can be written back.
    """
    encoding = _read_declared_encoding(content)
    try:
        text = content.decode(encoding)
    except (UnicodeError, ValueError):
        return content.decode("utf-8", "replace")
    return text if encoding == "utf-8" else text.encode("utf-8", "replace").decode()  # some yield lone surrogates


def convert_to_utf8(content: bytes) -> bytes:
    """Convert a source file to UTF-8, as `decode_source` reads it; plain ASCII comes back unchanged."""
    if content.isascii() and _read_declared_encoding(content) == "utf-8":
        return content
    return decode_source(content).encode("utf-8", "replace")


def is_binary(content: bytes) -> bool:
    """Whether this is no text: it holds a NUL byte, which no source code does."""
    return b"\0" in content


def split_lines(text: str) -> list[str]:
    """Split `text` into lines with their ends; joined they are `text` again.

    Only a line feed ends a line, as for the parser, git and an editor: `str.splitlines` would also split at form feeds
    and at characters that strings may hold.
    """
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _read_declared_encoding(content: bytes) -> str:
    for line in content.split(b"\n", 2)[:2]:
        match = _COOKIE.match(line)
        if match:
            return _normalise_encoding(match[1].decode("ascii", "replace"))
    return "utf-8"


def _normalise_encoding(encoding: str) -> str:
    try:
        info = codecs.lookup(encoding)
    except LookupError:
        return "utf-8"
    # `rot13`, `zlib` and the like are codecs, but none of text; `unicode_escape` and `idna` are, but none of source.
    is_source = getattr(info, "_is_text_encoding", True) and b"a\n".decode("ascii") == _try_encoding(info.name)
    return info.name if is_source else "utf-8"


def _try_encoding(encoding: str) -> str:
    try:
        return b"a\n".decode(encoding)
    except (UnicodeError, LookupError):
        return ""
