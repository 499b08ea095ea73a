"""Read datasets of tasks from a file, a directory or the hub; an invalid row does not affect the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from repoagent.bench.datasets.choosing import Choice, choose
from repoagent.bench.datasets.files import SUFFIXES, read_rows
from repoagent.bench.instance import Instance
from repoagent.errors import UserError

__all__ = ["Choice", "Loaded", "Refused", "choose", "load"]


@dataclass(frozen=True)
class Refused:
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
class Loaded:
    """The tasks of a dataset, and its invalid rows."""

    instances: tuple[Instance, ...]
    refused: tuple[Refused, ...] = ()


def load(dataset: str, *, split: str | None = None, repo: str | None = None) -> Loaded:
    """Load all tasks of `dataset`: a .jsonl, .json or .parquet file, a directory, or a name on the hub.

    Raises UserError where it cannot be read or is empty.
    """
    read = list(_unique(_read(dataset, split, repo)))
    instances = tuple(each for each in read if isinstance(each, Instance))
    refused = tuple(each for each in read if isinstance(each, Refused))
    if not read:
        raise UserError(f"the dataset {dataset} is empty")
    return Loaded(instances, refused)


def _read(dataset: str, split: str | None, repo: str | None) -> Iterator[Instance | Refused]:
    path = Path(dataset).expanduser()
    if path.is_dir() and not list(path.glob("**/*.parquet")):
        yield from _from_folder(path, repo)
    elif path.is_file():
        yield from _checked(read_rows(path))
    elif dataset.endswith(SUFFIXES):
        raise UserError(f"there is no dataset {dataset}")
    else:
        from repoagent.bench.datasets.hub import read_hub

        yield from _checked(read_hub(dataset, split))


def _from_folder(folder: Path, repo: str | None) -> Iterator[Instance | Refused]:
    from repoagent.bench.datasets.folders import read_folder

    for number, (name, found) in enumerate(read_folder(folder, repo), 1):
        yield found if isinstance(found, Instance) else Refused(number, name, found.field, found.message)


def _checked(rows: Iterable[object]) -> Iterator[Instance | Refused]:
    from repoagent.bench.datasets.rows import RowRefused, instance_of, name_of

    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            message = str(row) if isinstance(row, ValueError) else f"{type(row).__name__}, not an object"
            yield Refused(number, "", "row", message)
            continue
        try:
            yield instance_of(row)
        except RowRefused as refused:
            yield Refused(number, name_of(row), refused.field, refused.message)


def _unique(read: Iterable[Instance | Refused]) -> Iterator[Instance | Refused]:
    """Refuse all but the first row of an id, because results are stored by id."""
    seen: set[str] = set()
    for number, each in enumerate(read, 1):
        if isinstance(each, Instance) and each.id in seen:
            yield Refused(number, each.id, "instance_id", "an earlier row has the same id")
            continue
        if isinstance(each, Instance):
            seen.add(each.id)
        yield each
