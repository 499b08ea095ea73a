"""Read the requirements of a conda environment file, as far as Python's package index has them, too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from repoagent.testbed.reading import get_strings, get_table, read_text

_FOLDERS = frozenset({"", "ci", "ci/requirements", "ci/deps", "requirements", "conda", "continuous_integration"})
_OTHER_PURPOSE = re.compile(
    r"(^|[-_.])(docs?|min\w*|bare|nep\w*|win\w*|mac\w*|osx|lint|bench\w*|binder|release|upstream)([-_.]|$)"
)
_FILE_NAME = re.compile(r"^(environment|env|conda[-_]env\w*|test[-_]env\w*|py(thon)?-?3\S*)([-_.]\S*)?\.ya?ml$")
_SPEC = re.compile(r"^(?:[\w-]+::)?(?P<name>[A-Za-z0-9][\w.-]*)\s*(?P<version>[<>=!~][^\s;#]*)?(?:\s.*)?$")
_INDEX_NAMES = {
    "dask-core": "dask[array,dataframe]",
    "dask": "dask[array,dataframe,distributed]",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "py-opencv": "opencv-python-headless",
    "pytables": "tables",
    "pytorch": "torch",
    "tensorflow-base": "tensorflow",
    "python-graphviz": "graphviz",
    "python-blosc": "blosc",
    "seaborn-base": "seaborn",
    "black-jupyter": "black",
    "typing_extensions": "typing-extensions",
    "importlib_metadata": "importlib-metadata",
}
_NOT_PYTHON = frozenset(
    {"python", "pip", "conda", "mamba", "setuptools", "wheel", "nodejs", "make", "cmake", "git", "gcc", "gxx", "pandoc"}
    | {
        "compilers",
        "c-compiler",
        "cxx-compiler",
        "fortran-compiler",
        "blas",
        "openblas",
        "mkl",
        "libgdal",
        "pre-commit",
    }
)
_MAX_REQUIREMENTS = 80


def read_conda_requirements(root: Path, files: Iterable[str]) -> tuple[str, ...]:
    """Read the requirements of the environment file that is most likely meant for tests; empty without such a file.

    Exact versions are left out: conda's builds are others than the index's.
    """
    candidates = sorted((f for f in files if _is_environment(f)), key=_rank_file)
    asked = (tuple(_read_requirements(read_text(root / name))) for name in candidates)
    return next((found for found in asked if found), ())


def _is_environment(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return (
        folder in _FOLDERS and _FILE_NAME.match(name) is not None and not _OTHER_PURPOSE.search(name.rpartition(".")[0])
    )


def _rank_file(path: str) -> tuple[bool, bool, int, str]:
    """Files that are named for tests or for developers first, then `environment.yml`, then what lies least deep."""
    name = path.rpartition("/")[2]
    return re.search("test|dev", name) is None, not name.startswith("environment"), path.count("/"), path


def _read_requirements(text: str) -> Iterator[str]:
    listed = get_table(_parse_yaml(text)).get("dependencies")
    entries = listed if isinstance(listed, list) else []
    ours = [spec for entry in entries if isinstance(entry, str) and (spec := _translate_entry(entry))]
    pips = [
        need for entry in entries if not isinstance(entry, str) for need in get_strings(get_table(entry).get("pip"))
    ]
    plain = [need for need in pips if re.fullmatch(r"[A-Za-z0-9][\w.-]*(\[[\w,-]+\])?([<>=!~]=?[\w.,<>=!~*]+)?", need)]
    yield from list(dict.fromkeys([*ours, *plain]))[:_MAX_REQUIREMENTS]


def _translate_entry(entry: str) -> str:
    match = _SPEC.match(entry.strip())
    if match is None or match["name"].lower() in _NOT_PYTHON:
        return ""
    version = match["version"] or ""
    bound = version if re.fullmatch(r"(?:[<>!]=?[\w.*]+,?)+", version) else ""
    return _INDEX_NAMES.get(match["name"], match["name"]) + bound


def _parse_yaml(text: str) -> object:
    """Parse YAML, unless it has anchors: a few of them make gigabytes."""
    try:
        parsed: object = yaml.safe_load(text) if "dependencies" in text and "&" not in text else None
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return parsed
