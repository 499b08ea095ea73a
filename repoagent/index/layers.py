"""Data derived from the facts and the text of a file, and stored like facts: made once for each content."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from repoagent.index.facts import MIN_FILES_FOR_WORKERS
from repoagent.index.pool import ReaderPool
from repoagent.index.retrieval import bags
from repoagent.index.shapes import encode_shapes

if TYPE_CHECKING:
    from repoagent.index.build import Index
    from repoagent.index.model import FileFacts


@dataclass(frozen=True)
class Layer:
    """One kind of derived data."""

    kind: str
    """The word that it is stored under; its number goes up when the format changes."""
    make: Callable[[FileFacts, str], bytes]
    """Makes the data of a file from its facts and its text."""


WORDS: Final = Layer("words1", bags.encode_bags)
"""Each piece of a file as a bag of words."""

SHAPES: Final = Layer("shapes2", encode_shapes)
"""Each piece of a file as what its syntax tree looks like."""

LAYERS: Final[Mapping[str, Layer]] = {layer.kind: layer for layer in (WORDS, SHAPES)}


def load_layer(index: Index, layer: Layer, paths: Iterable[str]) -> dict[str, bytes]:
    """Load the data of each of `paths`, in their order, making what is not stored yet; none for files without facts."""
    keys = index.files.find_keys(paths)
    kept = index.store.read_layer(layer.kind, set(keys.values()))
    missing = [path for path, key in keys.items() if key not in kept]
    if len(missing) >= MIN_FILES_FOR_WORKERS and index.store.file and index.store.is_usable():
        ReaderPool(index.root, index.store.file, [layer.kind]).read(missing)
        kept |= index.store.read_layer(layer.kind, {keys[path] for path in missing})
        missing = [path for path in missing if keys[path] not in kept]
    made = _make_rows(index, layer, {path: keys[path] for path in missing})
    index.store.write_layer(layer.kind, made)
    kept |= made
    return {path: kept[key] for path, key in keys.items() if key in kept}


def _make_rows(index: Index, layer: Layer, keys: Mapping[str, bytes]) -> dict[bytes, bytes]:
    index.files.load(keys)
    return {
        key: layer.make(index.files[path], index.read_source(path))
        for path, key in keys.items()
        if not index.files[path].skipped
    }
