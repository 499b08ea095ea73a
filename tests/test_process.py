"""Commands of the host: they end at their deadline with all that they started, and say what went wrong."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from repoagent.process import CommandFailed, run

PYTHON = sys.executable


def test_the_output_and_the_exit_code_are_told() -> None:
    done = run((PYTHON, "-c", "import sys; print(input()); print('no', file=sys.stderr); sys.exit(3)"),
               timeout=30, stdin=b"hello\n", check=False)  # fmt: skip
    assert (done.exit_code, done.text, done.complaint) == (3, "hello\n", "no")
    assert 0 < done.seconds < 30


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; sys.exit('no such thing')", "ended with 1: no such thing"),
        ("print('only output'); raise SystemExit(7)", "ended with 7: only output"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "ended with -15"),
    ],
)
def test_a_command_that_fails_says_how(code: str, message: str) -> None:
    with pytest.raises(CommandFailed, match=message) as caught:
        run((PYTHON, "-c", code), timeout=30)
    assert caught.value.completed is not None


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"the folder .*/gone is not there"):
        run(["true"], timeout=5, cwd=tmp_path / "gone")


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(CommandFailed, match="`no-such-program-here` is not installed") as caught:
        run(("no-such-program-here", "x"), timeout=5)
    assert caught.value.completed is None


def test_a_long_command_is_not_shown_whole() -> None:
    with pytest.raises(CommandFailed) as caught:
        run((PYTHON, "-c", "raise SystemExit(1)", "x" * 1000), timeout=30)
    assert len(str(caught.value)) < 300


STUBBORN = """\
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""
PARENT = """\
import os, subprocess, sys, time
script, written, seconds = sys.argv[1:]
quiet = subprocess.DEVNULL
subprocess.Popen((sys.executable, "-c", script, written), stdin=quiet, stdout=quiet, stderr=quiet)
while not (os.path.exists(written) and os.path.getsize(written)):
    time.sleep(0.01)
time.sleep(float(seconds))
"""


def test_at_the_deadline_grandchildren_end_too(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(CommandFailed, match="did not end within 3 s"):
        run((PYTHON, "-c", PARENT, STUBBORN, str(tmp_path / "pid"), "600"), timeout=3)
    assert time.monotonic() - started < 10
    assert not _alive(int((tmp_path / "pid").read_text()))


def test_what_a_command_leaves_running_ends_with_it(tmp_path: Path) -> None:
    run((PYTHON, "-c", PARENT, STUBBORN, str(tmp_path / "pid"), "0"), timeout=30)
    assert not _alive(int((tmp_path / "pid").read_text()))


def test_variables_are_added_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAYS", "1")
    monkeypatch.setenv("GOES", "2")
    code = "import os; print(os.environ.get('STAYS'), os.environ.get('GOES'), os.environ.get('COMES'))"
    done = run((PYTHON, "-c", code), timeout=30, environment={"GOES": None, "COMES": "3"})
    assert done.text.split() == ["1", "None", "3"]


def test_bytes_that_are_no_text_do_no_harm() -> None:
    done = run((PYTHON, "-c", r"import os; os.write(1, b'a\xff'); os.write(2, b'\xfe')"), timeout=30)
    assert (done.stdout, done.text, done.complaint) == (b"a\xff", "a\ufffd", "\ufffd")


def _alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody has waited for does not."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return False
        if state == "Z":
            return False
        time.sleep(0.02)
    return True
