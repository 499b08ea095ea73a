"""Extract code from the answer of a model."""

from __future__ import annotations

import re

from repoagent.edits import EditRefused
from repoagent.llm.base import Completion

_FENCE = re.compile(r"^[ \t]*(```|~~~)[^\n]*\n(.*?)(^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)


def code_in(answer: Completion, name: str) -> str:
    """Extract the last fenced block that defines `name`; else the last block; else the whole answer.

    In a truncated answer only closed blocks count. Raises EditRefused when there is none.
    """
    blocks = [match[2] for match in _FENCE.finditer(answer.text) if match[3] or not answer.truncated]
    if answer.truncated and not blocks:
        raise EditRefused("the answer is not complete")
    defining = [block for block in blocks if re.search(rf"\b(?:def|class)\s+{re.escape(name)}\b", block)]
    return (defining or blocks or [answer.text])[-1]
