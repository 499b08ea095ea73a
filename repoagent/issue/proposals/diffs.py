"""Read diffs as people paste them, with headers or without."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from repoagent.issue.proposals.model import ProposedHunk

_FILE = re.compile(r"^(?:diff --git .*|--- (?P<old>\S+).*|\+\+\+ (?P<new>\S+).*)$")


def read_hunks(diff: str) -> Iterator[ProposedHunk]:
    """Yield the hunks of a diff that replace something."""
    path = ""
    lines: list[str] = []
    for line in [*diff.splitlines(), "@@"]:
        header = _FILE.match(line)
        if header or line.startswith("@@"):
            yield from _build_hunk(lines, path)
            lines = []
            named = header and (header["new"] or header["old"])
            path = re.sub(r"^[ab]/", "", named) if named and named != "/dev/null" else path
        elif line[:1] in "+- " or not line:
            lines.append(line)


def _build_hunk(lines: Sequence[str], path: str) -> Iterator[ProposedHunk]:
    before = "\n".join(line[1:] for line in lines if line[:1] != "+")
    after = "\n".join(line[1:] for line in lines if line[:1] != "-")
    if before.strip() and before != after and any(line[:1] in "+-" for line in lines if line):
        yield ProposedHunk(before, after, path)
