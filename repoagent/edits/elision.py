"""Find the comment by which a model says that it left code out."""

from __future__ import annotations

import re
from collections.abc import Sequence


def find_elision(new: str, old: str, marks: Sequence[str] = ("#",)) -> str:
    """The comment in `new` that stands for code that was left out, as it does not in `old`; empty without one.

    `marks` are what a comment begins with.
    """
    pattern = f"(?:{'|'.join(map(re.escape, marks))}){_ELISION}"
    found = re.search(pattern, new, re.IGNORECASE)
    return found.group() if found and found.group() not in old else ""


_ELISION = (
    r"\s*(\.\.\.|…|(the )?(rest|remaining|existing|other|previous)\b.*(code|unchanged|same|function|method|here))"
)
