"""An issue that needs a constant and two functions in two modules: a strong model's recorded answers solve it through
the whole graph, in a real sandbox, with the project's own tests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from repoagent.domain import Issue, dump
from repoagent.graph.services import RunChoices
from repoagent.llm.budget import Budget
from repoagent.llm.profiles import find_profile
from repoagent.llm.scripted import ScriptedModel
from repoagent.sandbox.bubblewrap import BubblewrapEngine
from repoagent.session import Session
from repoagent.workspace import Workspace, resolve_source
from tests.graph.conftest import Bench

FILES = {
    "pyproject.toml": '[project]\nname = "sizes"\nversion = "1"\n\n[tool.setuptools]\npackages = ["sizes"]\n',
    "sizes/__init__.py": "",
    "sizes/units.py": '''\
STEPS = (("kB", 1000), ("MB", 1000**2), ("GB", 1000**3))


def natural(count):
    """`count` bytes in the largest unit that they reach."""
    for unit, size in reversed(STEPS):
        if count > size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
''',
    "sizes/report.py": '''\
from sizes.units import natural


def total(counts):
    """What all files take together."""
    return natural(max(counts))
''',
    "tests/test_sizes.py": """\
from sizes.report import total
from sizes.units import natural


def test_natural():
    assert natural(2500) == "2.5 kB"


def test_one_file():
    assert total([2500]) == "2.5 kB"
""",
}
ISSUE = """\
Two halves of a terabyte are told as 500 GB:

```python
>>> from sizes.report import total
>>> total([500 * 1000**3, 500 * 1000**3])
'500.0 GB'
```

Expected: `'1.0 TB'`. I think `total` forgets all but the largest file, `natural` does not know the unit, and a unit
that is just reached is not taken.
"""
PROSE = "Two halves of a terabyte are told as 500 GB. I think `total` forgets all but the largest file, and so on."
HALF = """\
### sizes/report.py
<<<<<<< SEARCH
    return natural(max(counts))
=======
    return natural(sum(counts))
>>>>>>> REPLACE
"""
WHOLE = f"""\
Three places have to change.

```python
{HALF}```

sizes/units.py
```python
<<<<<<< SEARCH
STEPS = (("kB", 1000), ("MB", 1000**2), ("GB", 1000**3))
=======
STEPS = (("kB", 1000), ("MB", 1000**2), ("GB", 1000**3), ("TB", 1000**4))
>>>>>>> REPLACE
<<<<<<< SEARCH
if count > size:
    return f"{{count / size:.1f}} {{unit}}"
=======
if count >= size:
    return f"{{count / size:.1f}} {{unit}}"
>>>>>>> REPLACE
```
"""
BROKEN = WHOLE.replace("STEPS = ((", "UNITS = ((")
"""The first of its passages is nowhere."""


@pytest.mark.network
@pytest.mark.bubblewrap
@pytest.mark.parametrize(
    ("answers", "again"),
    [([BROKEN, HALF, WHOLE], HALF), ([HALF, HALF, HALF], WHOLE)],
    ids=["sampled", "second attempt"],
)
def test_an_issue_of_several_files_is_solved(
    answers: list[str], again: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path / "cache"))
    made = bench(tmp_path, answers, again)
    result = made.run()
    assert (result.outcome, result.unverified) == ("verified", ())
    subprocess.run(("git", "apply", str(made.session.locate("patch.diff"))), cwd=tmp_path / "user", check=True)
    code = "from sizes.report import total; assert total([500 * 1000**3] * 2) == '1.0 TB'"
    subprocess.run(("python3", "-c", code), cwd=tmp_path / "user", check=True)
    assert sorted(line[6:] for line in result.patch.splitlines() if line.startswith("+++ b/")) == [
        "sizes/report.py",
        "sizes/units.py",
    ]
    [first, *_] = made.prompts("search/replace blocks, one for each place")
    assert "STEPS = ((" in first


@pytest.mark.network
@pytest.mark.bubblewrap
def test_a_script_of_the_model_ranks_where_the_issue_has_no_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two samples agree on half of the fix; the only whole one is delivered, and not called verified."""
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path / "cache"))
    today = "from sizes.report import total\n\nassert total([500 * 1000**3, 500 * 1000**3]) == '500.0 GB'"

    def write(prompt: str) -> str | None:
        if "Good: it runs to its end" in prompt:
            return f"```python\n{today.replace('500.0 GB', '1.0 TB')}\n```"
        return f"```python\n{today}\n```" if prompt.startswith("Show a bug") else None

    made = bench(tmp_path, [HALF, HALF, WHOLE], HALF, body=PROSE, write=write)
    result = made.run()
    assert (result.outcome, result.confidence) == ("unverified", "low")
    assert "TB" in result.patch
    assert "A script that the model wrote from the issue passes now" in result.unverified[0]
    without = bench(tmp_path / "without", [HALF, HALF, WHOLE], HALF, body=PROSE).run()
    assert "TB" not in without.patch


def bench(
    folder: Path,
    answers: list[str],
    again: str,
    body: str = ISSUE,
    write: Callable[[str], str | None] | None = None,
) -> Bench:
    """The project on a bench with a real sandbox, and a model that holds to the format of blocks.

    `write` answers what asks for a script; without it none is asked for.
    """
    script = iter(answers)
    issue = Issue("total([500 GB, 500 GB]) says 500.0 GB", body)
    session = Session.create(folder / "sessions", title=issue.title)
    session.write("issue.json", dump(issue))
    session.write("notices.txt", "")
    repository(folder / "user")
    Workspace.create(resolve_source(str(folder / "user"), None, None, folder / "clones"), session.path / "workspace")
    known = find_profile("qwen3-coder-30b")
    profile = replace(known, rewrites=0, infills=0, mutants=0, replaces=3, witnesses=1 if write else 0)

    def reply(prompt: str) -> str:
        if prompt.startswith("Read this"):
            return "Current:\n- wrong\nProposed:\n- right\n"
        if write and (written := write(prompt)):
            return written
        return again if "With your blocks applied" in prompt else next(script, HALF)

    model = ScriptedModel(reply, profile=profile)
    return Bench(folder, model, BubblewrapEngine(), session, RunChoices(), Budget())


def repository(folder: Path) -> None:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for command in ("init --quiet", "add --all", "-c user.name=A -c user.email=a@b.c commit --quiet -m start"):
        subprocess.run(("git", *command.split()), cwd=folder, check=True)
