"""Plan how a Python project may be built and tested, the most promising plan first."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from repoagent.sandbox.base import ENVIRONMENT, REPOSITORY, SEARCH_PATH
from repoagent.testbed.age import is_old
from repoagent.testbed.options import kept_options
from repoagent.testbed.own_image import base_of, steps_of, why_inherited
from repoagent.testbed.project import Project
from repoagent.testbed.pythons import choose
from repoagent.testbed.services import packages
from repoagent.testbed.ways import Origin, Setup, recipe, resource

PYTHON = f"{ENVIRONMENT}/venv/bin/python"
"""The interpreter of a built environment, inside every sandbox."""

REPORTER = "repoagent_reporter"
"""Name of the pytest plug-in that every environment has beside the project's packages; see `reporter`."""

MOST = 4
"""Plans that are tried."""

_VERSION = re.compile(r"[vV]?(\d+(\.\d+)*([.-]?(a|b|rc|dev|post)\d*)*(\+[\w.]+)?)")
_VERSION_VARIABLES = (
    "SETUPTOOLS_SCM_PRETEND_VERSION",
    "PBR_VERSION",
    "PDM_BUILD_SCM_VERSION",
    "POETRY_DYNAMIC_VERSIONING_BYPASS",
    "UV_DYNAMIC_VERSIONING_BYPASS",
)
"""What the build tools that take the version from git read instead; the sandbox's copy may have no history."""


def setups(project: Project, root: Path, origin: Origin, available: Sequence[str]) -> tuple[Setup, ...]:
    """Plan builds of the project in `root` with the Pythons in `available`, the most promising plan first.

    Old code gets the packages of its day, and at last those of today. The key of a recipe depends on the manifests and
    on the script: an edit to a source file does not change it.
    """
    found = [_setup(project, root, origin, python, dated) for python, dated in _tried(project, origin, available)]
    found = found[:MOST]
    if any(not wish.declared for wish in project.services):
        alone = replace(project, services=tuple(wish for wish in project.services if wish.declared))
        python, dated = next(_tried(project, origin, available))
        found.append(_setup(alone, root, origin, python, dated))
    return tuple(found)


def _tried(project: Project, origin: Origin, available: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Choose pairs of a Python, and whether packages are taken as of the day of the commit."""
    if project.override.inherits:
        yield available[0], False
        return
    if project.override.python:
        pythons: tuple[str, ...] = (project.override.python,)
    else:
        pythons = choose(project.wanted, available, origin.committed.date())
    dated = is_old(origin.committed.date()) and not project.override.build
    yield pythons[0], dated
    if project.override.build:
        return
    if len(pythons) > 1:
        yield pythons[1], dated
    if dated:
        yield pythons[0], False
        if len(pythons) > 2:
            yield pythons[2], dated


def _setup(project: Project, root: Path, origin: Origin, python: str, dated: bool) -> Setup:
    # Two days later than the commit: a release of the same day may be what the commit was made for.
    day = str(origin.committed.date() + timedelta(days=2)) if dated else ""
    as_of = f"{day}T00:00:00Z" if day else ""
    script = "\n".join(
        [
            _interpreter(project, python, as_of),
            resource("steps.sh"),
            resource("ecosystems/python/build.sh"),
            *_version(project, origin.version),
            *_steps(project),
            *_probe(project),
        ]
    )
    base = base_of(project.override, python, _packages(project, python))
    made = recipe("python", root, project.manifests, base, script + "\n")
    name = f"Python {python}" + (f", packages as of {day}" if dated else "")
    if project.override.inherits:
        return Setup(f"the Python of {project.override.inherits}", made, (why_inherited(project.override),), ())
    return Setup(name, made, tuple(_reasons(project, origin, python, dated)), _compilers(python))


def _reasons(project: Project, origin: Origin, python: str, dated: bool) -> Iterator[str]:
    wanted = project.wanted
    if project.override.python:
        yield f".repoagent.toml asks for Python {python}"
    elif wanted.requires:
        yield f"the project requires Python {wanted.requires}"
    if python in wanted.named:
        yield f"it names Python {python} among those it works with"
    if dated:
        yield f"it was committed on {origin.committed.date()}: later releases of its dependencies may break it"
    if project.native:
        yield f"it has sources in {', '.join(project.native)}, so compilers are installed"
    yield f"it is packaged by {project.packager}" if project.packager != "none" else "no manifest says how to build it"
    yield from (f"its tests need {group.name}" for group in project.groups)
    yield from (f"its tests need {wish.name}, started beside them" for wish in project.services)


def _interpreter(project: Project, python: str, as_of: str) -> str:
    """Set the variables that the build begins with; `inherit` makes it use what an image has instead of installing."""
    if not project.override.inherits:
        return f"python=python{python} as_of={as_of} inherit="
    search = f'PATH="$(cat {SEARCH_PATH}):$PATH"'
    missing = "{ echo 'repoagent: the image has no python3 in its PATH: name one that has'; exit 1; }"
    return f"{search}; python=$(command -v python3) as_of= inherit=yes || {missing}"


def _packages(project: Project, python: str) -> tuple[str, ...]:
    found = [*project.override.packages, *packages(project.services)]
    if project.override.inherits:
        return tuple(dict.fromkeys(found))
    if project.native:
        found += _compilers(python)
        found += ["gfortran"] if "fortran" in project.native else []
        found += ["cargo", "rustc"] if "rust" in project.native else []
    return tuple(dict.fromkeys(found))


def _compilers(python: str) -> tuple[str, ...]:
    return "build-essential", "pkg-config", f"python{python}-dev"


def _version(project: Project, version: str) -> list[str]:
    if project.released:
        return []
    match = _VERSION.match(version.strip())
    return [f"export {name}={match[1] if match else '0.0.0'}" for name in _VERSION_VARIABLES]


def _steps(project: Project) -> list[str]:
    if project.override.build:
        commands = (shlex.quote(command) for command in project.override.build)
        return [f"needed {shlex.quote('command of the repository')} sh -c {command}" for command in commands]
    source = f"{REPOSITORY}/{project.source}".rstrip("/")
    if project.override.inherits:
        return [f"path_to {source}", *steps_of(project.override)]
    install = shlex.join(("install_project", source, *project.build_requires))
    first = f"path_to {source}" if project.packager == "none" else install
    return [first, *(f"optional {shlex.quote(g.name)} {shlex.join(g.command)}" for g in project.groups)]


def _probe(project: Project) -> list[str]:
    """The probe is written beside the environment, run, and left there for who wants to know how it was made."""
    path = f"{ENVIRONMENT}/probe.py"
    given = project.test_files if project.unconventional else ()
    options = shlex.join([*kept_options(project.pytest.addopts), *given])
    collecting = f"optional 'collecting the tests' {PYTHON} {path} {options}"
    return [
        f"cat >{path} <<'END_OF_PROBE'",
        resource("probe.py") + "END_OF_PROBE",
        f"cat >\"$(site_packages)/{REPORTER}.py\" <<'END_OF_REPORTER'",
        resource("reporter.py") + "END_OF_REPORTER",
        *([] if project.runner == "django" else [f'export AS_OF="$as_of"; {collecting}']),
        'rm -rf "$UV_CACHE_DIR"',
        f'{PYTHON} -c "import pytest"',
    ]
