"""Reads files in a process of its own, for `pool`: `python -m repoagent.index.worker ROOT STORE [LAYER]`.

Paths come on standard input, one a line as JSON. Each is answered with the key of its facts in the store, or with an
empty line where it cannot be read. What was found goes into the store, some hundred files at a time: the facts or, with
LAYER, what is worked out of facts that are there.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from repoagent.index.reading.codec import decode_head, encode
from repoagent.index.reading.read import key_of, read, text_of
from repoagent.index.store import Store

BATCH = 300

Row = TypeVar("Row")


def main() -> None:
    """Answer what is asked on standard input."""
    gc.disable()  # nothing here makes cycles, and looking for them costs a tenth
    root, store = sys.argv[1], Store(Path(sys.argv[2]))
    if layer := sys.argv[3]:
        _answer(
            root,
            lambda path, content, key: _worked_out(store, layer, path, content, key),
            lambda rows: store.write_layer(layer, rows),
        )
    else:
        _answer(root, lambda path, content, key: None if store.has(key) else encode(read(path, content)), store.write)


def _answer(
    root: str, make: Callable[[str, bytes, bytes], Row | None], keep: Callable[[dict[bytes, Row]], object]
) -> None:
    rows: dict[bytes, Row] = {}
    for line in sys.stdin.buffer:
        path = json.loads(line)
        content = _content(f"{root}/{path}")
        key = b"" if content is None else key_of(path, content)
        if content is not None and key not in rows and (row := make(path, content, key)) is not None:
            rows[key] = row
        sys.stdout.write(key.hex() + "\n")
        sys.stdout.flush()
        if len(rows) >= BATCH:
            keep(rows)
            rows.clear()
    keep(rows)


def _worked_out(store: Store, layer: str, path: str, content: bytes, key: bytes) -> bytes | None:
    from repoagent.index.layers import LAYERS

    head = store.heads([key]).get(key)
    facts = decode_head(path, head) if head else None
    return LAYERS[layer].make(facts, text_of(path, content)) if facts and not facts.skipped else None


def _content(file: str) -> bytes | None:
    try:
        with open(file, "rb") as opened:  # noqa: PTH123 # thousands of them; a Path costs as much as the reading
            return opened.read()
    except OSError:
        return None


if __name__ == "__main__":
    main()
