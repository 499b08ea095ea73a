"""Read files in a process of its own, for `pool`: `python -m repoagent.index.worker ROOT STORE SECONDS [LAYER…]`.

Paths come on standard input, one a line as JSON. Each is answered with the key of its facts in the store, in
hexadecimal, or with an empty line where it cannot be read; answers are collected for SECONDS. Results go into the
store, BATCH_SIZE rows at a time: facts that are not there yet, and for each LAYER the data derived from them.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from repoagent.index.reading.codec import EncodedFacts, decode_head, encode_facts
from repoagent.index.reading.read import compute_key, decode_text, read_file
from repoagent.index.store import FactStore

BATCH_SIZE = 600


def main() -> None:
    """Read the files that standard input names, and answer each on standard output."""
    gc.disable()  # nothing here makes cycles, and looking for them costs a tenth
    root, store, seconds, *layers = sys.argv[1:]
    batch = Batch(FactStore(Path(store)), layers)
    flushed = time.monotonic()
    for line in sys.stdin.buffer:
        path = json.loads(line)
        content = _read_content(f"{root}/{path}")
        key = b"" if content is None else batch.add(path, content)
        sys.stdout.write(key.hex() + "\n")
        if time.monotonic() - flushed >= float(seconds):
            sys.stdout.flush()
            flushed = time.monotonic()
    sys.stdout.flush()
    batch.flush()


class Batch:
    """Facts and derived data that are not in the store yet."""

    def __init__(self, store: FactStore, layers: Sequence[str]) -> None:
        self._store = store
        self._rows: dict[bytes, EncodedFacts] = {}
        self._layers: dict[str, dict[bytes, bytes]] = {layer: {} for layer in layers}
        self._seen: set[bytes] = set()

    def add(self, path: str, content: bytes) -> bytes:
        """Read a file, unless one with the same content was read before; return the key of its facts."""
        key = compute_key(path, content)
        if key not in self._seen:
            self._seen.add(key)
            head = self._read_head(path, content, key)
            if self._layers and head:
                self._make_layers(path, content, key, head)
            if len(self._rows) + sum(map(len, self._layers.values())) >= BATCH_SIZE:
                self.flush()
        return key

    def flush(self) -> None:
        """Write everything into the store, and forget it here."""
        self._store.write_facts(self._rows)
        self._rows.clear()
        for layer, rows in self._layers.items():
            self._store.write_layer(layer, rows)
            rows.clear()

    def _read_head(self, path: str, content: bytes, key: bytes) -> str:
        """Return the encoded symbols and imports of a file, from the store if it has them; empty if not needed."""
        if self._layers and (kept := self._store.read_heads([key]).get(key)):
            return kept
        if self._layers or not self._store.has_facts(key):
            self._rows[key] = encode_facts(read_file(path, content))
            return self._rows[key].head
        return ""

    def _make_layers(self, path: str, content: bytes, key: bytes, head: str) -> None:
        from repoagent.index.layers import LAYERS

        facts = decode_head(path, head)
        if not facts.skipped:
            text = decode_text(path, content)
            for layer, rows in self._layers.items():
                rows[key] = LAYERS[layer].make(facts, text)


def _read_content(file: str) -> bytes | None:
    try:
        with open(file, "rb") as opened:  # noqa: PTH123 # thousands of them; a Path costs as much as the reading
            return opened.read()
    except OSError:
        return None


if __name__ == "__main__":
    main()
