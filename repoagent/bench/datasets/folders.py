"""Read datasets that are directories: issue files, a checkout of QuixBugs or of BugsInPy."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repoagent.bench.datasets.rows import RowError
from repoagent.bench.instance import Instance, SourceFile, format_diff

ReadInstance = Instance | RowError


def read_folder(folder: Path, repo: str | None) -> Iterator[tuple[str, ReadInstance]]:
    """Read the tasks in a directory; yields the name of each, with the task or why it was refused.

    `repo` is the repository of issue files that do not name one.
    """
    if (folder / "correct_python_programs").is_dir():
        yield from _read_quixbugs(folder)
    elif (folder / "projects").is_dir() and (folder / "framework").is_dir():
        yield from _read_bugsinpy(folder)
    else:
        yield from _read_issues(folder, repo)


# --- issue files ------------------------------------------------------------------------------------------------------


def _read_issues(folder: Path, repo: str | None) -> Iterator[tuple[str, ReadInstance]]:
    for path in sorted(each for each in folder.iterdir() if each.suffix in {".md", ".txt"} and each.is_file()):
        try:
            yield path.stem, _read_issue(path, repo)
        except RowError as refused:
            yield path.stem, refused


def _read_issue(path: Path, repo: str | None) -> Instance:
    """Read an issue file, with fields from YAML between two lines of `---` at its top."""
    from repoagent.bench.datasets.rows import convert_row

    head, text = _split_front_matter(path.read_text(encoding="utf-8", errors="replace"))
    row = {"instance_id": path.stem, "repo": repo, "base_commit": "HEAD", "problem_statement": text, **head}
    if not row["repo"]:
        raise RowError("repo", "no repository: name it with --repo, or as `repo:` at the top of the file")
    return convert_row(row)


def _split_front_matter(text: str) -> tuple[Mapping[str, Any], str]:
    import yaml

    found = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    if not found:
        return {}, text
    try:
        head = yaml.safe_load(found[1])
    except yaml.YAMLError as error:
        raise RowError("front matter", f"no YAML: {error}") from error
    return (head if isinstance(head, dict) else {}), text[found.end() :].lstrip()


# --- QuixBugs ---------------------------------------------------------------------------------------------------------


def _read_quixbugs(folder: Path) -> Iterator[tuple[str, ReadInstance]]:
    for test in sorted((folder / "python_testcases").glob("test_*.py")):
        name = test.stem.removeprefix("test_")
        yield name, _read_algorithm(folder, name)


def _read_algorithm(folder: Path, name: str) -> Instance:
    """Read one program with its tests, which the agent may see and all of which must pass."""
    path, test = f"python_programs/{name}.py", f"python_testcases/test_{name}.py"
    broken, right = (
        _read_text(folder / place / f"{name}.py") for place in ("python_programs", "correct_python_programs")
    )
    shared = [each for each in sorted((folder / "python_testcases").glob("*.py")) if not each.stem.startswith("test_")]
    beside = [folder / test, folder / "conftest.py", folder / f"json_testcases/{name}.json", *shared]
    beside.append(folder / "python_programs/node.py")
    files = [SourceFile(str(each.relative_to(folder)), _read_text(each)) for each in beside if each.is_file()]
    return Instance(
        f"QuixBugs-{name}",
        "",
        "",
        f"`{name}` gives wrong results\n\nThe tests in `{test}` fail: `{path}` has a bug in one line.",
        format_diff(path, broken, right),
        tests=(test,),
        files=(SourceFile(path, broken), *files),
        language="python",
    )


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


# --- BugsInPy ---------------------------------------------------------------------------------------------------------


def _read_bugsinpy(folder: Path) -> Iterator[tuple[str, ReadInstance]]:
    for place in sorted(folder.glob("projects/*/bugs/*/bug.info")):
        name = f"{place.parts[-4]}-{place.parts[-2]}"
        try:
            yield name, _read_bug(place.parent, name)
        except RowError as refused:
            yield name, refused


def _read_bug(folder: Path, name: str) -> Instance:
    """Read a bug. It has no issue, so the agent gets the names of the failing tests."""
    project, bug = _parse_assignments(folder.parents[1] / "project.info"), _parse_assignments(folder / "bug.info")
    tests = parse_bugsinpy_tests(_read_text(folder / "run_test.sh"))
    for field in ("buggy_commit_id", "fixed_commit_id", "test_file"):
        if not bug.get(field):
            raise RowError(field, "is missing in bug.info")
    told = "\n".join(f"- `{test}`" for test in tests)
    return Instance(
        f"BugsInPy-{name}",
        project.get("github_url", "").removesuffix("/"),
        bug["buggy_commit_id"],
        f"Tests fail in {name.rpartition('-')[0]}\n\nThese tests fail, and shall pass:\n\n{told}",
        _read_text(folder / "bug_patch.txt"),
        fail_to_pass=tests,
        tests=tuple(bug["test_file"].split(";")),
        tests_from=bug["fixed_commit_id"],
        language="python",
    )


def parse_bugsinpy_tests(script: str) -> tuple[str, ...]:
    """Parse the ids of the tests that a `run_test.sh` runs, as pytest names them."""
    words = [word for line in script.splitlines() for word in _split_words(line)]
    return tuple(
        dict.fromkeys(_convert_to_pytest_id(word) for word in words if "::" in word or re.fullmatch(_DOTTED_NAME, word))
    )


_DOTTED_NAME = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*){2,}"


def _split_words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return line.split()


def _convert_to_pytest_id(name: str) -> str:
    """Convert unittest's `a.b.C.t` to pytest's `a/b.py::C::t`."""
    if "::" in name:
        return name
    *module, group, test = name.split(".")
    return f"{'/'.join(module)}.py::{group}::{test}"


def _parse_assignments(path: Path) -> dict[str, str]:
    """Parse a shell script of assignments into its variables."""
    return dict(re.findall(r'^(\w+)\s*=\s*"?([^"\n]*)"?\s*$', _read_text(path), re.MULTILINE)) if path.is_file() else {}
