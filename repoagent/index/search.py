"""Search the files of the index: text, with ripgrep where it is installed, and functions by the words of a question."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from repoagent.errors import UserError
from repoagent.index.build import Index
from repoagent.index.layers import WORDS, load_layer
from repoagent.index.reading.skipping import SIZE_LIMIT
from repoagent.index.reading.text import split_lines
from repoagent.index.retrieval import bags
from repoagent.index.retrieval.bm25 import TermScore, build_documents, build_query, score_units
from repoagent.index.retrieval.units import Unit
from repoagent.process import CommandFailed, run

LINE_LIMIT = 300
"""Characters of a line that are shown."""

_BATCH_BYTES = 100_000
"""Bytes of paths on one command line; the system's limit is higher on every Linux."""

_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Hit:
    """A line that matches the pattern."""

    path: str
    line: int
    """From 1."""
    text: str
    """Without its end, cut at LINE_LIMIT characters."""


def search_lines(
    index: Index, pattern: str, *, regex: bool = False, ignore_case: bool = False, under: str = "", limit: int = 100
) -> tuple[Hit, ...]:
    """Find the first `limit` lines that hold `pattern`, in the file or below the folder `under`, by path and line.

    `regex` takes the pattern as a regular expression. Raises UserError where it is invalid.
    """
    expression = _compile_pattern(pattern if regex else re.escape(pattern), ignore_case)
    small = (item.path for item in index.listed if item.size <= SIZE_LIMIT)
    paths = [path for path in small if path == under or path.startswith(f"{under}/" if under else "")]
    flags = [*(() if regex else ("--fixed-strings",)), *(("--ignore-case",) if ignore_case else ())]
    if shutil.which("rg") and pattern and "\n" not in pattern:
        paths = _filter_with_ripgrep(index, flags, pattern, paths)
    return tuple(islice(_find_hits(index, expression, paths), limit))


@dataclass(frozen=True)
class RankedUnit:
    """A function, or the lines of a file outside of functions, that shares words with the question."""

    path: str
    symbol: str
    """Qualified name; empty for the lines outside of functions."""
    start: int
    end: int
    value: float
    """Its BM25F score; comparable within the results of one question only."""
    words: tuple[str, ...]
    """The words that it shares with the question, those that contribute most first."""


def search_by_words(index: Index, question: str, *, under: str = "", limit: int = 20) -> tuple[RankedUnit, ...]:
    """Find the `limit` functions that match the words of `question` best, rare words counting more (BM25F)."""
    query = build_query(question)
    paths = [path for path in index.files if path == under or path.startswith(f"{under}/" if under else "")]
    found = {path: bags.decode_bags(data) for path, data in load_layer(index, WORDS, paths).items()}
    documents = build_documents(found, query)
    scored, _ = score_units(documents, query)
    best = sorted(zip(documents, scored, strict=True), key=lambda pair: -pair[1].value)[:limit]
    return tuple(_make_ranked_unit(document.unit, score) for document, score in best if score.value > 0)


def _make_ranked_unit(unit: Unit, score: TermScore) -> RankedUnit:
    words = sorted(score.words, key=lambda word: (-score.words[word], word))[:5]
    return RankedUnit(unit.path, unit.symbol, unit.start, unit.end, round(score.value, 3), tuple(words))


def _compile_pattern(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.MULTILINE | (re.IGNORECASE if ignore_case else re.NOFLAG))
    except (re.error, OverflowError, RecursionError) as error:
        raise UserError(
            f"`{pattern}` is no regular expression: {error}. Escape it or search for plain text."
        ) from error


def _filter_with_ripgrep(index: Index, flags: Sequence[str], pattern: str, paths: Sequence[str]) -> list[str]:
    """Find the files that ripgrep finds the pattern in; all of `paths` where it cannot read the pattern, or fails."""
    found: list[str] = []
    for batch in _split_batches(paths):
        command = ("rg", "--no-config", "--files-with-matches", "--null", "--text", *flags, "-e", pattern, "--", *batch)
        try:
            done = run(command, cwd=index.root, timeout=_TIMEOUT_SECONDS, check=False)
        except CommandFailed:
            return list(paths)
        if done.exit_code > 1:
            return list(paths)
        found += [name.decode("utf-8", "replace") for name in done.stdout.split(b"\0") if name]
    return sorted(found)


def _find_hits(index: Index, expression: re.Pattern[str], paths: Iterable[str]) -> Iterator[Hit]:
    for path in paths:
        text = _read_source(index, path)
        if text and expression.search(text):
            for number, line in enumerate(split_lines(text), 1):
                if expression.search(line.rstrip("\n")):
                    yield Hit(path, number, line.rstrip()[:LINE_LIMIT])


def _read_source(index: Index, path: str) -> str:
    """Read the text of a file; empty for binary files, and for files that were removed since the index was built."""
    try:
        text = index.read_source(path)
    except UserError:
        return ""
    return "" if "\0" in text[:8000] else text


def _split_batches(paths: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for path in paths:
        if batch and size + len(path) > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += len(path.encode()) + 1
    if batch:
        yield batch
