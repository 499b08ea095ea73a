"""Read and write patches in the predictions format of the official harness."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from repoagent.bench.datasets.files import read_rows
from repoagent.bench.store import ResultStore
from repoagent.errors import UserError
from repoagent.session.atomic import write_bytes

PREDICTIONS_FILE = "predictions.jsonl"


class Prediction(BaseModel):
    """One line of `predictions.jsonl`."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    instance_id: str
    model_name_or_path: str = ""
    model_patch: str | None = None


def write_predictions(store: ResultStore, name: str) -> Path:
    """Write the patches of all finished instances into the run; returns the path."""
    lines = []
    for job in store.read_jobs("solve"):
        if job.done and job.done.solved:
            row = Prediction(instance_id=job.instance, model_name_or_path=name, model_patch=job.done.solved.patch)
            lines.append(row.model_dump_json())
    path = store.folder / PREDICTIONS_FILE
    write_bytes(path, "".join(f"{line}\n" for line in lines).encode())
    return path


def read_predictions(path: Path) -> Iterator[Prediction]:
    """Read a predictions file, JSON or JSON lines. Raises UserError that names an invalid row."""
    if not path.is_file():
        raise UserError(f"there are no predictions at {path}")
    for number, row in enumerate(read_rows(path), 1):
        try:
            yield Prediction.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "row"
            raise UserError(f"{path}, row {number}, field {where}: {first['msg']}") from error


def encode_report(value: object) -> bytes:
    """Encode a report as the official harness does."""
    return (json.dumps(value, indent=4) + "\n").encode()
