"""Ensure free disk space before an instance starts: remove rebuildable environments, or say how much is missing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PruneFunction = Callable[[], None]


@dataclass
class DiskGuard:
    """Checks the disk before each start of an instance."""

    folder: Path
    min_free_bytes: int
    """Bytes that must be free for an instance to start."""
    prune: PruneFunction = lambda: None
    pause: float = 60.0
    """Seconds between two prunings."""
    _pruned: float = float("-inf")

    def get_free_bytes(self) -> int:
        """Return the free bytes on the disk of the run."""
        return shutil.disk_usage(self.folder).free

    def describe_shortage(self) -> str:
        """Prune if need be, and describe a lack of space; empty where there is enough."""
        if self.get_free_bytes() >= self.min_free_bytes:
            return ""
        if time.monotonic() - self._pruned >= self.pause:
            self._pruned = time.monotonic()
            self.prune()
        free = self.get_free_bytes()
        if free >= self.min_free_bytes:
            return ""
        return (
            f"{free / 1e6:,.0f} MB are free where {self.folder} lies, and "
            f"{self.min_free_bytes / 1e6:,.0f} are needed for an "
            "instance: free some space, then continue with the same command"
        )


def make_environment_pruner(sandbox: str, keep_bytes: int) -> PruneFunction:
    """Return a function that removes the least recently used test environments and the remains of dead runs."""

    def prune_now() -> None:
        from contextlib import suppress

        from repoagent.app.testbed import prune_images as prune_to
        from repoagent.errors import RepoagentError
        from repoagent.sandbox import choose_engine

        with suppress(RepoagentError):
            engine = choose_engine(None if sandbox == "auto" else sandbox)
            engine.clean()
            prune_to(engine, keep_bytes)

    return prune_now
