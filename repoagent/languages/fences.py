"""Find the fenced blocks in what a model wrote around its code."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from repoagent.edits.errors import EditRefused

_FENCE = re.compile(
    r"^[ \t]*(?P<mark>```|~~~)(?P<info>[^\n]*)\n(?P<code>.*?)(?P<close>^[ \t]*(?P=mark)[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)


class FencedBlock(NamedTuple):
    """A block of code in an answer."""

    language: str
    """The first word behind the opening fence, in lower case; empty without one."""
    code: str


def find_blocks(answer: str, *, truncated: bool = False) -> list[FencedBlock]:
    """The fenced blocks of an answer, in their order; of one that was cut off, only those that were closed.

    Raises EditRefused when a truncated answer has none.
    """
    found = [
        FencedBlock((match["info"].split() or [""])[0].strip("{}.").lower(), match["code"])
        for match in _FENCE.finditer(answer)
        if match["close"] or not truncated
    ]
    if truncated and not found:
        raise EditRefused("the answer is not complete")
    return found


def select_code(
    answer: str, defines: Callable[[str], bool], fences: Sequence[str] = (), *, truncated: bool = False
) -> str:
    """The code of the last block that defines what is wanted; else of the last that is marked with one of `fences`;
    else of the last one; else the whole answer. Raises EditRefused as `find_blocks` does."""
    blocks = find_blocks(answer, truncated=truncated)
    defining = [block.code for block in blocks if defines(block.code)]
    marked = [block.code for block in blocks if block.language in fences]
    return (defining or marked or [block.code for block in blocks] or [answer])[-1]
