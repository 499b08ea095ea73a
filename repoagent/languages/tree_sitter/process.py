"""Has texts read by a `worker`, so that one which hangs or kills the parser costs nothing but that text."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from contextlib import suppress
from functools import lru_cache
from threading import Lock
from typing import Final

from repoagent.edits.encoding import make_parsable
from repoagent.languages.tree_sitter.syntax import DefinitionSpan, Syntax

SECONDS: Final = 10.0
"""Of the processor, for one text; a megabyte of C takes four."""

MEMORY: Final = 4 << 30
"""Bytes of addresses; `<T<T<T…` has the grammar of C# ask for all there are."""

_WORKER: Final = "repoagent.languages.tree_sitter.worker"
_KEPT: Final = 128


class ParserProcess:
    """A process that reads one text after the other; started when it is first asked, and again when it has died."""

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self._command = (sys.executable, "-P", "-m", _WORKER, str(seconds), str(memory))
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()

    def read(self, language: str, text: str) -> Syntax:
        """What is known of `text`; with a failure where the parser hung or died of it. Threads wait for each other."""
        request = json.dumps([language, text]).encode() + b"\n"
        with self._lock:
            answer = self._ask(request)
            if not answer:
                self._end()
        return _decode(answer) if answer else Syntax(failure="the parser gave up")

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._end()

    def _ask(self, request: bytes) -> bytes:
        if self._process is None:
            self._process = self._start()
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018 # they are pipes
        with suppress(OSError):
            self._process.stdin.write(request)
            self._process.stdin.flush()
            return self._process.stdout.readline()
        return b""

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
            start_new_session=True,
        )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()


def _decode(answer: bytes) -> Syntax:
    failure, definitions, errors, first_error, fingerprint, literals = json.loads(answer)
    spans = (DefinitionSpan._make(fields) for fields in definitions)
    spans = (span._replace(prefix=tuple(span.prefix)) for span in spans)
    return Syntax(failure, tuple(spans), errors, first_error, fingerprint, tuple(literals))


_shared: Final = ParserProcess()
atexit.register(_shared.close)


@lru_cache(maxsize=_KEPT)
def read_syntax(language: str, source: str) -> Syntax:
    """What is known of `source`, by the process that all share; undecoded bytes are read as Latin-1."""
    return _shared.read(language, make_parsable(source))
