"""QuixBugs-python: `python benchmarks/repair/quixbugs.py CLONE --record recorded.json --arms mutation all`.

CLONE is a git repository of jkoppel/QuixBugs. Of each program the solver sees a repository with the wrong program and
its tests; what is delivered must pass all of them, and is compared with the authors' program in meaning, too.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.repair.bench import Problem, main
from repoagent.domain import Issue

_SHARED = ("conftest.py", "python_testcases/load_testdata.py", "python_testcases/node.py")


def read_problems(source: Path) -> Sequence[Problem]:
    """One for each program that has tests."""
    names = _git(source, "ls-tree", "-r", "--name-only", "HEAD").splitlines()
    tested = [Path(name).stem.removeprefix("test_") for name in names if name.startswith("python_testcases/test_")]
    return [_problem(source, name, names) for name in sorted(tested)]


def _problem(source: Path, name: str, names: Sequence[str]) -> Problem:
    path, test = f"python_programs/{name}.py", f"python_testcases/test_{name}.py"
    wanted = [path, test, f"json_testcases/{name}.json", *_SHARED]
    return Problem(
        name=name,
        kind="",
        files=_files(source, [each for each in wanted if each in names]),
        issue=Issue(f"`{name}` is wrong: its tests fail", f"The tests in `{test}` fail. The mistake is in `{path}`.\n"),
        path=path,
        reference=_git(source, "show", f"HEAD:correct_{path}"),
    )


def _files(source: Path, names: Sequence[str]) -> Mapping[str, str]:
    return {name: _git(source, "show", f"HEAD:{name}") for name in names}


def _git(source: Path, *words: str) -> str:
    return subprocess.run(("git", "-C", str(source), *words), check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main(__doc__, read_problems)
