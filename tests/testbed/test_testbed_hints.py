"""What a project's tests need, found where people and machines are told how to run them."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoagent.testbed.ecosystems.python.detect import detect_project

NOX = """
import nox
raise SystemExit("never run")

@nox.session
def tests(session):
    session.install("-r", "requirements/ci.in", "mock", "pytest-cov>4")
    session.install(".[testing]", variable)

@nox.session
def docs(session):
    session.install("sphinx")
"""
WORKFLOW = """
    - run: |
        python -m pip install --upgrade pip
        pip install -r ci/needed.txt hypothesis 'responses<1' . -e .[socks] git+https://x/y $MORE
        pip install tox && tox
"""
SOURCES: list[tuple[dict[str, str], list[tuple[str, ...]]]] = [
    (
        {"noxfile.py": NOX, "requirements/ci.in": ""},
        [
            ("install_extra", "testing"),
            ("install_file", "-r", "requirements/ci.in"),
            ("install", "mock", "pytest-cov>4"),
        ],
    ),
    (
        {"tox.ini": "[testenv]\ndeps =\n    py3{8,9}: mock\n    lint: flake8\n    py27: enum34\n"},
        [("install", "mock")],
    ),
    ({"tox.ini": "[testenv:unittest]\ndeps = trio\n[testenv:docs]\ndeps = sphinx\n"}, [("install", "trio")]),
    (
        {".github/workflows/ci.yml": WORKFLOW, "ci/needed.txt": ""},
        [
            ("install_extra", "socks"),
            ("install_file", "-r", "ci/needed.txt"),
            ("install", "hypothesis", "responses<1"),
        ],
    ),
    ({".github/workflows/lint.yml": "run: pip install black"}, []),
    ({"Makefile": "test:\n\tpip install nose2 && nose2\n"}, [("install", "nose2")]),
    ({"noxfile.py": "def tests(session:"}, []),
]


@pytest.mark.parametrize(("files", "expected"), SOURCES)
def test_hints_are_taken_where_no_manifest_speaks(
    files: dict[str, str], expected: list[tuple[str, ...]], tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert [group.command for group in detect_project(tmp_path).groups] == expected


def test_a_manifest_goes_before_hints(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("test:\n\tpip install nose2\n")
    (tmp_path / "requirements-test.txt").write_text("mock")
    assert [group.name for group in detect_project(tmp_path).groups] == ["file requirements-test.txt"]
