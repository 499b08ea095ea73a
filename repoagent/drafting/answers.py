"""Find the code in what a model wrote around it."""

from __future__ import annotations

import re

_FENCE = re.compile(r"^[ \t]*(```|~~~)[^\n]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)


def code_in(answer: str, name: str) -> str:
    """The fenced block that defines `name`, the last of several; else the last block; else the whole answer."""
    blocks = [match.group(2) for match in _FENCE.finditer(answer)]
    defining = [block for block in blocks if re.search(rf"\bdef\s+{re.escape(name)}\b", block)]
    return (defining or blocks or [answer])[-1]
