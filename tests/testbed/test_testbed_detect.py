"""What is read from manifests, and that none of them is executed."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoagent.errors import UserError
from repoagent.testbed.ecosystems.python.detect import detect_project
from repoagent.testbed.ecosystems.python.manifests import read_setup_arguments
from repoagent.testbed.override import Override, parse_override

REPOSITORIES = Path(__file__).parents[1] / "repositories"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_setup_py_is_read_as_text() -> None:
    project = detect_project(REPOSITORIES / "classic")
    assert project.packager == "setup.py"
    assert [g.name for g in project.groups] == ["extra test", "tests_require"]
    assert project.groups[1].command == ("install", "toml")
    assert project.pytest.addopts == ("--cov=shop", "-n", "4")
    assert project.test_files == ("tests/test_shop.py",)


def test_a_source_layout_with_extras_and_groups() -> None:
    project = detect_project(REPOSITORIES / "modern")
    assert (project.packager, project.source) == ("pyproject", "src")
    assert {g.name: g.command for g in project.groups} == {
        "extra tests": ("install_extra", "tests"),
        "group test": ("install", "tomli", "typing-extensions>=4"),
    }


def test_tests_with_an_unusual_name_are_found() -> None:
    project = detect_project(REPOSITORIES / "unit")
    assert (project.packager, project.test_files, project.unconventional) == ("none", ("test.py",), True)


def test_a_setup_py_that_would_end_the_program_does_not() -> None:
    assert detect_project(REPOSITORIES / "broken").packager == "setup.py"


FOR_TESTS = {
    "requirements-test.txt": "file requirements-test.txt",
    "test-requirements.txt": "file test-requirements.txt",
    "requirements/tests.txt": "file requirements/tests.txt",
    "requirements/dev.txt": "file requirements/dev.txt",
    "dev-requirements.txt": "file dev-requirements.txt",
    "tests/requirements.txt": "file tests/requirements.txt",
    "requirements.txt": "file requirements.txt",
}


@pytest.mark.parametrize(("path", "name"), FOR_TESTS.items())
def test_requirement_files_for_tests_are_found(path: str, name: str, tmp_path: Path) -> None:
    assert [g.name for g in detect_project(write(tmp_path, {path: "x"})).groups] == [name]


@pytest.mark.parametrize("path", ["docs/requirements.txt", "requirements-docs.txt", "requirements/lint.txt"])
def test_requirement_files_for_other_things_are_not(path: str, tmp_path: Path) -> None:
    assert detect_project(write(tmp_path, {path: "x"})).groups == ()


def test_what_is_for_developers_counts_only_without_anything_for_tests(tmp_path: Path) -> None:
    root = write(tmp_path, {"setup.cfg": "[options.extras_require]\ndev = black\n"})
    assert [g.name for g in detect_project(root).groups] == ["extra dev"]
    write(root, {"requirements-test.txt": "x"})
    assert [g.name for g in detect_project(root).groups] == ["file requirements-test.txt"]


def test_simple_dependencies_of_tox_are_taken(tmp_path: Path) -> None:
    tox = "[testenv]\ndeps =\n    hypothesis\n    mock>=2\n    -rreq.txt\n    py27: enum34\n    {[base]deps}\n    git+https://x/y\n"
    assert detect_project(write(tmp_path, {"tox.ini": tox})).groups[0].command == ("install", "hypothesis", "mock>=2")


def test_poetry_groups_are_known(tmp_path: Path) -> None:
    text = '[tool.poetry]\nname = "x"\n[tool.poetry.group.test.dependencies]\nfreezegun = "*"\n'
    project = detect_project(write(tmp_path, {"pyproject.toml": text}))
    assert project.packager == "pyproject"
    assert project.groups[0].command == ("install", "freezegun")


def test_groups_that_include_each_other_end(tmp_path: Path) -> None:
    text = '[dependency-groups]\ntest = ["a", {include-group = "more"}]\nmore = ["b", {include-group = "test"}]\n'
    assert detect_project(write(tmp_path, {"pyproject.toml": text})).groups[0].command == ("install", "a", "b")


PYTEST = {
    "pytest.ini": "[pytest]\ntestpaths = checks\n",
    "tox.ini": "[pytest]\ntestpaths = checks\n",
    "setup.cfg": "[tool:pytest]\ntestpaths = checks\n",
    "pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = ["checks"]\n',
}


@pytest.mark.parametrize(("name", "text"), PYTEST.items())
def test_test_directories_are_read_where_pytest_reads_them(name: str, text: str, tmp_path: Path) -> None:
    root = write(tmp_path, {name: text, "checks/test_a.py": "", "old/test_b.py": ""})
    assert detect_project(root).test_files == ("checks/test_a.py",)


def test_the_patterns_of_the_project_decide(tmp_path: Path) -> None:
    root = write(tmp_path, {"pytest.ini": "[pytest]\npython_files = check_*.py\n", "check_a.py": "", "test_b.py": ""})
    assert detect_project(root).test_files == ("check_a.py",)


@pytest.mark.parametrize("name", ["pyproject.toml", "setup.cfg", "tox.ini", "setup.py", "pytest.ini"])
@pytest.mark.parametrize("content", [b"\x00\xff", b"[" * 5000, b"a = " + b"[" * 50_000])
def test_garbage_counts_as_empty(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert detect_project(tmp_path).groups == ()


def test_a_manifest_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("[metadata]\n[options.extras_require]\ntest = x\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / "setup.cfg").symlink_to(tmp_path / "secret")
    assert detect_project(root).groups == ()


def test_names_in_a_setup_py_are_looked_up() -> None:
    source = (
        "from setuptools import setup\nT = ['a']\nsetup(extras_require={'test': T, 'x': open('f').read()}, version=v())"
    )
    assert read_setup_arguments(source) == {"extras_require": {"test": ["a"], "x": None}}


def test_an_extra_with_a_shell_in_its_name_is_ignored(tmp_path: Path) -> None:
    text = '[project]\nname = "x"\n[project.optional-dependencies]\n"test]; rm -rf ~ [" = ["a"]\n'
    assert detect_project(write(tmp_path, {"pyproject.toml": text})).groups == ()


def test_the_repository_may_name_build_and_test_commands() -> None:
    text = 'python = "3.9"\npackages = ["libpq-dev"]\nbuild = ["make"]\ntest = "make check"\n'
    assert parse_override(text) == Override("3.9", ("libpq-dev",), ("make",), "make check")
    assert parse_override("") == Override()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('model = "mine"\n', "model"),
        ('sandbox = "none"\n', "sandbox"),
        ('packages = ["-o Dir=/"]\n', "packages"),
        ('python = "3.9; id"\n', "python"),
        ("[network]\nopen = true\n", "network"),
        ("build = 'make'\n", "build"),
        ("test = ['a']\n", "test"),
        ("build = [\n", "TOML"),
    ],
)
def test_the_repository_may_set_nothing_else(text: str, named: str) -> None:
    with pytest.raises(UserError, match=named):
        parse_override(text)
