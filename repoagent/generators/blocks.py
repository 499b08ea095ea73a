"""Read search/replace blocks in an answer, and make them edits: all of them, or none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from repoagent.domain import Edit
from repoagent.edits import EditRefused
from repoagent.edits.elision import find_elision
from repoagent.edits.encoding import restored
from repoagent.edits.replace import replace_passage

_SEARCH = re.compile(r"\s*<{5,}\s*SEARCH\b")
_BETWEEN = re.compile(r"={7}\s*$")
"""Exactly seven: headings in docstrings are underlined, too."""
_END = re.compile(r"\s*>{5,}\s*REPLACE\b")
_PATH = re.compile(r"[\w./\\-]+\.\w+")
_MOST = 40
"""Blocks of one answer."""


@dataclass(frozen=True)
class Block:
    """One passage, and what shall stand there."""

    path: str
    """As the model wrote it; empty where it wrote none."""
    search: str
    replace: str


def blocks_in(answer: str) -> list[Block]:
    """Parse the blocks of an answer in their order; one that is not closed is left out."""
    lines = answer.split("\n")
    found: list[Block] = []
    path, at = "", 0
    while at < len(lines) and len(found) < _MOST:
        if not _SEARCH.match(lines[at]):
            path = _path_in(lines[at]) or path
            at += 1
            continue
        middle = _next(lines, at, _BETWEEN)
        end = _next(lines, middle, _END)
        if end >= len(lines):
            break
        found.append(Block(path, "\n".join(lines[at + 1 : middle]), "\n".join(lines[middle + 1 : end])))
        at = end + 1
    return found


def edits_in(
    answer: str,
    files: Mapping[str, str],
    shown_lines: Mapping[str, Sequence[range]],
    listed: frozenset[str] = frozenset(),
) -> tuple[Edit, ...]:
    """Build the edits that an answer asks for.

    `files` are the texts of the files that may be edited, `shown_lines` the lines of each that the model was shown,
    `listed` all files there are: an empty passage makes a new file where none is. Raises EditRefused where there is no
    block, or one of them cannot be applied.
    """
    found = blocks_in(answer)
    if not found:
        raise EditRefused("there is no search/replace block")
    after = dict(files)
    for block in found:
        path = _meant(block.path, files, listed)
        text = after.get(path)
        after[path] = _new_file(block, path) if text is None else _applied(block, path, text, shown_lines.get(path, ()))
    changed = (path for path, text in after.items() if text != files.get(path))
    return tuple(Edit(path, files.get(path), after[path]) for path in changed)


def _applied(block: Block, path: str, text: str, shown_lines: Sequence[range]) -> str:
    if find_elision(block.replace, block.search):
        raise EditRefused(f"{path}: the replacement leaves out parts")
    try:
        return replace_passage(text, restored(block.search, text), restored(block.replace, text), shown_lines)
    except EditRefused as refusal:
        raise EditRefused(f"{path}: {refusal}") from refusal


def _new_file(block: Block, path: str) -> str:
    if block.search.strip():
        raise EditRefused(f"{path}: there is no such file to search in")
    return block.replace.strip("\n") + "\n"


def _meant(path: str, files: Mapping[str, str], listed: frozenset[str]) -> str:
    """Return the path of a file that is shown, or of a new one; raise EditRefused for any other."""
    clean = path.replace("\\", "/").removeprefix("./")
    if clean in files:
        return clean
    alike = [name for name in files if clean and (name.endswith(f"/{clean}") or clean.endswith(f"/{name}"))]
    if len(alike) == 1 and clean not in listed:
        return alike[0]
    if not clean and len(files) == 1:
        return next(iter(files))
    if clean and clean not in listed and _is_inside(clean):
        return clean
    raise EditRefused(f"{path or 'the block'}: not one of the files that were shown")


def _is_inside(path: str) -> bool:
    return path.endswith(".py") and not path.startswith("/") and not {"", "..", ".git"} & set(path.split("/"))


def _path_in(line: str) -> str:
    """Return the path that a line names where it holds nothing else but signs; empty otherwise."""
    text = line.strip().strip("#*`:' \"").removeprefix("File").removeprefix("file").strip(":*` ")
    return text if _PATH.fullmatch(text) else ""


def _next(lines: Sequence[str], start: int, marker: re.Pattern[str]) -> int:
    return next(_matching(lines, start, marker), len(lines))


def _matching(lines: Sequence[str], start: int, marker: re.Pattern[str]) -> Iterator[int]:
    return (number for number in range(start, len(lines)) if marker.match(lines[number]))
