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
from repoagent.testbed.build_plan import BuildPlan, CommitInfo, make_recipe, read_resource
from repoagent.testbed.ecosystems.python.project import PythonProject
from repoagent.testbed.ecosystems.python.pytest_options import select_options
from repoagent.testbed.ecosystems.python.pythons import rank_pythons
from repoagent.testbed.own_image import choose_base, explain_image, list_image_steps
from repoagent.testbed.services import list_packages

PYTHON = f"{ENVIRONMENT}/venv/bin/python"
"""The interpreter of a built environment, inside every sandbox."""

REPORTER = "repoagent_reporter"
"""Name of the pytest plug-in that every environment has beside the project's packages; see `reporter`."""

MAX_PLANS = 4
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


def plan_python_builds(
    project: PythonProject, root: Path, origin: CommitInfo, available: Sequence[str]
) -> tuple[BuildPlan, ...]:
    """Plan builds of the project in `root` with the Pythons in `available`, the most promising plan first.

    Old code gets the packages of its day, and at last those of today. The key of a recipe depends on the manifests and
    on the script: an edit to a source file does not change it.
    """
    found = [
        _plan_build(project, root, origin, python, dated)
        for python, dated in _choose_attempts(project, origin, available)
    ]
    found = found[:MAX_PLANS]
    if any(not wish.declared for wish in project.services):
        alone = replace(project, services=tuple(wish for wish in project.services if wish.declared))
        python, dated = next(_choose_attempts(project, origin, available))
        found.append(_plan_build(alone, root, origin, python, dated))
    return tuple(found)


def _choose_attempts(
    project: PythonProject, origin: CommitInfo, available: Sequence[str]
) -> Iterator[tuple[str, bool]]:
    """Choose pairs of a Python, and whether packages are taken as of the day of the commit."""
    if project.override.inherited_image:
        yield available[0], False
        return
    if project.override.python:
        pythons: tuple[str, ...] = (project.override.python,)
    else:
        pythons = rank_pythons(project.python, available, origin.committed.date())
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


def _plan_build(project: PythonProject, root: Path, origin: CommitInfo, python: str, dated: bool) -> BuildPlan:
    # Two days later than the commit: a release of the same day may be what the commit was made for.
    day = str(origin.committed.date() + timedelta(days=2)) if dated else ""
    as_of = f"{day}T00:00:00Z" if day else ""
    script = "\n".join(
        [
            _set_interpreter(project, python, as_of),
            read_resource("steps.sh"),
            read_resource("ecosystems/python/build.sh"),
            *_export_version(project, origin.version),
            *_list_steps(project),
            *_write_probe(project),
        ]
    )
    base = choose_base(project.override, python, _list_packages(project, python))
    made = make_recipe("python", root, project.manifests, base, script + "\n")
    name = f"Python {python}" + (f", packages as of {day}" if dated else "")
    if project.override.inherited_image:
        return BuildPlan(
            f"the Python of {project.override.inherited_image}", made, (explain_image(project.override),), ()
        )
    return BuildPlan(name, made, tuple(_list_reasons(project, origin, python, dated)), _list_compilers(python))


def _list_reasons(project: PythonProject, origin: CommitInfo, python: str, dated: bool) -> Iterator[str]:
    wanted = project.python
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


def _set_interpreter(project: PythonProject, python: str, as_of: str) -> str:
    """Set the variables that the build begins with; `inherit` makes it use what an image has instead of installing."""
    if not project.override.inherited_image:
        return f"python=python{python} as_of={as_of} inherit="
    search = f'PATH="$(cat {SEARCH_PATH}):$PATH"'
    missing = "{ echo 'repoagent: the image has no python3 in its PATH: name one that has'; exit 1; }"
    return f"{search}; python=$(command -v python3) as_of= inherit=yes || {missing}"


def _list_packages(project: PythonProject, python: str) -> tuple[str, ...]:
    found = [*project.override.packages, *list_packages(project.services)]
    if project.override.inherited_image:
        return tuple(dict.fromkeys(found))
    if project.native:
        found += _list_compilers(python)
        found += ["gfortran"] if "fortran" in project.native else []
        found += ["cargo", "rustc"] if "rust" in project.native else []
    return tuple(dict.fromkeys(found))


def _list_compilers(python: str) -> tuple[str, ...]:
    return "build-essential", "pkg-config", f"python{python}-dev"


def _export_version(project: PythonProject, version: str) -> list[str]:
    if project.released:
        return []
    match = _VERSION.match(version.strip())
    return [f"export {name}={match[1] if match else '0.0.0'}" for name in _VERSION_VARIABLES]


def _list_steps(project: PythonProject) -> list[str]:
    if project.override.build:
        commands = (shlex.quote(command) for command in project.override.build)
        return [f"needed {shlex.quote('command of the repository')} sh -c {command}" for command in commands]
    source = f"{REPOSITORY}/{project.source}".rstrip("/")
    if project.override.inherited_image:
        return [f"path_to {source}", *list_image_steps(project.override)]
    install = shlex.join(("install_project", source, *project.build_requires))
    first = f"path_to {source}" if project.packager == "none" else install
    return [first, *(f"optional {shlex.quote(g.name)} {shlex.join(g.command)}" for g in project.groups)]


def _write_probe(project: PythonProject) -> list[str]:
    """The probe is written beside the environment, run, and left there for who wants to know how it was made."""
    path = f"{ENVIRONMENT}/probe.py"
    given = project.test_files if project.unconventional else ()
    options = shlex.join([*select_options(project.pytest.addopts), *given])
    collecting = f"optional 'collecting the tests' {PYTHON} {path} {options}"
    return [
        f"cat >{path} <<'END_OF_PROBE'",
        read_resource("ecosystems/python/probe.py") + "END_OF_PROBE",
        f"cat >\"$(site_packages)/{REPORTER}.py\" <<'END_OF_REPORTER'",
        read_resource("ecosystems/python/reporter.py") + "END_OF_REPORTER",
        *([] if project.runner == "django" else [f'export AS_OF="$as_of"; {collecting}']),
        'rm -rf "$UV_CACHE_DIR"',
        f'{PYTHON} -c "import pytest"',
    ]
