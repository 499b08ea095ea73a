"""Tell what a single line of an issue looks like."""

from __future__ import annotations

import re

_PROMPT = r"[ \t]*(?:>>> ?|In \[\d*\]: ?)"
SESSION_PROMPT = re.compile(rf"^{_PROMPT}")
"""A prompt that nothing else looks like, so that it counts outside of fences, where `>>` begins a quotation."""
ANY_PROMPT = re.compile(rf"^(?:{_PROMPT}|[ \t]*>> ?(?=[^\s>]))")
CONTINUATION = re.compile(r"^[ \t]*\.\.\.:? ?")
SESSION_OUTPUT = re.compile(r"^[ \t]*Out\[\d*\]: ?")
_INPUT = re.compile(r"[ \t]*(?:>>>|In \[\d+\]:|\.\.\.)[ \t]?(.*)$", re.MULTILINE)
_SET_OFF = re.compile(r" {4}|[ \t]*(?:>>>|\.\.\.|In \[\d+\]:|Out\[\d+\]:)(?:[ \t]|$)")
_FRAME = re.compile(r"[ \t]*(?:File \"[^\"\n]+\", line \d+|Traceback \(most recent call last\))")
_DIFF_BEGINS = re.compile(r"diff --git |--- a/")
_IN_DIFF = re.compile(r"[-+ @\\]|diff |index |new |deleted |similarity ")
_HUNK = re.compile(r"^@@.*$", re.MULTILINE)


def is_indented(line: str) -> bool:
    """Return whether Markdown takes it for code because of its indentation, tabs expanded."""
    return line.startswith("    ") and bool(line.strip())


def is_frame(line: str) -> bool:
    """Return whether it belongs to a traceback of Python."""
    return _FRAME.match(line) is not None


def is_set_off(line: str) -> bool:
    """Return whether its look alone says that it is no sentence: indented, behind a prompt, or a frame."""
    return _SET_OFF.match(line) is not None or is_frame(line)


def find_inputs(text: str) -> list[str]:
    """Return what stands behind the prompts of sessions in `text`, a line each."""
    return [match[1] for line in text.split("\n") if (match := _INPUT.match(line))]


def begins_diff(line: str) -> bool:
    """Return whether a diff outside of fences may begin with it."""
    return _DIFF_BEGINS.match(line) is not None


def is_diff_line(line: str) -> bool:
    """Return whether it may stand in a diff that has begun."""
    return _IN_DIFF.match(line) is not None


def is_diff(text: str) -> bool:
    """Return whether a block holds a diff."""
    return bool(_HUNK.search(text)) or text.lstrip().startswith("diff --git")
