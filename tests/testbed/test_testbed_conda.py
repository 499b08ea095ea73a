"""What is taken from conda environment files."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoagent.testbed.ecosystems.python.conda import read_conda_requirements

ENVIRONMENT = """
name: xarray-tests
channels: [conda-forge]
dependencies:
  - python=3.8
  - bottleneck
  - dask-core
  - conda-forge::cftime
  - numpy>=1.15
  - pandas=1.0.3=py38_0
  - "scipy >=1.3"
  - nodejs
  - pip
  - pip:
    - numbagg
    - git+https://example.org/x
    - -r other.txt
    - 'pint[pandas]>=0.13'
"""
FOUND = (
    "bottleneck",
    "dask[array,dataframe]",
    "cftime",
    "numpy>=1.15",
    "pandas",
    "scipy>=1.3",
    "numbagg",
    "pint[pandas]>=0.13",
)


def asked(root: Path, **files: str) -> tuple[str, ...]:
    names = {name.replace("__", "/") + ".yml": text for name, text in files.items()}
    for name, text in names.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return read_conda_requirements(root, names)


def test_names_are_those_of_the_package_index(tmp_path: Path) -> None:
    assert asked(tmp_path, ci__requirements__environment=ENVIRONMENT) == FOUND


def test_a_file_for_documentation_is_for_something_else(tmp_path: Path) -> None:
    assert asked(tmp_path, ci__requirements__doc=ENVIRONMENT, environment_docs=ENVIRONMENT) == ()


def test_what_is_named_for_tests_goes_first(tmp_path: Path) -> None:
    assert asked(tmp_path, environment=ENVIRONMENT, environment_test="dependencies: [pytest]") == ("pytest",)


@pytest.mark.parametrize(
    "text", ["", "dependencies: 3", "dependencies: [[1], {pip: 2}]", "dependencies: *x", "a: &a [*a]", "{"]
)
def test_nonsense_asks_for_nothing(tmp_path: Path, text: str) -> None:
    assert asked(tmp_path, environment=text) == ()
