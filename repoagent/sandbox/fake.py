"""An engine for the tests of what stands above: files in memory, scripted answers, everything asked on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from repoagent.errors import SandboxFailed
from repoagent.sandbox.archive import check_inside
from repoagent.sandbox.base import (
    DEFAULT_LIMITS,
    REPOSITORY,
    CachedImage,
    CommandResult,
    Environment,
    ProgressListener,
    Recipe,
    SandboxLimits,
)

PlayedCommand = Callable[[Sequence[str], MutableMapping[str, bytes]], CommandResult]
"""Plays a command: gets it and the sandbox's files, and may change them.

The files' paths are relative to the repository, or absolute where they lie elsewhere.
"""


def succeed(_command: Sequence[str], _files: MutableMapping[str, bytes]) -> CommandResult:
    """The answer of a command that prints nothing and ends with 0."""
    return CommandResult(0, "", 0.0)


@dataclass(frozen=True)
class RequestedCommand:
    """A command that a sandbox was asked to run."""

    command: tuple[str, ...]
    timeout: float
    environment: Mapping[str, str]


@dataclass(frozen=True)
class RequestedBuild:
    """A build that was asked for."""

    recipe: Recipe
    repository: Path
    timeout: float


@dataclass
class FakeEngine:
    """Runs nothing, and records what it was asked; satisfies `Engine`."""

    answer: PlayedCommand = succeed
    broken: Exception | None = None
    """Raised by `check`, `build` and `open` when set."""
    builds: list[RequestedBuild] = field(default_factory=list)
    sandboxes: list[FakeSandbox] = field(default_factory=list)
    cleaned: int = 0

    name = "fake"

    @property
    def commands(self) -> list[RequestedCommand]:
        """What all of its sandboxes were asked, in the order in which they were opened."""
        return [asked for sandbox in self.sandboxes for asked in sandbox.commands]

    def list_pythons(self) -> Sequence[str]:
        """List two, so that there is a choice."""
        return ("3.11", "3.9")

    def check(self) -> None:
        """Raise `broken` when set."""
        if self.broken:
            raise self.broken

    def describe_missing(self) -> str:
        """Name nothing."""
        return ""

    def prepare(self, progress: ProgressListener) -> None:
        """Report progress, and do nothing."""
        progress("nothing to prepare")

    def find(self, key: str) -> Environment | None:
        """Find an environment that was built here."""
        return Environment(key, f"fake:{key}") if any(b.recipe.key == key for b in self.builds) else None

    def build(self, recipe: Recipe, repository: Path, progress: ProgressListener, timeout: float) -> Environment:
        """Record what was asked, and report progress."""
        self.check()
        self.builds.append(RequestedBuild(recipe, repository, timeout))
        progress(f"built {recipe.key}")
        return Environment(recipe.key, f"fake:{recipe.key}")

    def open(self, environment: Environment, repository: Path, limits: SandboxLimits = DEFAULT_LIMITS) -> FakeSandbox:
        """Open a sandbox with the files of `repository` in memory."""
        self.check()
        sandbox = FakeSandbox(self.answer, _read_files(repository), environment, limits)
        self.sandboxes.append(sandbox)
        return sandbox

    def list_cached(self) -> Sequence[CachedImage]:
        """List what was built, a byte each."""
        return [CachedImage(built.recipe.key, 1, 0.0) for built in self.builds]

    def discard(self, key: str) -> None:
        """Forget what was built under `key`."""
        self.builds[:] = [built for built in self.builds if built.recipe.key != key]

    def clean(self) -> Sequence[str]:
        """Count the calls."""
        self.cleaned += 1
        return []


@dataclass
class FakeSandbox:
    """Files in memory; satisfies `Sandbox`."""

    answer: PlayedCommand
    files: dict[str, bytes]
    environment: Environment
    limits: SandboxLimits = DEFAULT_LIMITS
    commands: list[RequestedCommand] = field(default_factory=list)
    closed: bool = False
    resets: int = 0
    pristine: Mapping[str, bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.pristine = dict(self.files)

    def run(
        self, command: Sequence[str], *, timeout: float, environment: Mapping[str, str] | None = None
    ) -> CommandResult:
        """Return what the answer function says; raises SandboxFailed after the sandbox was closed."""
        if self.closed:
            raise SandboxFailed("the sandbox was closed")
        self.commands.append(RequestedCommand(tuple(command), timeout, dict(environment or {})))
        return self.answer(command, self.files)

    def write(self, files: Mapping[str, bytes | None]) -> None:
        """Change the files in memory."""
        for path, data in files.items():
            if data is None:
                self.files.pop(check_inside(path), None)
            else:
                self.files[check_inside(path)] = data

    def read(self, path: str) -> bytes:
        """Read a file in memory."""
        try:
            return self.files[path.removeprefix(f"{REPOSITORY}/")]
        except KeyError:
            raise FileNotFoundError(f"{path} is no readable file in the sandbox") from None

    def reset(self) -> None:
        """Restore the first files; raises SandboxFailed after the sandbox was closed."""
        if self.closed:
            raise SandboxFailed("the sandbox was closed")
        self.resets += 1
        self.files = dict(self.pristine)

    def interact(self, command: Sequence[str] = ("/bin/bash",), environment: Mapping[str, str] | None = None) -> int:
        """Run the answer function, as if a person had worked there."""
        return self.run(command, timeout=0, environment=environment).exit_code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.closed = True


def _read_files(repository: Path) -> dict[str, bytes]:
    paths = [path.relative_to(repository) for path in sorted(repository.rglob("*")) if path.is_file()]
    return {path.as_posix(): (repository / path).read_bytes() for path in paths if ".git" not in path.parts}
