"""A pytest plug-in that writes down each test as it ends, so that a run that hangs or crashes still says what it found.

Runs inside the sandbox with the environment's own Python (3.7 or newer) and pytest (3 or newer); it is shipped there as
text and imports the standard library only. One JSON object stands on each line: `start` names a test, `id` tells how a
phase of it ended, `end` is the exit code of the session.
"""

from __future__ import annotations

import json
import os
import reprlib
import signal
from pathlib import Path
from typing import Any

import pytest

LONGEST_MESSAGE = 6000
LONGEST_VALUE = 80
MOST_LOCALS = 12
MOST_BYTES = 24000000
"""After so many bytes messages are left out, and only how each test ended is still written."""


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--repoagent-report", default="", help="where to write how each test ended")
    parser.addoption("--repoagent-seconds", type=float, default=0.0, help="how long one test may take")


def pytest_configure(config: Any) -> None:
    path = config.getoption("--repoagent-report")
    if path and not hasattr(config, "workerinput"):  # a worker of pytest-xdist reports to its master
        config.pluginmanager.register(Reporter(path), "repoagent_lines")
    seconds = config.getoption("--repoagent-seconds")
    if seconds and hasattr(signal, "setitimer"):
        config.pluginmanager.register(Clock(seconds), "repoagent_clock")


class Clock:
    """Ends a test that takes longer than `seconds`, so that the others are still run."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._has_rung = False

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, call: Any) -> Any:
        outcome = yield
        if call.when == "call":
            outcome.get_result().repoagent_timed_out = self._has_rung

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self) -> Any:
        self._has_rung = False
        before = signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, self._seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def _ring(self, _signal: int, _frame: Any) -> None:
        self._has_rung = True
        pytest.fail(f"The test took more than {self._seconds:.0f} s and was ended.")


class Reporter:
    """Writes to `path` what happens, at once."""

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("a", encoding="utf-8")  # noqa: SIM115 - it is open as long as pytest runs
        self._written = 0
        self._process = os.getpid()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._write({"start": nodeid})

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, call: Any) -> Any:
        outcome = yield
        if call.excinfo is not None:
            outcome.get_result().repoagent_locals = deepest_locals(call.excinfo.value.__traceback__)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or report.outcome != "passed":
            self._write(
                {
                    "id": report.nodeid,
                    "when": report.when,
                    "outcome": report.outcome,
                    "seconds": round(getattr(report, "duration", 0.0), 4),
                    "message": message(report),
                    "locals": getattr(report, "repoagent_locals", []),
                    "timed_out": getattr(report, "repoagent_timed_out", False),
                }
            )

    def pytest_collectreport(self, report: Any) -> None:
        if report.outcome == "failed":
            self._write({"id": report.nodeid, "when": "collect", "outcome": "failed", "message": message(report)})

    def pytest_sessionfinish(self, exitstatus: Any) -> None:
        self._write({"end": int(exitstatus)})

    def _write(self, event: dict[str, Any]) -> None:
        if os.getpid() != self._process:  # a test forked, and its child came out of the test
            return
        if self._written > MOST_BYTES:
            event = {name: value for name, value in event.items() if name not in ("message", "locals")}
        line = json.dumps(event) + "\n"
        self._written += len(line)
        self._file.write(line)
        self._file.flush()


def message(report: Any) -> str:
    """What is said of a test that did not pass; the end of it, where it is long."""
    if report.outcome == "passed":
        return ""
    longrepr = report.longrepr
    text = str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr or "")
    return text if len(text) <= LONGEST_MESSAGE else "\u2026" + text[-LONGEST_MESSAGE:]


def deepest_locals(traceback: Any) -> list[str]:
    """`name = value` for the local variables of the innermost frame whose file lies in the working directory."""
    inside, root = None, str(Path.cwd()) + os.sep
    while traceback is not None:
        path = traceback.tb_frame.f_code.co_filename
        if str(Path(path).absolute()).startswith(root) and "site-packages" not in path:
            inside = traceback.tb_frame
        traceback = traceback.tb_next
    if inside is None:
        return []
    named = [(name, value) for name, value in inside.f_locals.items() if not name.startswith(("@", "__"))]
    return [f"{name} = {shown(value)}" for name, value in named[:MOST_LOCALS]]


def shown(value: Any) -> str:
    """A short form of a value, whatever its own `__repr__` does."""
    try:
        text = _short.repr(value)
    except BaseException as error:  # the code of a repository may raise anything here
        text = f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "\u2026"


_short = reprlib.Repr()
_short.maxlevel, _short.maxstring, _short.maxother, _short.maxlong = 3, LONGEST_VALUE, LONGEST_VALUE, LONGEST_VALUE
