"""The build script: what it depends on, and that nothing of the repository can slip into the shell."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from repoagent.testbed.detect import detect
from repoagent.testbed.options import kept_options
from repoagent.testbed.probe import missing_modules
from repoagent.testbed.project import Group, Override, Project
from repoagent.testbed.recipe import recipe

REPOSITORIES = Path(__file__).parents[1] / "repositories"


@pytest.fixture
def classic(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REPOSITORIES / "classic", tmp_path / "classic"))


def key(root: Path, version: str = "1") -> str:
    return recipe(detect(root), root, version).key


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
    ("given", "used"), [("v1.2.3", "1.2.3"), ("2.0rc1", "2.0rc1"), ("", "0.0.0"), ("$(id)", "0.0.0"), ("1;id", "0.0.0")]
)
def test_only_a_version_gets_into_the_script(given: str, used: str) -> None:
    root = REPOSITORIES / "unit"
    assert f"export SETUPTOOLS_SCM_PRETEND_VERSION={used}\n" in recipe(detect(root), root, given).script


def test_hostile_names_are_quoted(tmp_path: Path) -> None:
    project = Project("none", groups=(Group("file $(touch a)", ("-r", "$(touch b); touch c")),))
    script = recipe(project, tmp_path).script
    assert "optional 'file $(touch a)' pip_install -r '$(touch b); touch c'\n" in script


def test_the_repository_s_build_commands_replace_the_steps(tmp_path: Path) -> None:
    script = recipe(Project("pyproject", override=Override(build=("make 'all'",))), tmp_path).script
    assert """sh -c 'make '"'"'all'"'"''\n""" in script
    assert "\ninstall_project " not in script


@pytest.mark.parametrize("name", ["classic", "modern", "unit", "broken", "crashing"])
def test_the_script_is_posix_shell(name: str) -> None:
    script = recipe(detect(REPOSITORIES / name), REPOSITORIES / name).script
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
    ],
)
def test_options_without_which_nothing_is_found_are_kept(addopts: tuple[str, ...], kept: tuple[str, ...]) -> None:
    assert kept_options(addopts) == kept


def test_missing_modules_are_read_from_the_log() -> None:
    plugin = "ImportError: Error importing plugin \"a\": No module named 'x'"
    log = f"E   ModuleNotFoundError: No module named 'yaml.nodes'\n{plugin}"
    assert missing_modules(log) == {"yaml", "x"}
