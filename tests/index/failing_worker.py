"""Stands in for the worker, with a parser that hangs on `c.py` and dies of `f.py`."""

from __future__ import annotations

import os
import time

from repoagent.index import worker
from repoagent.index.reading.extract import ExtractedFacts
from repoagent.index.reading.read import read_file


def failing(path: str, content: bytes) -> ExtractedFacts:
    """The facts of a file, if it is a good one."""
    if path == "c.py":
        time.sleep(60)
    if path == "f.py":
        os.abort()
    return read_file(path, content)


if __name__ == "__main__":
    worker.read_file = failing  # type: ignore[attr-defined]
    worker.main()
