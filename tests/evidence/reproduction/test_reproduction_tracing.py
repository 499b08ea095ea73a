"""Which lines a script executes: by a real interpreter, in a real sandbox, and from answers that are lies."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from repoagent.evidence.reproduction.tracing import TRACE_FILE, trace_lines
from repoagent.sandbox.base import ENVIRONMENT, CommandResult, Environment
from repoagent.sandbox.fake import FakeEngine

SHOP = """\
class Shop:
    def total(self, items):
        if not items:
            return 0
        return add(items)

    def never(self):
        return 1


def add(items):
    return sum(items)
"""


def _engine(answer: bytes | None) -> FakeEngine:
    def play(_command: Sequence[str], files: MutableMapping[str, bytes]) -> CommandResult:
        if answer is not None:
            files[TRACE_FILE] = answer
        return CommandResult(0, "", 0.0)

    return FakeEngine(play)


def _told(folder: Path, answer: bytes | None, script: str = "pass") -> Mapping[str, frozenset[int]]:
    engine = _engine(answer)
    with engine.open(Environment("key", "fake:key"), folder) as sandbox:
        return trace_lines(sandbox, script)


@pytest.mark.parametrize(
    "answer",
    [None, b"", b"{", b"[]", b"3", b'{"a.py": 3}', b"[" * 100_000, b'{"a.py": ["x", null]}', b"\xff"],
)
def test_an_answer_that_is_none_tells_nothing(tmp_path: Path, answer: bytes | None) -> None:
    assert not any(_told(tmp_path, answer).values())


def test_a_good_answer_is_taken(tmp_path: Path) -> None:
    assert _told(tmp_path, b'{"a.py": [1, 2]}') == {"a.py": {1, 2}}


def test_a_script_that_is_too_long_is_not_run(tmp_path: Path) -> None:
    assert _told(tmp_path, b'{"a.py": [1]}', "#" * 200_000) == {}


@dataclass
class Here:
    """Runs by this interpreter: our own code, on our own sample."""

    folder: Path

    def run(
        self, command: Sequence[str], *, timeout: float, environment: Mapping[str, str] | None = None
    ) -> CommandResult:
        assert command[0] == f"{ENVIRONMENT}/venv/bin/python"
        done = subprocess.run(
            (sys.executable, *command[1:]), cwd=self.folder, capture_output=True, timeout=timeout, check=False
        )
        return CommandResult(done.returncode, done.stdout.decode(), 0.0)

    def read(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()


TOTAL = "from __future__ import annotations\nfrom shop import Shop\nprint(Shop().total([1, 2]))\n"


@pytest.mark.parametrize("ending", ["", "raise ValueError(1)", "import sys; sys.exit(3)"])
def test_the_tracer_tells_the_lines_inside_of_functions(tmp_path: Path, ending: str) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    found = trace_lines(Here(tmp_path), TOTAL + ending)  # type: ignore[arg-type] # no more is asked of it
    assert found == {"shop.py": {2, 3, 5, 11, 12}}


@pytest.mark.parametrize("ending", ["while True: pass", "import time; time.sleep(1000)"])
def test_of_a_script_that_never_ends_the_beginning_is_told(tmp_path: Path, ending: str) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    found = trace_lines(Here(tmp_path), TOTAL + ending, 1.0)  # type: ignore[arg-type] # no more is asked of it
    assert found == {"shop.py": {2, 3, 5, 11, 12}}
