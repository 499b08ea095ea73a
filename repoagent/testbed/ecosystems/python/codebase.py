"""Python: what its manifests, build plans and test runners say, in the form that all languages have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from repoagent.testbed.checks import ProjectCheck
from repoagent.testbed.ecosystems.base import Codebase
from repoagent.testbed.ecosystems.python.detect import detect_project
from repoagent.testbed.ecosystems.python.django_runner import DjangoRunner
from repoagent.testbed.ecosystems.python.plans import plan_python_builds
from repoagent.testbed.ecosystems.python.project import PythonProject
from repoagent.testbed.ecosystems.python.pytest_runner import PytestRunner
from repoagent.testbed.override import Override
from repoagent.testbed.reading import get_table
from repoagent.testbed.running.base import IN_VENV, SuiteRunner
from repoagent.testbed.tree import Tree


def find(tree: Tree, override: Override) -> Codebase:
    """Describe any repository as a Python project; where no manifest says that it is one, other languages go first."""
    project = replace(detect_project(tree.root), override=override)
    return Codebase(
        language="python",
        plan_builds=lambda origin, available: plan_python_builds(project, tree.root, origin, available),
        runner=_choose_runner(project),
        tool=project.runner,
        command="python tests/runtests.py" if project.runner == "django" else "python -m pytest",
        test_files=project.test_files,
        declared=project.packager != "none" or bool(tree.find_matching("requirements*.txt", "tox.ini", "pytest.ini")),
        override=override,
        checks=tuple(_list_checks(tree)),
        entry=IN_VENV,
        packager=project.packager,
        needs=tuple(group.name for group in project.groups),
    )


def _choose_runner(project: PythonProject) -> SuiteRunner:
    return DjangoRunner() if project.runner == "django" else PytestRunner(project)


def _list_checks(tree: Tree) -> Iterator[ProjectCheck]:
    """List the checks of tools that have settings in the repository; a project without settings does not use them."""
    tools = get_table(tree.read_toml("pyproject.toml"), "tool")
    sections = "\n".join(tree.read_text(name) for name in ("setup.cfg", "tox.ini", ".flake8"))
    if "mypy" in tools or tree.find_first("mypy.ini", ".mypy.ini") or "\n[mypy]" in f"\n{sections}":
        given = (
            ""
            if get_table(tools, "mypy").get("files") or "\nfiles" in tree.read_text("mypy.ini")
            else f" {_list_packages(tree)}"
        )
        yield _make_tool_check(
            "mypy", f"mypy --no-error-summary --no-color-output --python-executable $VIRTUAL_ENV/bin/python{given}"
        )
    if "ruff" in tools or tree.find_first("ruff.toml", ".ruff.toml"):
        yield _make_tool_check("ruff", "ruff check --quiet --no-cache --output-format concise .")
    if "\n[flake8]" in f"\n{sections}":
        yield _make_tool_check("flake8", "flake8 .")


def _list_packages(tree: Tree) -> str:
    inits = [f.split("/") for f in tree.find_matching("*/__init__.py")]
    tops = {parts[0] for parts in inits if len(parts) == 2} | {"src" for parts in inits if parts[0] == "src"}
    named = sorted(name for name in tops - {"tests", "test", "docs", "examples"} if name.isidentifier())
    return " ".join(named) or "."


def _make_tool_check(name: str, command: str) -> ProjectCheck:
    """Make a check whose tool is installed beside the environment: its requirements are not the project's."""
    options = f'--quiet --python "$venv/bin/python" ${{as_of:+--exclude-newer "$as_of"}} {name}'
    folders = 'UV_TOOL_DIR=/opt/environment/tools UV_TOOL_BIN_DIR="$venv/bin" UV_CACHE_DIR=/opt/environment/.packages'
    install = f'[ -x "$venv/bin/{name}" ] || optional {name} env {folders} /opt/uv tool install {options}'
    return ProjectCheck(name, command, f"{install}; rm -rf /opt/environment/.packages")
