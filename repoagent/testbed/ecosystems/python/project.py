"""A Python project as its manifests describe it: how it is packaged, what its tests need and how they are run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from repoagent.testbed.ecosystems.python.pythons import PythonRequirement
from repoagent.testbed.override import Override
from repoagent.testbed.services import ServiceRequest

Packager = Literal["pyproject", "setup.py", "setup.cfg", "none"]
RunnerName = Literal["pytest", "django"]

DEFAULT_PATTERNS = ("test_*.py", "*_test.py")
"""File names that pytest takes for tests unless the project says otherwise."""


@dataclass(frozen=True)
class RequirementGroup:
    """Requirements that are installed in one step, which may fail without failing the build."""

    name: str
    """For the log: `extra test`, `file requirements-dev.txt`, …"""
    command: tuple[str, ...]
    """A function of `build.sh`, and what it is given."""


@dataclass(frozen=True)
class PytestConfig:
    """What the project's own pytest configuration says."""

    testpaths: tuple[str, ...] = ()
    patterns: tuple[str, ...] = DEFAULT_PATTERNS
    addopts: tuple[str, ...] = ()


@dataclass(frozen=True)
class PythonProject:
    """A Python project as its manifests describe it."""

    packager: Packager
    manifests: tuple[str, ...] = ()
    """Files that decide how the environment is built, relative to the repository, sorted."""
    groups: tuple[RequirementGroup, ...] = ()
    """What the tests need beside the project itself, in the order of installation."""
    source: str = ""
    """Directory that goes on the import path, `src` or empty for the root."""
    pytest: PytestConfig = field(default_factory=PytestConfig)
    test_files: tuple[str, ...] = ()
    """Files that hold tests, sorted."""
    unconventional: bool = False
    """Whether the test files have names that pytest does not look for, so that it must be given them."""
    released: bool = False
    """Whether a PKG-INFO lies in the root, so that the version is known without git."""
    override: Override = field(default_factory=Override)
    python: PythonRequirement = field(default_factory=PythonRequirement)
    native: tuple[str, ...] = ()
    """Languages of its own that must be compiled: `c`, `c++`, `fortran`, `cython`, `rust`."""
    build_requires: tuple[str, ...] = ()
    """Requirements of its build, as far as they are known."""
    services: tuple[ServiceRequest, ...] = ()
    """Servers that its tests need."""
    runner: RunnerName = "pytest"
