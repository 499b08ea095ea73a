"""Read files in a process of its own, for `pool`: `python -m repoagent.index.worker ROOT STORE SECONDS [LAYER…]`.

Paths come on standard input, one a line as JSON. Each is answered with the key of its facts in the store, in
hexadecimal, or with an empty line where it cannot be read; answers are collected for SECONDS. Results go into the
store, BATCH rows at a time: facts that are not there yet, and for each LAYER the data derived from them.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from repoagent.index.reading.codec import Encoded, decode_head, encode
from repoagent.index.reading.read import key_of, read, text_of
from repoagent.index.store import Store

BATCH = 600


def main() -> None:
    """Read the files that standard input names, and answer each on standard output."""
    gc.disable()  # nothing here makes cycles, and looking for them costs a tenth
    root, store, seconds, *layers = sys.argv[1:]
    batch = Batch(Store(Path(store)), layers)
    flushed = time.monotonic()
    for line in sys.stdin.buffer:
        path = json.loads(line)
        content = _content(f"{root}/{path}")
        key = b"" if content is None else batch.add(path, content)
        sys.stdout.write(key.hex() + "\n")
        if time.monotonic() - flushed >= float(seconds):
            sys.stdout.flush()
            flushed = time.monotonic()
    sys.stdout.flush()
    batch.keep()


class Batch:
    """Facts and derived data that are not in the store yet."""

    def __init__(self, store: Store, layers: Sequence[str]) -> None:
        self._store = store
        self._rows: dict[bytes, Encoded] = {}
        self._layers: dict[str, dict[bytes, bytes]] = {layer: {} for layer in layers}
        self._seen: set[bytes] = set()

    def add(self, path: str, content: bytes) -> bytes:
        """Read a file, unless one with the same content was read before; return the key of its facts."""
        key = key_of(path, content)
        if key not in self._seen:
            self._seen.add(key)
            head = self._head(path, content, key)
            if self._layers and head:
                self._work_out(path, content, key, head)
            if len(self._rows) + sum(map(len, self._layers.values())) >= BATCH:
                self.keep()
        return key

    def keep(self) -> None:
        """Write everything into the store, and forget it here."""
        self._store.write(self._rows)
        self._rows.clear()
        for layer, rows in self._layers.items():
            self._store.write_layer(layer, rows)
            rows.clear()

    def _head(self, path: str, content: bytes, key: bytes) -> str:
        """Return the encoded symbols and imports of a file, from the store if it has them; empty if not needed."""
        if self._layers and (kept := self._store.heads([key]).get(key)):
            return kept
        if self._layers or not self._store.has(key):
            self._rows[key] = encode(read(path, content))
            return self._rows[key].head
        return ""

    def _work_out(self, path: str, content: bytes, key: bytes, head: str) -> None:
        from repoagent.index.layers import LAYERS

        facts = decode_head(path, head)
        if not facts.skipped:
            text = text_of(path, content)
            for layer, rows in self._layers.items():
                rows[key] = LAYERS[layer].make(facts, text)


def _content(file: str) -> bytes | None:
    try:
        with open(file, "rb") as opened:  # noqa: PTH123 # thousands of them; a Path costs as much as the reading
            return opened.read()
    except OSError:
        return None


if __name__ == "__main__":
    main()
