"""The peers that `run.py` measures, for an interpreter that has them: `peers.py aider|aider-touched|jedi TREE`."""

from __future__ import annotations

import random
import sys
from pathlib import Path

SAMPLE = 60
"""Files that jedi is given: all of a large tree take it hours."""


class Quiet:
    """As much of aider's `InputOutput` and model as its repository map asks for."""

    def read_text(self, name: str) -> str:
        """The text of a file."""
        return Path(name).read_text(encoding="utf-8", errors="replace")

    def token_count(self, text: str) -> int:
        """About so many tokens."""
        return len(text) // 4

    def tool_output(self, *_: object, **__: object) -> None:
        """Say nothing."""

    tool_warning = tool_error = tool_output


def aider(tree: str) -> None:
    """The repository map of aider, with its cache beside the files."""
    from aider.repomap import RepoMap

    files = sorted(str(path) for path in Path(tree).rglob("*") if path.suffix in {".py", ".js"})
    quiet = Quiet()
    found = RepoMap(map_tokens=1024, root=tree, main_model=quiet, io=quiet).get_repo_map([], files)
    if not found:
        raise SystemExit("aider made no map")


def aider_touched(tree: str) -> None:
    """The same again, after one file was changed."""
    touched = next(path for path in sorted(Path(tree).rglob("*.py")) if path.stat().st_size > 1000)
    touched.write_text(touched.read_text(encoding="utf-8") + "\n\ndef added():\n    pass\n", encoding="utf-8")
    aider(tree)


def jedi(tree: str) -> None:
    """The names that some files define, by jedi."""
    import jedi as library

    project = library.Project(tree)
    for path in random.Random(0).sample(sorted(Path(tree).rglob("*.py")), SAMPLE):  # noqa: S311 # a sample
        library.Script(path=path, project=project).get_names(all_scopes=True, definitions=True)


if __name__ == "__main__":
    {"aider": aider, "aider-touched": aider_touched, "jedi": jedi}[sys.argv[1]](sys.argv[2])
