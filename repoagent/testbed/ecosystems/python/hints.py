"""Guess what a Python project's tests need where no manifest says it: from noxfiles, tox, workflows, Makefiles, conda.

They are read as text, and nothing of them is run: only names of packages, files and extras are taken out of them, and
each of these is a step of the build that may fail.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from repoagent.testbed.ecosystems.python.conda import read_conda_requirements
from repoagent.testbed.ecosystems.python.manifests import Manifests
from repoagent.testbed.ecosystems.python.project import RequirementGroup
from repoagent.testbed.reading import get_strings, read_text

REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*(\[[\w,. -]*\])?\s*([<>=!~]=?[^;{}@]*)?(;[^{}]*)?$")
"""A name with a version; addresses, options and placeholders are none."""

_EXTRAS = re.compile(r"^(?:\.|\./)?\[([\w.,-]+)\]$|^\.\[([\w.,-]+)\]$")
_PIP = re.compile(r"\b(?:pip3?|uv pip) install ([^\n&|;#]+)")
_FACTOR = re.compile(r"^(?P<factors>[\w!{},.-]+): *(?P<needs>\S.*)$")
_OTHER = re.compile(r"py2|lint|doc|mypy|type|style|flake|black|ruff|cov|pypy|release|build|bench", re.IGNORECASE)
_FOR_TESTS = re.compile(r"test|unit|check", re.IGNORECASE)
_WITH_VALUE = {"-c", "--constraint", "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--progress-bar"}
_TOOLS = {
    "pip",
    "setuptools",
    "wheel",
    "tox",
    "nox",
    "uv",
    "build",
    "twine",
    "coverage",
    "codecov",
    "pre-commit",
    "poetry",
}
_MAX_PACKAGES = 40


def guess_requirements(root: Path, manifests: Manifests, files: Iterable[str]) -> tuple[RequirementGroup, ...]:
    """Read requirement groups from the first source that names any: nox, tox's factors, workflows, a Makefile,
    conda."""
    known = frozenset(files)
    sources = (
        ("nox", _read_nox(read_text(root / "noxfile.py"))),
        ("tox", _read_tox(manifests)),
        ("workflow", _find_pip_arguments("\n".join(read_text(path) for path in _find_workflows(root)))),
        ("Makefile", _find_pip_arguments(read_text(root / "Makefile"))),
    )
    found = next((groups for name, words in sources if (groups := tuple(_make_groups(name, words, known)))), ())
    return found or _read_conda(root, known)


def _read_conda(root: Path, files: Iterable[str]) -> tuple[RequirementGroup, ...]:
    wanted = read_conda_requirements(root, files)
    return (RequirementGroup("conda environment", ("install_each", *wanted)),) if wanted else ()


def _make_groups(name: str, words: Sequence[str], files: frozenset[str]) -> Iterator[RequirementGroup]:
    """Make groups of pip's arguments: all packages in one step, each file and each extra in a step of its own."""
    needs, chosen, extras = _sort_arguments(words)
    for extra in dict.fromkeys(extras):
        yield RequirementGroup(f"{name}, extra {extra}", ("install_extra", extra))
    for file in dict.fromkeys(chosen):
        if file in files:
            yield RequirementGroup(f"{name}, file {file}", ("install_file", "-r", file))
    if wanted := tuple(dict.fromkeys(need for need in needs if _get_name(need) not in _TOOLS))[:_MAX_PACKAGES]:
        yield RequirementGroup(name, ("install", *wanted))


def _sort_arguments(words: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """Sort the arguments of pip by kind: requirements, files, extras of the project itself."""
    needs: list[str] = []
    files: list[str] = []
    extras: list[str] = []
    left = iter(words)
    for word in left:
        if word in _WITH_VALUE:
            next(left, "")
        elif word in {"-r", "--requirement"}:
            files.append(next(left, "").removeprefix("./"))
        elif word.startswith("-r"):
            files.append(word[2:])
        elif match := _EXTRAS.match(word):
            extras += (match[1] or match[2]).split(",")
        elif not word.startswith((".", "-", "$")) and REQUIREMENT.fullmatch(word):
            needs.append(word)
    return needs, files, extras


def _get_name(requirement: str) -> str:
    return re.split(r"[\[<>=!~;\s]", requirement)[0].lower()


def _read_nox(source: str) -> list[str]:
    """Read the literal arguments of `session.install` in functions whose name mentions tests."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    sessions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and _FOR_TESTS.search(node.name)]
    calls = [node for session in sessions for node in ast.walk(session) if isinstance(node, ast.Call)]
    return [
        word.value
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "install"
        for word in call.args
        if isinstance(word, ast.Constant) and isinstance(word.value, str)
    ]


def _read_tox(manifests: Manifests) -> list[str]:
    """Read the requirements after a factor, `py38: mock`, and those of environments that are named for tests."""
    sections = [
        s for s in manifests.tox.sections() if s == "testenv" or (s[:8] == "testenv:" and _FOR_TESTS.search(s[8:]))
    ]
    lines = [line for section in sections for line in get_strings(manifests.tox.get(section, "deps", fallback=""))]
    return [word for line in lines for word in _read_factor(line)]


def _read_factor(line: str) -> list[str]:
    match = _FACTOR.match(line)
    if match is None:
        return [] if ":" in line else _split_words(line)
    return [] if _OTHER.search(match["factors"]) else _split_words(match["needs"])


def _find_workflows(root: Path) -> list[Path]:
    folder = root / ".github/workflows"
    found = sorted(folder.glob("*.y*ml")) if folder.is_dir() else []
    return [path for path in found if not _OTHER.search(path.stem)]


def _find_pip_arguments(text: str) -> list[str]:
    return [word for match in _PIP.finditer(text) for word in _split_words(match[1])]


def _split_words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []
