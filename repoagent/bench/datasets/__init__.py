"""Read datasets of tasks from a file, a directory or the hub; an invalid row does not affect the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from repoagent.bench.datasets.files import SUFFIXES, read_rows
from repoagent.bench.datasets.selection import InstanceFilter, select_instances
from repoagent.bench.instance import Instance
from repoagent.errors import UserError

__all__ = ["InstanceFilter", "InvalidRow", "LoadedDataset", "load_dataset", "select_instances"]


@dataclass(frozen=True)
class InvalidRow:
    """An invalid row."""

    number: int
    """Counted from 1."""
    name: str
    """Its own id, perhaps empty."""
    field: str
    message: str

    def __str__(self) -> str:
        named = f" ({self.name})" if self.name else ""
        return f"row {self.number}{named}, field {self.field}: {self.message}"


@dataclass(frozen=True)
class LoadedDataset:
    """The tasks of a dataset, and its invalid rows."""

    instances: tuple[Instance, ...]
    refused: tuple[InvalidRow, ...] = ()


def load_dataset(dataset: str, *, split: str | None = None, repo: str | None = None) -> LoadedDataset:
    """Load all tasks of `dataset`: a .jsonl, .json or .parquet file, a directory, or a name on the hub.

    Raises UserError where it cannot be read or is empty.
    """
    read = list(_refuse_duplicates(_read_dataset(dataset, split, repo)))
    instances = tuple(each for each in read if isinstance(each, Instance))
    refused = tuple(each for each in read if isinstance(each, InvalidRow))
    if not read:
        raise UserError(f"the dataset {dataset} is empty")
    return LoadedDataset(instances, refused)


def _read_dataset(dataset: str, split: str | None, repo: str | None) -> Iterator[Instance | InvalidRow]:
    path = Path(dataset).expanduser()
    if path.is_dir() and not list(path.glob("**/*.parquet")):
        yield from _convert_folder(path, repo)
    elif path.is_file():
        yield from _convert_rows(read_rows(path))
    elif dataset.endswith(SUFFIXES):
        raise UserError(f"there is no dataset {dataset}")
    else:
        from repoagent.bench.datasets.hub import read_hub

        yield from _convert_rows(read_hub(dataset, split))


def _convert_folder(folder: Path, repo: str | None) -> Iterator[Instance | InvalidRow]:
    from repoagent.bench.datasets.folders import read_folder

    for number, (name, found) in enumerate(read_folder(folder, repo), 1):
        yield found if isinstance(found, Instance) else InvalidRow(number, name, found.field, found.message)


def _convert_rows(rows: Iterable[object]) -> Iterator[Instance | InvalidRow]:
    from repoagent.bench.datasets.rows import RowError, convert_row, find_row_id

    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            message = str(row) if isinstance(row, ValueError) else f"{type(row).__name__}, not an object"
            yield InvalidRow(number, "", "row", message)
            continue
        try:
            yield convert_row(row)
        except RowError as refused:
            yield InvalidRow(number, find_row_id(row), refused.field, refused.message)


def _refuse_duplicates(read: Iterable[Instance | InvalidRow]) -> Iterator[Instance | InvalidRow]:
    """Refuse all but the first row of an id, because results are stored by id."""
    seen: set[str] = set()
    for number, each in enumerate(read, 1):
        if isinstance(each, Instance) and each.id in seen:
            yield InvalidRow(number, each.id, "instance_id", "an earlier row has the same id")
            continue
        if isinstance(each, Instance):
            seen.add(each.id)
        yield each
