"""Runs pytest, and writes down which functions of the repository each test calls.

Runs inside the sandbox with the environment's own Python (3.7 or newer) and pytest (3 or newer); it is shipped there as
text. Its arguments are the file that it writes, and those of pytest. One JSON object stands on each line: `function`
gives the next number, counted from 0, to a file and a line; `test` names a test with the numbers of the functions that
it calls, its fixtures included; `end` is the exit code of the session. What a test runs in other processes is not seen.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

MAX_BYTES = 24000000
"""After so many bytes no more is written, the end neither: what is there is a part."""
TOOL = 4
"""Of `sys.monitoring`, where it is: an id that debuggers and coverage.py leave alone."""


class CallTrace:
    """Watches each test from its first fixture to its last."""

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("w", encoding="utf-8")  # noqa: SIM115 - it is open as long as pytest runs
        self._root = str(Path.cwd()) + os.sep
        self._numbers: dict[tuple[str, int], int] = {}
        self._called: dict[int, Any] = {}
        self._written = 0
        self._process = os.getpid()
        self._monitoring = getattr(sys, "monitoring", None)
        if self._monitoring is not None:
            self._monitoring.use_tool_id(TOOL, "repoagent")
            self._monitoring.register_callback(TOOL, self._monitoring.events.PY_START, self._record_start)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        self._called = {}
        self._start_watching()
        try:
            yield
        finally:
            self._stop_watching()
            self._write_test(item.nodeid)

    def pytest_sessionfinish(self, exitstatus: Any) -> None:
        if self._written <= MAX_BYTES:
            self._write({"end": int(exitstatus)})
        self._file.flush()

    def _start_watching(self) -> None:
        if self._monitoring is not None:
            self._monitoring.set_events(TOOL, self._monitoring.events.PY_START)
            self._monitoring.restart_events()
            return
        threading.setprofile(self._record_call)
        sys.setprofile(self._record_call)

    def _stop_watching(self) -> None:
        if self._monitoring is not None:
            self._monitoring.set_events(TOOL, 0)
            return
        sys.setprofile(None)
        threading.setprofile(None)

    def _record_start(self, code: Any, _offset: int) -> Any:
        """Called once for each function and test: after that it costs nothing."""
        self._called[id(code)] = code
        return self._monitoring.DISABLE if self._monitoring is not None else None

    def _record_call(self, frame: Any, event: str, _argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            if id(code) not in self._called:  # a code object's own hash is slow
                self._called[id(code)] = code

    def _write_test(self, test: str) -> None:
        if os.getpid() != self._process or self._written > MAX_BYTES:  # of a fork, only its parent speaks
            return
        places = {(code.co_filename, code.co_firstlineno) for code in list(self._called.values())}
        own = sorted(place for place in map(self._make_relative, places) if place is not None)
        self._write({"test": test, "calls": [self._number_place(place) for place in own]})

    def _make_relative(self, place: tuple[str, int]) -> tuple[str, int] | None:
        """Make a path relative to the repository; None for a file outside."""
        path = os.path.abspath(place[0])  # noqa: PTH100 - resolving links would ask the disk for every function
        inside = path.startswith(self._root) and "site-packages" not in path and not place[0].startswith("<")
        return (path[len(self._root) :], place[1]) if inside else None

    def _number_place(self, place: tuple[str, int]) -> int:
        if place not in self._numbers:
            self._numbers[place] = len(self._numbers)
            self._write({"function": list(place)})
        return self._numbers[place]

    def _write(self, event: dict[str, Any]) -> None:
        line = json.dumps(event) + "\n"
        self._written += len(line)
        self._file.write(line)
        if "test" in event:
            self._file.flush()  # a run that is ended has told what it knew


if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[2:], plugins=[CallTrace(sys.argv[1])]))
