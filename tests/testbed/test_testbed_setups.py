"""The ways to build, and their scripts: what they depend on; nothing of the repository slips into the shell."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from repoagent.sandbox.base import Base
from repoagent.testbed.build_plan import BuildPlan, CommitInfo
from repoagent.testbed.ecosystems.python.detect import detect_project
from repoagent.testbed.ecosystems.python.plans import plan_python_builds
from repoagent.testbed.ecosystems.python.probe import distribution, missing_modules
from repoagent.testbed.ecosystems.python.project import PythonProject, RequirementGroup
from repoagent.testbed.ecosystems.python.pytest_options import select_options
from repoagent.testbed.ecosystems.python.pythons import PythonRequirement, find_versions, rank_pythons
from repoagent.testbed.override import Override

REPOSITORIES = Path(__file__).parents[1] / "repositories"


@pytest.fixture
def classic(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REPOSITORIES / "classic", tmp_path / "classic"))


NEVER = CommitInfo().committed
AVAILABLE = ("3.11", "3.9", "3.8")
OLD = datetime(2020, 12, 1, tzinfo=UTC)


def ways(
    root: Path, version: str = "1", project: PythonProject | None = None, committed: datetime = NEVER
) -> list[BuildPlan]:
    return list(plan_python_builds(project or detect_project(root), root, CommitInfo(version, committed), AVAILABLE))


def script_of(root: Path, version: str = "1", project: PythonProject | None = None) -> str:
    return ways(root, version, project)[0].recipe.script


def key(root: Path, version: str = "1") -> str:
    return ways(root, version)[0].recipe.key


def test_an_edit_of_a_source_file_does_not_change_the_key(classic: Path) -> None:
    before = key(classic)
    (classic / "shop.py").write_text("")
    (classic / "new.py").write_text("")
    assert key(classic) == before


@pytest.mark.parametrize("name", ["setup.py", "setup.cfg", "requirements.txt", "pyproject.toml", "tox.ini"])
def test_a_change_of_a_manifest_changes_the_key(name: str, classic: Path) -> None:
    before = key(classic)
    with (classic / name).open("a") as file:
        file.write("\n# changed\n")
    assert key(classic) != before


def test_the_version_is_part_of_the_key_only_where_the_build_asks_for_it(classic: Path) -> None:
    assert key(classic, "1") != key(classic, "2")
    (classic / "PKG-INFO").write_text("Version: 1")
    assert key(classic, "1") == key(classic, "2")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("v1.2.3", "1.2.3"),
        ("2.0rc1", "2.0rc1"),
        ("", "0.0.0"),
        ("$(id)", "0.0.0"),
        ("1;id", "1"),
        ("v4.2-17-gabcdef0", "4.2"),
    ],
)
def test_only_a_version_gets_into_the_script(given: str, used: str) -> None:
    root = REPOSITORIES / "unit"
    assert f"export SETUPTOOLS_SCM_PRETEND_VERSION={used}\n" in script_of(root, given)


def test_hostile_names_are_quoted(tmp_path: Path) -> None:
    project = PythonProject(
        "none", groups=(RequirementGroup("file $(touch a)", ("install_file", "-r", "$(touch b); touch c")),)
    )
    script = script_of(tmp_path, project=project)
    assert "optional 'file $(touch a)' install_file -r '$(touch b); touch c'\n" in script


def test_the_repository_s_build_commands_replace_the_steps(tmp_path: Path) -> None:
    script = script_of(tmp_path, project=PythonProject("pyproject", override=Override(build=("make 'all'",))))
    assert """sh -c 'make '"'"'all'"'"''\n""" in script
    assert "\ninstall_project " not in script


@pytest.mark.parametrize("name", ["classic", "modern", "unit", "broken", "crashing"])
def test_the_script_is_posix_shell(name: str) -> None:
    script = script_of(REPOSITORIES / name)
    done = subprocess.run(["sh", "-n"], input=script.encode(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("addopts", "kept"),
    [
        (("--cov=x", "-n", "4", "-v"), ()),
        (("-p", "plugin", "-v"), ("-p", "plugin")),
        (("-pplugin",), ("-pplugin",)),
        (("--import-mode=importlib", "--cov"), ("--import-mode=importlib",)),
        (("--ds", "site.settings"), ("--ds", "site.settings")),
        (("-m", "not stress", "--ignore=docs"), ("-m", "not stress", "--ignore=docs")),
    ],
)
def test_options_without_which_nothing_is_found_are_kept(addopts: tuple[str, ...], kept: tuple[str, ...]) -> None:
    assert select_options(addopts) == kept


def test_a_plug_in_of_pytest_is_installed_by_its_own_name() -> None:
    log = "Error importing plugin \"instafail\": No module named 'instafail'"
    assert distribution("instafail", log) == "pytest-instafail"
    assert distribution("yaml", log) == "pyyaml"
    assert distribution("requests", log) == "requests"


def test_missing_modules_are_read_from_the_log() -> None:
    plugin = "ImportError: Error importing plugin \"a\": No module named 'x'"
    log = f"E   ModuleNotFoundError: No module named 'yaml.nodes'\n{plugin}"
    assert missing_modules(log) == {"yaml", "x"}


# --- which ways are tried ---------------------------------------------------------------------------------------------


def test_code_of_today_gets_the_packages_of_today(classic: Path) -> None:
    names = [way.name for way in ways(classic)]
    assert names == ["Python 3.11", "Python 3.9"]


def test_old_code_gets_the_python_and_the_packages_of_its_day_first(classic: Path) -> None:
    found = ways(classic, committed=OLD)
    assert found[0].name == "Python 3.8, packages as of 2020-12-03"
    assert "as_of=2020-12-03T00:00:00Z" in found[0].recipe.script
    assert any("packages as of" not in way.name for way in found), "the last resort is what there is today"


def test_a_python_that_the_project_refuses_is_not_tried(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nrequires-python = ">=3.8,<3.10"\n')
    assert [way.recipe.base.python for way in ways(tmp_path)] == ["3.9", "3.8"]


def test_a_python_that_the_project_names_goes_first(tmp_path: Path) -> None:
    (tmp_path / ".python-version").write_text("3.9.1\n")
    assert ways(tmp_path)[0].recipe.base.python == "3.9"


def test_the_repository_may_name_its_python_and_its_packages(tmp_path: Path) -> None:
    (tmp_path / ".repoagent.toml").write_text('python = "3.8"\npackages = ["libpq-dev"]\n')
    (way,) = ways(tmp_path)
    assert way.recipe.base == Base("3.8", ("libpq-dev",))


def test_compilers_are_installed_where_something_must_be_compiled(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text("from setuptools import setup, Extension\nimport numpy\n")
    (tmp_path / "fast.c").write_text("")
    way = ways(tmp_path)[0]
    assert way.recipe.base.packages == ("build-essential", "pkg-config", "python3.11-dev")
    assert "install_project /work/repo setuptools wheel numpy\n" in way.recipe.script


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("py37,py38,py310", ("3.7", "3.8", "3.10")),
        ("python-version: ['3.9', 3.12]", ("3.9", "3.12")),
        ("Programming Language :: Python :: 3 :: Only", ()),
        ("1.3.9 and 23.9", ()),
    ],
)
def test_versions_are_found_in_what_projects_write(text: str, found: tuple[str, ...]) -> None:
    assert find_versions(text) == found


@pytest.mark.parametrize("requires", ["not a specifier", ">=4", ""])
def test_there_is_always_a_python(requires: str) -> None:
    assert rank_pythons(PythonRequirement(requires), AVAILABLE, date.max) == AVAILABLE


@pytest.mark.parametrize(
    ("committed", "named", "chosen"),
    [
        (date(2020, 5, 30), ("3.7", "3.8"), "3.8"),  # 229 days old: its own tests are made for it
        (date(2020, 5, 30), ("3.7",), "3.7"),
        (date(2020, 1, 30), ("3.7", "3.8"), "3.7"),  # 108 days old: its packages may have no wheels yet
    ],
)
def test_old_code_gets_a_new_python_earlier_where_it_names_it(
    committed: date, named: tuple[str, ...], chosen: str
) -> None:
    assert rank_pythons(PythonRequirement(named=named), ("3.11", "3.7", "3.8", "3.9"), committed)[0] == chosen
