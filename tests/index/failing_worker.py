"""Stands in for the worker, with a parser that hangs on `c.py` and dies of `f.py`."""

from __future__ import annotations

import os
import time

from repoagent.index import worker
from repoagent.index.reading.extract import Extracted
from repoagent.index.reading.read import read


def failing(path: str, content: bytes) -> Extracted:
    """The facts of a file, if it is a good one."""
    if path == "c.py":
        time.sleep(60)
    if path == "f.py":
        os.abort()
    return read(path, content)


if __name__ == "__main__":
    worker.read = failing  # type: ignore[attr-defined]
    worker.main()
