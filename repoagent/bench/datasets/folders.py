"""Read datasets that are directories: issue files, a checkout of QuixBugs or of BugsInPy."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repoagent.bench.datasets.rows import RowRefused
from repoagent.bench.instance import Instance, SourceFile, diff_of

Found = Instance | RowRefused


def read_folder(folder: Path, repo: str | None) -> Iterator[tuple[str, Found]]:
    """Read the tasks in a directory; yields the name of each, with the task or why it was refused.

    `repo` is the repository of issue files that do not name one.
    """
    if (folder / "correct_python_programs").is_dir():
        yield from _quixbugs(folder)
    elif (folder / "projects").is_dir() and (folder / "framework").is_dir():
        yield from _bugsinpy(folder)
    else:
        yield from _issues(folder, repo)


# --- issue files ------------------------------------------------------------------------------------------------------


def _issues(folder: Path, repo: str | None) -> Iterator[tuple[str, Found]]:
    for path in sorted(each for each in folder.iterdir() if each.suffix in {".md", ".txt"} and each.is_file()):
        try:
            yield path.stem, _issue(path, repo)
        except RowRefused as refused:
            yield path.stem, refused


def _issue(path: Path, repo: str | None) -> Instance:
    """Read an issue file, with fields from YAML between two lines of `---` at its top."""
    from repoagent.bench.datasets.rows import instance_of

    head, text = _front_matter(path.read_text(encoding="utf-8", errors="replace"))
    row = {"instance_id": path.stem, "repo": repo, "base_commit": "HEAD", "problem_statement": text, **head}
    if not row["repo"]:
        raise RowRefused("repo", "no repository: name it with --repo, or as `repo:` at the top of the file")
    return instance_of(row)


def _front_matter(text: str) -> tuple[Mapping[str, Any], str]:
    import yaml

    found = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    if not found:
        return {}, text
    try:
        head = yaml.safe_load(found[1])
    except yaml.YAMLError as error:
        raise RowRefused("front matter", f"no YAML: {error}") from error
    return (head if isinstance(head, dict) else {}), text[found.end() :].lstrip()


# --- QuixBugs ---------------------------------------------------------------------------------------------------------


def _quixbugs(folder: Path) -> Iterator[tuple[str, Found]]:
    for test in sorted((folder / "python_testcases").glob("test_*.py")):
        name = test.stem.removeprefix("test_")
        yield name, _algorithm(folder, name)


def _algorithm(folder: Path, name: str) -> Instance:
    """Read one program with its tests, which the agent may see and all of which must pass."""
    path, test = f"python_programs/{name}.py", f"python_testcases/test_{name}.py"
    broken, right = (_text(folder / place / f"{name}.py") for place in ("python_programs", "correct_python_programs"))
    shared = [each for each in sorted((folder / "python_testcases").glob("*.py")) if not each.stem.startswith("test_")]
    beside = [folder / test, folder / "conftest.py", folder / f"json_testcases/{name}.json", *shared]
    beside.append(folder / "python_programs/node.py")
    files = [SourceFile(str(each.relative_to(folder)), _text(each)) for each in beside if each.is_file()]
    return Instance(
        f"QuixBugs-{name}",
        "",
        "",
        f"`{name}` gives wrong results\n\nThe tests in `{test}` fail: `{path}` has a bug in one line.",
        diff_of(path, broken, right),
        tests=(test,),
        files=(SourceFile(path, broken), *files),
        language="python",
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


# --- BugsInPy ---------------------------------------------------------------------------------------------------------


def _bugsinpy(folder: Path) -> Iterator[tuple[str, Found]]:
    for place in sorted(folder.glob("projects/*/bugs/*/bug.info")):
        name = f"{place.parts[-4]}-{place.parts[-2]}"
        try:
            yield name, _bug(place.parent, name)
        except RowRefused as refused:
            yield name, refused


def _bug(folder: Path, name: str) -> Instance:
    """Read a bug. It has no issue, so the agent gets the names of the failing tests."""
    project, bug = _assignments(folder.parents[1] / "project.info"), _assignments(folder / "bug.info")
    tests = bugsinpy_tests(_text(folder / "run_test.sh"))
    for field in ("buggy_commit_id", "fixed_commit_id", "test_file"):
        if not bug.get(field):
            raise RowRefused(field, "is missing in bug.info")
    told = "\n".join(f"- `{test}`" for test in tests)
    return Instance(
        f"BugsInPy-{name}",
        project.get("github_url", "").removesuffix("/"),
        bug["buggy_commit_id"],
        f"Tests fail in {name.rpartition('-')[0]}\n\nThese tests fail, and shall pass:\n\n{told}",
        _text(folder / "bug_patch.txt"),
        fail_to_pass=tests,
        tests=tuple(bug["test_file"].split(";")),
        tests_from=bug["fixed_commit_id"],
        language="python",
    )


def bugsinpy_tests(script: str) -> tuple[str, ...]:
    """Parse the ids of the tests that a `run_test.sh` runs, as pytest names them."""
    words = [word for line in script.splitlines() for word in _words(line)]
    return tuple(dict.fromkeys(_as_pytest(word) for word in words if "::" in word or re.fullmatch(_DOTTED, word)))


_DOTTED = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*){2,}"


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return line.split()


def _as_pytest(name: str) -> str:
    """Convert unittest's `a.b.C.t` to pytest's `a/b.py::C::t`."""
    if "::" in name:
        return name
    *module, group, test = name.split(".")
    return f"{'/'.join(module)}.py::{group}::{test}"


def _assignments(path: Path) -> dict[str, str]:
    """Parse a shell script of assignments into its variables."""
    return dict(re.findall(r'^(\w+)\s*=\s*"?([^"\n]*)"?\s*$', _text(path), re.MULTILINE)) if path.is_file() else {}
