"""Python: what its manifests, build plans and test runners say, in the form that all languages have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from repoagent.testbed.checks import Check
from repoagent.testbed.detect import detect
from repoagent.testbed.ecosystems.base import Codebase
from repoagent.testbed.override import Override
from repoagent.testbed.project import Project
from repoagent.testbed.reading import table
from repoagent.testbed.running.base import IN_VENV, Runner
from repoagent.testbed.running.django import Django
from repoagent.testbed.running.pytest import Pytest
from repoagent.testbed.setups import setups
from repoagent.testbed.tree import Tree


def find(tree: Tree, override: Override) -> Codebase:
    """Describe any repository as a Python project; where no manifest says that it is one, other languages go first."""
    project = replace(detect(tree.root), override=override)
    return Codebase(
        language="python",
        ways=lambda origin, available: setups(project, tree.root, origin, available),
        runner=_runner(project),
        tool=project.runner,
        command="python tests/runtests.py" if project.runner == "django" else "python -m pytest",
        test_files=project.test_files,
        declared=project.packager != "none" or bool(tree.matching("requirements*.txt", "tox.ini", "pytest.ini")),
        override=override,
        checks=tuple(_checks(tree)),
        entry=IN_VENV,
        packager=project.packager,
        needs=tuple(group.name for group in project.groups),
    )


def _runner(project: Project) -> Runner:
    return Django() if project.runner == "django" else Pytest(project)


def _checks(tree: Tree) -> Iterator[Check]:
    """List the checks of tools that have settings in the repository; a project without settings does not use them."""
    tools = table(tree.toml("pyproject.toml"), "tool")
    sections = "\n".join(tree.text(name) for name in ("setup.cfg", "tox.ini", ".flake8"))
    if "mypy" in tools or tree.first("mypy.ini", ".mypy.ini") or "\n[mypy]" in f"\n{sections}":
        given = "" if table(tools, "mypy").get("files") or "\nfiles" in tree.text("mypy.ini") else f" {_packages(tree)}"
        yield _tool(
            "mypy", f"mypy --no-error-summary --no-color-output --python-executable $VIRTUAL_ENV/bin/python{given}"
        )
    if "ruff" in tools or tree.first("ruff.toml", ".ruff.toml"):
        yield _tool("ruff", "ruff check --quiet --no-cache --output-format concise .")
    if "\n[flake8]" in f"\n{sections}":
        yield _tool("flake8", "flake8 .")


def _packages(tree: Tree) -> str:
    inits = [f.split("/") for f in tree.matching("*/__init__.py")]
    tops = {parts[0] for parts in inits if len(parts) == 2} | {"src" for parts in inits if parts[0] == "src"}
    named = sorted(name for name in tops - {"tests", "test", "docs", "examples"} if name.isidentifier())
    return " ".join(named) or "."


def _tool(name: str, command: str) -> Check:
    """Make a check whose tool is installed beside the environment: its requirements are not the project's."""
    options = f'--quiet --python "$venv/bin/python" ${{as_of:+--exclude-newer "$as_of"}} {name}'
    folders = 'UV_TOOL_DIR=/opt/environment/tools UV_TOOL_BIN_DIR="$venv/bin" UV_CACHE_DIR=/opt/environment/.packages'
    install = f'[ -x "$venv/bin/{name}" ] || optional {name} env {folders} /opt/uv tool install {options}'
    return Check(name, command, f"{install}; rm -rf /opt/environment/.packages")
