"""A person works in a sandbox: over a real terminal, in each engine."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from repoagent.sandbox.base import Engine, Environment

PERSON = """
import sys
from pathlib import Path
from repoagent.sandbox.base import Environment
from repoagent.sandbox.bubblewrap import BubblewrapEngine
from repoagent.sandbox.docker import DockerEngine
engine = DockerEngine() if sys.argv[1] == "docker" else BubblewrapEngine()
with engine.open(Environment(sys.argv[2], sys.argv[3]), Path(sys.argv[4])) as sandbox:
    sys.exit(sandbox.interact())
"""
SIZE = (40, 117)
PATIENCE = 120.0
"""Seconds; a busy machine is slow, and not wrong."""


@pytest.fixture
def command(engine: Engine, environment: Environment, repository: Path) -> list[str]:
    return [sys.executable, "-c", PERSON, engine.name, environment.key, environment.reference, str(repository)]


@pytest.mark.parametrize("started", [[], ["sh", "-c", 'trap "" INT QUIT; exec "$@"', "sh"]], ids=["", "deaf"])
def test_a_person_has_a_terminal_and_the_shells_exit_code(started: list[str], command: list[str]) -> None:
    """Also where this program was started by one that ignores interrupts."""
    ours, theirs = pty.openpty()
    subprocess.run(["stty", "rows", str(SIZE[0]), "cols", str(SIZE[1])], stdin=theirs, check=True)
    with (
        subprocess.Popen(
            [*started, *command], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        ) as person,
        ended(person),
    ):
        os.close(theirs)
        shown = wait_for(ours, rb"[$#] $")
        os.write(ours, b"stty size; id -u; pwd; sh -c 'echo r''eady; exec sleep 1000'\r")
        shown += wait_for(ours, rb"/work/repo\r\nready\r\n$")
        os.write(ours, b"\x03")  # the interrupt key reaches what runs inside, and not this program
        shown += wait_for(ours, rb"[$#] $")
        os.write(ours, b"cat tracked.txt; exit 7\r")
        shown += wait_for(ours, rb"from the host")
        assert person.wait(PATIENCE) == 7
    os.close(ours)
    assert f"{SIZE[0]} {SIZE[1]}\r\n".encode() in shown
    assert b"\r\n0\r\n" not in shown


def test_without_a_terminal_the_input_is_run_as_a_script(command: list[str]) -> None:
    script = b"cat tracked.txt\nexit 5\n"
    done = subprocess.run(command, input=script, capture_output=True, timeout=PATIENCE, check=False)
    assert (done.returncode, b"from the host" in done.stdout) == (5, True), done


@contextmanager
def ended(person: subprocess.Popen[bytes]) -> Iterator[None]:
    """Nobody waits for a shell that nobody types into any more."""
    try:
        yield
    finally:
        person.kill()


def wait_for(terminal: int, pattern: bytes) -> bytes:
    """What is shown up to `pattern`, without the codes that colour it."""
    shown = b""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 65536)
        plain = re.sub(rb"\x1b\[[?0-9;]*[a-zA-Z]", b"", shown)
        if re.search(pattern, plain):
            return plain
    raise AssertionError(f"{pattern!r} was not shown: {shown!r}")
