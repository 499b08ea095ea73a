"""The wheel: what is in it, and that it works without the checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROMPTS = ("infill", "retry", "rewrite", "specify")
WANTED = [
    "repoagent/__main__.py",
    "repoagent/llm/profiles.toml",
    "repoagent/llm/local/catalogue.toml",
    "repoagent/index/reading/queries/python.values.scm",
    "repoagent/testbed/ecosystems/python/build.sh",
    "repoagent/testbed/ecosystems/python/probe.py",
    "repoagent/py.typed",
    "repoagent_tools/__init__.py",
    "repoagent_tools/find.py",
    *(f"repoagent_prompts/{name}.md.j2" for name in PROMPTS),
]
USE = """
import sys
sys.path[:0] = [sys.argv[1]]
sys.path.append(sys.argv[2])
from pathlib import Path
import repoagent, repoagent_prompts, repoagent_tools
from repoagent.llm.profiles import find_profile
from repoagent.prompting import Specify, render
from repoagent.testbed.ecosystems.python.detect import detect_project
from repoagent.testbed.ecosystems.python.plans import plan_python_builds
from repoagent.testbed.build_plan import CommitInfo
from repoagent.toolbox import gather_tools

for module in (repoagent, repoagent_tools, repoagent_prompts):
    assert module.__file__.startswith(sys.argv[1]), module.__file__
here = Path(sys.argv[1])
print(find_profile("qwen2.5-coder-1.5b").id)
print("the issue" in render(Specify(issue="the issue", path="a.py", symbol="f", source="", fence="")))
(way,) = plan_python_builds(detect_project(here / "repoagent_prompts"), here, CommitInfo(), ("3.11",))
print(len(way.recipe.script) > 500)
print("find_symbol" in gather_tools(installed=()))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    _pip("wheel", str(ROOT), "--no-build-isolation", "-w", str(folder))
    [built] = folder.glob("*.whl")
    return built


def test_the_wheel_holds_all_that_is_read_at_run_time(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in WANTED if name not in names] == []


def test_the_wheel_holds_every_resource_of_the_checkout(wheel: Path) -> None:
    packages = [ROOT / "repoagent", ROOT / "tools/repoagent_tools", ROOT / "prompts/repoagent_prompts"]
    files = [(package, path) for package in packages for path in package.rglob("*") if path.is_file()]
    expected = {
        path.relative_to(package.parent).as_posix()
        for package, path in files
        if "__pycache__" not in path.parts and path.suffix != ".pyc"
    }
    assert expected - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "repoagent",
        "repoagent_tools",
        "repoagent_prompts",
    }


def test_an_installed_wheel_works_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    _pip("install", str(wheel), "--target", str(target))
    command = (sys.executable, "-I", "-S", "-c", USE, str(target), sysconfig.get_path("purelib"))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["qwen2.5-coder-1.5b", "True", "True", "True"]


def _pip(command: str, *arguments: str) -> None:
    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-index")
    done = subprocess.run(
        (sys.executable, "-m", "pip", command, *quiet, *arguments), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
