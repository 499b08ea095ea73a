"""Match paths with glob patterns: `*` and `?` within a name, `**` across folders, a folder for all that is in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache


def find_match(path: str, patterns: Iterable[str]) -> str:
    """Find the first pattern that matches `path`, ignoring case; empty where none does."""
    return next((pattern for pattern in patterns if _compile_pattern(pattern).fullmatch(path)), "")


@cache
def _compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern, ignoring case: on some systems `.GitHub` is `.github`."""
    anchored = "/" in pattern.rstrip("/")
    body = "".join(map(_translate_part, re.findall(r"\*\*/?|\*|\?|[^*?]+", pattern.strip("/"))))
    return re.compile(("" if anchored else "(?:.*/)?") + body + "(?:/.*)?", re.IGNORECASE | re.DOTALL)


def _translate_part(piece: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return known.get(piece) or re.escape(piece)
