"""Read rows from local files: JSON lines, JSON, Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from repoagent.errors import UserError

SUFFIXES = (".jsonl", ".ndjson", ".json", ".parquet")


def read_rows(path: Path) -> Iterator[object]:
    """Read the rows of a file unchecked; a line that is not JSON is yielded as a ValueError."""
    try:
        reader = {".json": _read_json, ".parquet": _read_parquet}.get(path.suffix.lower(), _read_json_lines)
        yield from reader(path)
    except OSError as error:
        raise UserError(f"cannot read the dataset {path}: {error.strerror}") from error


def _read_json_lines(path: Path) -> Iterator[object]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.strip():
                yield _parse_json(line)


def _parse_json(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        return ValueError(f"no JSON: {error}")


def _read_json(path: Path) -> Iterator[object]:
    """Read a list of rows, or an object whose values are the rows."""
    whole = _parse_json(path.read_text(encoding="utf-8", errors="replace"))
    if isinstance(whole, ValueError):
        raise UserError(f"{path} is {whole}; a file with a row in each line is called .jsonl")
    if not isinstance(whole, list | dict):
        raise UserError(f"{path} holds neither a list nor an object")
    yield from whole if isinstance(whole, list) else whole.values()


def _read_parquet(path: Path) -> Iterator[object]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise UserError("Parquet files need pyarrow: pip install 'repoagent[datasets]'") from error
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=64):
                yield from batch.to_pylist()
    except ValueError as error:  # what pyarrow raises for other files
        raise UserError(f"{path} cannot be read as Parquet: {error}") from error
