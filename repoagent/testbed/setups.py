"""Write the script that builds a project's test environment inside a sandbox."""

from __future__ import annotations

import hashlib
import re
import shlex
import sys
from importlib.resources import files
from pathlib import Path

from repoagent.sandbox.base import ENVIRONMENT, REPOSITORY, Recipe
from repoagent.testbed.options import kept_options
from repoagent.testbed.project import Project

PYTHON = f"{ENVIRONMENT}/venv/bin/python"
"""The interpreter of a built environment, inside every sandbox."""

_VERSION = re.compile(r"[vV]?(\d+(\.\d+)*([.-]?(a|b|rc|dev|post)\d*)*(\+[\w.]+)?)")
_VERSION_VARIABLES = (
    "SETUPTOOLS_SCM_PRETEND_VERSION",
    "PBR_VERSION",
    "PDM_BUILD_SCM_VERSION",
    "POETRY_DYNAMIC_VERSIONING_BYPASS",
    "UV_DYNAMIC_VERSIONING_BYPASS",
)
"""What the build tools that take the version from git read instead; the sandbox's copy may have no history."""


def recipe(project: Project, root: Path, version: str = "") -> Recipe:
    """How the environment for the project in `root` is made.

    `version` stands in for one that the build would take from git. The key depends on the manifests, the script and
    this Python's version: an edit to a source file does not change it.
    """
    script = "\n".join([_resource("build.sh"), *_version(project, version), *_steps(project), *_probe(project)]) + "\n"
    return Recipe(_key(project, root, script), script)


def _version(project: Project, version: str) -> list[str]:
    if project.released:
        return []
    match = _VERSION.fullmatch(version.strip())
    return [f"export {name}={match[1] if match else '0.0.0'}" for name in _VERSION_VARIABLES]


def _steps(project: Project) -> list[str]:
    if project.override.build:
        commands = (shlex.quote(command) for command in project.override.build)
        return [f"needed {shlex.quote('command of the repository')} sh -c {command}" for command in commands]
    source = f"{REPOSITORY}/{project.source}".rstrip("/")
    first = f"path_to {source}" if project.packager == "none" else f"install_project {source}"
    return [first, *(_step(g.name, g.arguments) for g in project.groups)]


def _step(name: str, arguments: tuple[str, ...]) -> str:
    return f"optional {shlex.quote(name)} pip_install {shlex.join(arguments)}"


def _probe(project: Project) -> list[str]:
    """The probe is written beside the environment, run, and left there for who wants to know how it was made."""
    path = f"{ENVIRONMENT}/probe.py"
    given = project.test_files if project.unconventional else ()
    options = shlex.join([*kept_options(project.pytest.addopts), *given])
    return [
        f"cat >{path} <<'END_OF_PROBE'",
        _resource("probe.py") + "END_OF_PROBE",
        f"optional 'collecting the tests' {PYTHON} {path} {options}",
        f'{PYTHON} -c "import pytest"',
    ]


def _resource(name: str) -> str:
    return files("repoagent.testbed").joinpath(name).read_text(encoding="utf-8")


def _key(project: Project, root: Path, script: str) -> str:
    digest = hashlib.sha256(f"{sys.version_info.major}.{sys.version_info.minor}\n{script}".encode())
    for name in project.manifests:
        path = root / name
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:32]
