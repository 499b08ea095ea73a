"""The protocols of sandboxes, in which a repository's code runs and can do no harm, and of the engines that make them.

Every engine promises the same: the code runs as an unprivileged user without capabilities, sees no file of the host but
the repository copied in and the environment built for it, has no network, and is stopped, with all it started, when a
limit is reached. Only `SandboxMaker.build` may reach the network, and what it does is logged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

REPOSITORY = "/work/repo"
"""Where the repository lies inside every sandbox, and the working directory of every command."""

ENVIRONMENT = "/opt/environment"
"""Where a built environment lies inside every sandbox; `venv/` in it is the Python test environment."""


SEARCH_PATH = "/opt/image-path"
"""Where an environment that stands on an image of somebody's has the search path of that image."""

UV = "/opt/uv"
"""Where a build finds the `uv` program."""


@dataclass(frozen=True)
class SandboxLimits:
    """How much one sandbox may use."""

    memory_mib: int = 4096
    cpus: float = 2.0
    pids: int = 256
    scratch_mib: int = 4096
    """Size of the writable part: the repository's copy and /tmp."""
    output_bytes: int = 1_000_000
    """What is kept of a command's output; the middle is cut."""


DEFAULT_LIMITS = SandboxLimits()


@dataclass(frozen=True)
class CommandResult:
    """A command that ended, by itself or at its deadline."""

    exit_code: int
    """128 + n where signal n ended it."""
    output: str
    """Standard output and error as one text, undecodable bytes replaced."""
    seconds: float
    timed_out: bool = False
    truncated: bool = False
    """Whether the middle of the output was cut."""


@dataclass(frozen=True)
class Dockerfile:
    """How a repository says that an image is made which has what its tests need."""

    text: str
    context: str = ""
    """Folder whose files it may copy, relative to the repository; empty for all of it."""
    arguments: tuple[tuple[str, str], ...] = ()
    """Names and values of its `ARG`s."""
    target: str = ""
    """The stage that is wanted; empty for the last."""


@dataclass(frozen=True)
class Base:
    """What an environment stands on."""

    python: str = "3.11"
    """Version of the interpreter, found as `python3.11`."""
    packages: tuple[str, ...] = ()
    """Debian's names of packages that the build or the tests need, beside a shell, git and the interpreter."""
    image: str = ""
    """A container image that it stands on instead, with an interpreter of its own; only Docker has such."""
    dockerfile: Dockerfile | None = field(default=None, repr=False)  # not in the keys of those who have none
    """How an image is made that it stands on instead; it is the repository's word, and handled so."""


DEFAULT_BASE = Base()


@dataclass(frozen=True)
class Recipe:
    """How a test environment is made."""

    key: str
    """Content hash of all that it depends on; environments are cached under it."""
    script: str
    """POSIX shell, run once with network in a copy of the repository; writes below ENVIRONMENT and may write into the
    repository. Files that it adds to the repository are kept and laid into every later copy. `uv` lies at UV."""
    base: Base = DEFAULT_BASE


@dataclass(frozen=True)
class Environment:
    """A built environment."""

    key: str
    reference: str
    """What the engine finds it by: an image's name, a directory."""


ImageKind = Literal["environment", "toolchain", "dockerfile", "base", "unfinished"]


@dataclass(frozen=True)
class CachedImage:
    """A cached environment, or something that environments stand on."""

    key: str
    bytes: int
    """Of its own, without what it shares with others."""
    used: float
    """When it was used last, or else built; seconds since 1970."""
    kind: ImageKind = "environment"
    below: str = ""
    """The key of what it stands on; empty where that is not cached here."""


class Sandbox(Protocol):
    """One isolated copy of the repository. Use as a context manager; leaving it destroys everything in it."""

    def reset(self) -> None:
        """Restore the state it was opened in, whatever was done in it since.

        Raises SandboxFailed where that is not certain: leave it then, and open another.
        """

    def run(
        self, command: Sequence[str], *, timeout: float, environment: Mapping[str, str] | None = None
    ) -> CommandResult:
        """Run `command` in the repository; every process it started is dead when this returns.

        Raises SandboxFailed when the sandbox itself broke; a command that fails is a Finished like any other.
        """

    def write(self, files: Mapping[str, bytes | None]) -> None:
        """Write files, paths relative to the repository; None deletes. Parent directories are made."""

    def read(self, path: str) -> bytes:
        """Read a file's bytes, `path` relative to the repository or absolute; raises FileNotFoundError."""

    def interact(self, command: Sequence[str] = ("/bin/bash",), environment: Mapping[str, str] | None = None) -> int:
        """Let a person work in it: run `command` at this process's terminal, without a deadline; returns its exit
        code."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


ProgressListener = Callable[[str], None]
"""Called with one line of progress for a person."""


class SandboxMaker(Protocol):
    """Builds environments and opens sandboxes on them: what most callers need of an engine."""

    @property
    def name(self) -> str:
        """`docker`, `bubblewrap`, `fake`."""

    def list_pythons(self) -> Sequence[str]:
        """Versions of Python that an environment can be built with, the one that is had at once first."""

    def check(self) -> None:
        """Raise EnvironmentFailed, saying what to do, unless sandboxes can be made here."""

    def find(self, key: str) -> Environment | None:
        """Find the environment built for a recipe's key; None where it is no longer there."""

    def build(self, recipe: Recipe, repository: Path, progress: ProgressListener, timeout: float) -> Environment:
        """Build an environment, with network, in `timeout` seconds. Raises EnvironmentFailed with the log's end."""

    def open(self, environment: Environment, repository: Path, limits: SandboxLimits = DEFAULT_LIMITS) -> Sandbox:
        """Open a fresh sandbox with a copy of `repository` in it."""


class ImageKeeper(Protocol):
    """Keeps what environments stand on, and the environments: their sizes, and how they are removed."""

    def describe_missing(self) -> str:
        """Name what `prepare` has still to make, for a person; empty when all is there. Raises as `check` does."""

    def prepare(self, progress: ProgressListener) -> None:
        """Make what all environments stand on (a base image), unless it exists."""

    def list_cached(self) -> Sequence[CachedImage]:
        """List all environments that are cached, and what they stand on, the one used last first."""

    def discard(self, key: str) -> None:
        """Remove what is cached under this key; nothing happens where there is nothing, or it is in use below."""

    def clean(self) -> Sequence[str]:
        """Remove what dead runs left behind (containers, scratch), never an environment; names what was removed."""


class Engine(SandboxMaker, ImageKeeper, Protocol):
    """Opens sandboxes and keeps images: Docker, bubblewrap, or the fake of the unit tests."""
