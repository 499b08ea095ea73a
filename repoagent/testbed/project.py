"""What is known about a project from its manifests: how it is packaged, what its tests need and how they are run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from repoagent.sandbox.base import Dockerfile
from repoagent.testbed.pythons import Wanted

if TYPE_CHECKING:
    from repoagent.testbed.services import Wished

Packager = Literal["pyproject", "setup.py", "setup.cfg", "none"]
Runner = Literal["pytest", "django"]
Language = Literal["python", "node", "go", "rust", "java", "native", "other"]

DEFAULT_PATTERNS = ("test_*.py", "*_test.py")
"""File names that pytest takes for tests unless the project says otherwise."""


@dataclass(frozen=True)
class Group:
    """Requirements that are installed in one step, which may fail without failing the build."""

    name: str
    """For the log: `extra test`, `file requirements-dev.txt`, …"""
    command: tuple[str, ...]
    """A function of `build.sh`, and what it is given."""


@dataclass(frozen=True)
class OwnImage:
    """An image that the repository itself says how to make."""

    source: str
    """The file that says so."""
    dockerfile: Dockerfile
    steps: tuple[str, ...] = ()
    """Shell commands that come after, in the repository; any may fail."""


@dataclass(frozen=True)
class Override:
    """The settings read from the target repository's `.repoagent.toml`; their commands run in the sandbox only."""

    python: str = ""
    """Version of Python; empty to choose one."""
    packages: tuple[str, ...] = ()
    """The distribution's packages that build or tests need."""
    build: tuple[str, ...] = ()
    """Shell commands that replace the installation steps; empty to work them out."""
    test: str = ""
    """Shell command that runs the tests; empty to work it out."""
    services: tuple[str, ...] = ()
    """Servers that the tests need, of those in `services`; empty to work it out."""
    language: Language | None = None
    """Whose tools build and test the repository; None to find out. With `other`, only the commands given here do."""
    image: str = ""
    """A container image that has what the tests need; empty to build one. Only a user names one, never the repository:
    its build could send away what is in an image of the host's. Nothing else is tried then."""
    own: OwnImage | None = None
    """An image of the repository's own that is built upon, where nothing else could be built."""

    @property
    def inherits(self) -> str:
        """The image that has what the tests need, for a person; empty where none is meant to."""
        return f"the image {self.image}" if self.image else f"the image of {self.own.source}" if self.own else ""


@dataclass(frozen=True)
class Pytest:
    """What the project's own pytest configuration says."""

    testpaths: tuple[str, ...] = ()
    patterns: tuple[str, ...] = DEFAULT_PATTERNS
    addopts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Project:
    """A Python project as its manifests describe it."""

    packager: Packager
    manifests: tuple[str, ...] = ()
    """Files that decide how the environment is built, relative to the repository, sorted."""
    groups: tuple[Group, ...] = ()
    """What the tests need beside the project itself, in the order of installation."""
    source: str = ""
    """Directory that goes on the import path, `src` or empty for the root."""
    pytest: Pytest = field(default_factory=Pytest)
    test_files: tuple[str, ...] = ()
    """Files that hold tests, sorted."""
    unconventional: bool = False
    """Whether the test files have names that pytest does not look for, so that it must be given them."""
    released: bool = False
    """Whether a PKG-INFO lies in the root, so that the version is known without git."""
    override: Override = field(default_factory=Override)
    wanted: Wanted = field(default_factory=Wanted)
    native: tuple[str, ...] = ()
    """Languages of its own that must be compiled: `c`, `c++`, `fortran`, `cython`, `rust`."""
    build_requires: tuple[str, ...] = ()
    """Requirements of its build, as far as they are known."""
    services: tuple[Wished, ...] = ()
    """Servers that its tests need."""
    runner: Runner = "pytest"
