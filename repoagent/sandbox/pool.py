"""Reuse sandboxes: one that is left is reset and kept for whoever opens the next one like it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from repoagent.errors import EnvironmentFailed, SandboxFailed
from repoagent.sandbox.base import (
    DEFAULT_LIMITS,
    CachedImage,
    CommandResult,
    Engine,
    Environment,
    ProgressListener,
    Recipe,
    Sandbox,
    SandboxLimits,
)


@dataclass(frozen=True)
class _PoolKey:
    """What two sandboxes have in common that can stand in for each other."""

    environment: Environment
    repository: Path
    content: str
    limits: SandboxLimits


@dataclass
class SandboxPool:
    """An engine over another one that opens a sandbox once and resets it for each later use; satisfies `Engine`.

    A sandbox that cannot be reset for sure, or in which an error was raised, is thrown away. Use as a context manager,
    or call `close`: what is kept idle would otherwise live as long as this process.
    """

    engine: Engine
    idle: int = 4
    """Sandboxes that are kept while nobody uses them."""
    _kept: list[tuple[_PoolKey, Sandbox]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    @property
    def name(self) -> str:
        """The name of the engine below."""
        return self.engine.name

    def list_pythons(self) -> Sequence[str]:
        """As the engine below."""
        return self.engine.list_pythons()

    def check(self) -> None:
        """As the engine below."""
        self.engine.check()

    def describe_missing(self) -> str:
        """As the engine below."""
        return self.engine.describe_missing()

    def prepare(self, progress: ProgressListener) -> None:
        """As the engine below."""
        self.engine.prepare(progress)

    def find(self, key: str) -> Environment | None:
        """As the engine below."""
        return self.engine.find(key)

    def build(self, recipe: Recipe, repository: Path, progress: ProgressListener, timeout: float) -> Environment:
        """As the engine below."""
        return self.engine.build(recipe, repository, progress, timeout)

    def open(self, environment: Environment, repository: Path, limits: SandboxLimits = DEFAULT_LIMITS) -> Sandbox:
        """Open a sandbox as good as new: an idle one that was reset, else a fresh one."""
        like = _PoolKey(environment, repository, hash_tree(repository), limits)
        return _LentSandbox(self, like, self._take_idle(like) or self.engine.open(environment, repository, limits))

    def list_cached(self) -> Sequence[CachedImage]:
        """As the engine below."""
        return self.engine.list_cached()

    def discard(self, key: str) -> None:
        """As the engine below, after the idle sandboxes were closed."""
        self.close()
        self.engine.discard(key)

    def clean(self) -> Sequence[str]:
        """As the engine below."""
        return self.engine.clean()

    def close(self) -> None:
        """Destroy the sandboxes that nobody uses."""
        with self._lock:
            left, self._kept = self._kept, []
        for _, sandbox in left:
            sandbox.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def give_back(self, like: _PoolKey, sandbox: Sandbox) -> None:
        """Reset a sandbox and keep it; or destroy it where it cannot be, or there are enough."""
        try:
            sandbox.reset()
        except EnvironmentFailed:
            sandbox.__exit__(None, None, None)
            return
        for surplus in self._keep_sandbox(like, sandbox):
            surplus.__exit__(None, None, None)

    def _keep_sandbox(self, like: _PoolKey, sandbox: Sandbox) -> list[Sandbox]:
        """Keep one more, and return those that are too many by that, the oldest ones."""
        with self._lock:
            self._kept.append((like, sandbox))
            surplus = self._kept[: -self.idle] if self.idle else self._kept[:]
            self._kept = self._kept[len(surplus) :]
        return [each for _, each in surplus]

    def _take_idle(self, like: _PoolKey) -> Sandbox | None:
        with self._lock:
            for number, (known, sandbox) in enumerate(self._kept):
                if known == like:
                    del self._kept[number]
                    return sandbox
        return None


@dataclass
class _LentSandbox:
    """A sandbox of a pool in the hands of one user, who gives it back by leaving it; satisfies `Sandbox`."""

    pool: SandboxPool
    like: _PoolKey
    sandbox: Sandbox
    left: bool = False

    def run(
        self, command: Sequence[str], *, timeout: float, environment: Mapping[str, str] | None = None
    ) -> CommandResult:
        return self._require_own().run(command, timeout=timeout, environment=environment)

    def write(self, files: Mapping[str, bytes | None]) -> None:
        self._require_own().write(files)

    def read(self, path: str) -> bytes:
        return self._require_own().read(path)

    def reset(self) -> None:
        self._require_own().reset()

    def interact(self, command: Sequence[str] = ("/bin/bash",), environment: Mapping[str, str] | None = None) -> int:
        return self._require_own().interact(command, environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.left:
            return
        self.left = True
        if error is None:
            self.pool.give_back(self.like, self.sandbox)
        else:
            self.sandbox.__exit__(kind, error, traceback)

    def _require_own(self) -> Sandbox:
        """Return the sandbox, unless it was left: it may be somebody else's by now."""
        if self.left:
            raise SandboxFailed("the sandbox was left, and is no longer to be used")
        return self.sandbox


def hash_tree(repository: Path) -> str:
    """Hash a work tree's names, sizes, modes and times; files are not read."""
    digest = hashlib.blake2b(digest_size=16)
    for folder, directories, files in os.walk(repository):
        directories[:] = sorted(name for name in directories if name != ".git")
        for name in [*directories, *sorted(files)]:
            path = os.path.join(folder, name)  # noqa: PTH118 - a Path for each of ten thousand files costs a second
            digest.update(f"{path}\0{_describe_entry(path)}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _describe_entry(path: str) -> str:
    try:
        found = os.lstat(path)
    except OSError:
        return "gone"
    if stat.S_ISDIR(found.st_mode):  # a folder's time changes with its files, which are looked at themselves
        return f"{found.st_mode}"
    return f"{found.st_mode} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
