"""What is removed to make room: environments by their last use, and what they stand on when nothing is left upon it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from repoagent.app.testbed import prune_images
from repoagent.sandbox.base import CachedImage
from repoagent.sandbox.fake import FakeEngine

KEPT = (
    CachedImage("new", 1, 9.0, below="tools:1"),
    CachedImage("tools:2", 5, 8.0, "toolchain", "base:2"),
    CachedImage("middle", 2, 7.0, below="base:1"),
    CachedImage("old", 1, 6.0, below="tools:3"),
    CachedImage("sha256:1", 4, 5.0, "unfinished", "base:1"),
    CachedImage("base:1", 10, 4.0, "base"),
    CachedImage("tools:1", 3, 0.0, "toolchain", "base:1"),
    CachedImage("base:2", 10, 0.0, "base"),
    CachedImage("tools:3", 3, 0.0, "toolchain", "gone"),
)


@dataclass
class Keeping(FakeEngine):
    """An engine that keeps what it is told, and notes in which order it is removed."""

    keeps: list[CachedImage] = field(default_factory=lambda: list(KEPT))
    removed: list[str] = field(default_factory=list)
    in_use: str = ""

    def list_cached(self) -> Sequence[CachedImage]:
        return list(self.keeps)

    def discard(self, key: str) -> None:
        if key == self.in_use:
            return
        assert key not in {kept.below for kept in self.keeps}, "something stands on it"
        self.removed.append(key)
        self.keeps = [kept for kept in self.keeps if kept.key != key]


@pytest.mark.parametrize(
    ("allowed", "stay"),
    [
        (0, ()),
        (13, ()),
        (14, ("new", "base:1", "tools:1")),
        (28, ("new", "base:1", "tools:1")),
        (29, ("new", "tools:2", "base:1", "tools:1", "base:2")),
        (31, ("new", "tools:2", "middle", "base:1", "tools:1", "base:2")),
        (39, tuple(kept.key for kept in KEPT)),
    ],
)
def test_what_was_used_last_stays_with_what_it_stands_on(allowed: int, stay: tuple[str, ...]) -> None:
    engine = Keeping()
    gone = prune_images(engine, allowed)
    assert tuple(kept.key for kept in engine.keeps) == stay
    assert [kept.key for kept in gone] == engine.removed


def test_what_cannot_be_removed_is_not_said_to_be_gone() -> None:
    engine = Keeping(in_use="base:2")
    assert "base:2" not in {kept.key for kept in prune_images(engine, 0)}
