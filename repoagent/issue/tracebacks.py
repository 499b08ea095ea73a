"""Find tracebacks in blocks, and the exceptions they end with."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from repoagent.issue.lines import ANY_PROMPT

_HEADER = re.compile(r"^[ \t]*(?:([\w.]{1,80})[ \t]+)?Traceback \(most recent call last\):?", re.MULTILINE)
"""Of IPython with the class in front."""
_RULED = re.compile(r"^-{20,}[ \t]*\n([A-Z]\w{1,60})\b", re.MULTILINE)
"""What IPython draws above an exception."""
_RAISED = re.compile(r"^\s*(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)(?::.*)?$")


def cut_traceback(block: str) -> tuple[str, str]:
    """Return a block's text above its traceback, and the traceback; the whole text where a session goes on below."""
    match = _RULED.search(block) or _HEADER.search(block)
    if match is None or any(ANY_PROMPT.match(line) for line in block[match.end() :].splitlines()):
        return block, block[match.start() :] if match else ""
    return block[: match.start()], block[match.start() :]


def find_exceptions(trace: str) -> Iterator[str]:
    """Yield the class of each traceback: IPython names it first; else the first line that is not indented again."""
    yield from _RULED.findall(trace)
    parts = _HEADER.split(trace)
    for named, part in zip(parts[1::2], parts[2::2], strict=True):
        lines = [line for line in textwrap.dedent(part).splitlines() if line.strip() and not line.startswith(" ")]
        if named:
            yield named.rpartition(".")[2]
        elif lines and (match := _RAISED.match(lines[0])):
            yield match[1]
