"""Read search/replace blocks in an answer, and make them edits: all of them, or none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from repoagent.domain import Edit
from repoagent.edits import EditRefused
from repoagent.edits.elision import find_elision
from repoagent.edits.encoding import restore_bytes
from repoagent.edits.replace import replace_passage
from repoagent.languages import language_of

_SEARCH = re.compile(r"\s*<{5,}\s*SEARCH\b")
_BETWEEN = re.compile(r"={7}\s*$")
"""Exactly seven: headings in docstrings are underlined, too."""
_END = re.compile(r"\s*>{5,}\s*REPLACE\b")
_PATH = re.compile(r"[\w./\\-]+\.\w+")
_MAX_BLOCKS = 40
"""Blocks of one answer."""


@dataclass(frozen=True)
class SearchReplaceBlock:
    """One passage, and what shall stand there."""

    path: str
    """As the model wrote it; empty where it wrote none."""
    search: str
    replace: str


def parse_blocks(answer: str) -> list[SearchReplaceBlock]:
    """Parse the blocks of an answer in their order; one that is not closed is left out."""
    lines = answer.split("\n")
    found: list[SearchReplaceBlock] = []
    path, at = "", 0
    while at < len(lines) and len(found) < _MAX_BLOCKS:
        if not _SEARCH.match(lines[at]):
            path = _parse_path(lines[at]) or path
            at += 1
            continue
        middle = _find_next(lines, at, _BETWEEN)
        end = _find_next(lines, middle, _END)
        if end >= len(lines):
            break
        found.append(SearchReplaceBlock(path, "\n".join(lines[at + 1 : middle]), "\n".join(lines[middle + 1 : end])))
        at = end + 1
    return found


def parse_edits(
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
    found = parse_blocks(answer)
    if not found:
        raise EditRefused("there is no search/replace block")
    after = dict(files)
    for block in found:
        path = _resolve_path(block.path, files, listed)
        text = after.get(path)
        after[path] = (
            _write_new_file(block, path) if text is None else _apply_block(block, path, text, shown_lines.get(path, ()))
        )
    changed = (path for path, text in after.items() if text != files.get(path))
    return tuple(Edit(path, files.get(path), after[path]) for path in changed)


def _apply_block(block: SearchReplaceBlock, path: str, text: str, shown_lines: Sequence[range]) -> str:
    if find_elision(block.replace, block.search):
        raise EditRefused(f"{path}: the replacement leaves out parts")
    try:
        return replace_passage(text, restore_bytes(block.search, text), restore_bytes(block.replace, text), shown_lines)
    except EditRefused as refusal:
        raise EditRefused(f"{path}: {refusal}") from refusal


def _write_new_file(block: SearchReplaceBlock, path: str) -> str:
    if block.search.strip():
        raise EditRefused(f"{path}: there is no such file to search in")
    return block.replace.strip("\n") + "\n"


def _resolve_path(path: str, files: Mapping[str, str], listed: frozenset[str]) -> str:
    """Return the path of a file that is shown, or of a new one; raise EditRefused for any other."""
    clean = path.replace("\\", "/").removeprefix("./")
    if clean in files:
        return clean
    alike = [name for name in files if clean and (name.endswith(f"/{clean}") or clean.endswith(f"/{name}"))]
    if len(alike) == 1 and clean not in listed:
        return alike[0]
    if not clean and len(files) == 1:
        return next(iter(files))
    if clean and clean not in listed and _is_inside_repository(clean):
        return clean
    raise EditRefused(f"{path or 'the block'}: not one of the files that were shown")


def _is_inside_repository(path: str) -> bool:
    return language_of(path) is not None and not path.startswith("/") and not {"", "..", ".git"} & set(path.split("/"))


def _parse_path(line: str) -> str:
    """Return the path that a line names where it holds nothing else but signs; empty otherwise."""
    text = line.strip().strip("#*`:' \"").removeprefix("File").removeprefix("file").strip(":*` ")
    return text if _PATH.fullmatch(text) else ""


def _find_next(lines: Sequence[str], start: int, marker: re.Pattern[str]) -> int:
    return next(_find_matching(lines, start, marker), len(lines))


def _find_matching(lines: Sequence[str], start: int, marker: re.Pattern[str]) -> Iterator[int]:
    return (number for number in range(start, len(lines)) if marker.match(lines[number]))
