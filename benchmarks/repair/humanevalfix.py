"""HumanEvalFix-python: `python benchmarks/repair/humanevalfix.py ROWS.jsonl --record OUT.json --arms mutation all`.

ROWS are rows of HumanEvalPack's Python part. The solver sees a repository of one file, the wrong function with its
docstring, and an issue that says that it does not do what its docstring says; the docstring's examples are the only
visible evidence. The official tests judge what is delivered, in a sandbox, and nothing else reads them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.repair.bench import Problem, main
from repoagent.domain import Issue
from repoagent.sandbox.base import ENVIRONMENT

MODULE = "solution.py"
_FILES = {
    "pyproject.toml": '[project]\nname = "solution"\nversion = "1"\n\n[tool.setuptools]\npy-modules = ["solution"]\n'
}


def read_problems(source: Path) -> Sequence[Problem]:
    """One for each row."""
    return [_problem(json.loads(line)) for line in source.read_text(encoding="utf-8").splitlines()]


def _problem(row: dict[str, str]) -> Problem:
    name = row["entry_point"]
    issue = Issue(f"`{name}` does not do what its docstring says", f"Fix bugs in `{name}` (`{MODULE}`).\n")
    check = (
        f"exec(compile(open({MODULE!r}).read() + {chr(10) + row['test']!r}, 'judge', 'exec'), {{'__name__': 'judge'}})"
    )
    return Problem(
        name=row["task_id"],
        kind=row["bug_type"],
        files={**_FILES, MODULE: row["prompt"] + row["buggy_solution"]},
        issue=issue,
        path=MODULE,
        reference=row["prompt"] + row["canonical_solution"],
        judge=(f"{ENVIRONMENT}/venv/bin/python", "-c", check),
    )


if __name__ == "__main__":
    main(__doc__, read_problems)
