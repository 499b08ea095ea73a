"""A small real project with one bug, and the issue that somebody wrote about it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

MODULE = "sizes/units.py"
FUNCTION = '''\
def natural(count: int) -> str:
    """`count` bytes in the largest unit that they reach."""
    for unit, size in reversed(STEPS):
        if count > size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
'''
FIXED = FUNCTION.replace("count > size", "count >= size")
FILES = {
    "sizes/__init__.py": "from sizes.units import natural\nfrom sizes.words import plural\n",
    MODULE: f'STEPS = (("kB", 1000), ("MB", 1000**2), ("GB", 1000**3))\n\n\n{FUNCTION}',
    "sizes/words.py": "def plural(count: int, word: str) -> str:\n    return word if count == 1 else word + 's'\n",
    "tests/test_sizes.py": """\
from sizes import natural, plural


def test_small():
    assert natural(999) == "999 B"


def test_large():
    assert natural(2500) == "2.5 kB"


def test_plural():
    assert (plural(1, "file"), plural(2, "file")) == ("file", "files")
""",
}
ISSUE = """\
# natural() keeps bytes where a unit is just reached

A size that is exactly one unit is still printed in the smaller one, as if `natural` compared with `>` and not
with `>=`:

```python
>>> from sizes import natural
>>> natural(1000)
'1000 B'
```

I expected `'1.0 kB'`.
"""


def make_repository(folder: Path) -> Path:
    """The project, committed by its author, with a change of the author's that is not."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for command in ("init --quiet", "add --all", "-c user.name=Ann -c user.email=a@b.c commit --quiet -m start"):
        subprocess.run(("git", *command.split()), cwd=folder, check=True)
    (folder / "notes.txt").write_text("not committed\n")
    return folder


def make_issue(folder: Path) -> Path:
    """The issue in a file."""
    path = folder / "issue.md"
    path.write_text(ISSUE)
    return path


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below, git's own included, so that any write shows."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {os.path.relpath(path, folder): path.read_bytes() for path in found}
