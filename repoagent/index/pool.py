"""Read many files at once in worker processes: two are nearly twice as fast, and a file that kills or hangs the parser
costs that file alone."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Lock, Thread
from typing import IO

FILE_TIMEOUT_SECONDS = 10.0
"""Seconds for one file; the largest of Django takes 0.1. A process that is silent for longer is stopped, and the file
it was reading is given up."""

ANSWER_DELAY_SECONDS = 0.1
"""Seconds for which a worker collects answers, as waking up for each costs time. After a process has died, the next
one answers at once, so that the file that it dies of is known."""

MAX_PROCESSES = 8

WORKER_MODULE = "repoagent.index.worker"
"""The module that a worker process runs."""


class ReaderPool:
    """Worker processes that read files below `root` into the store at `store`; they start at once, and wait for work.

    They store facts and, for each kind in `layers`, the data derived from them.
    """

    def __init__(self, root: Path, store: Path, layers: Sequence[str] = ()) -> None:
        self._command = (sys.executable, "-P", "-m", WORKER_MODULE, str(root), str(store))
        self._layers = layers
        self._waiting = [self._start() for _ in range(count_processes())]
        self._lock = Lock()

    def read(self, paths: Sequence[str], progress: Callable[[int], None] | None = None) -> dict[str, bytes]:
        """Read files; return the key of each file's facts, empty where it could not be read or a process died of it."""
        count = min(len(self._waiting), len(paths))
        shares = [paths[n::count] for n in range(count)]
        busy, self._waiting = self._waiting[:count], self._waiting[count:]
        keys: dict[str, bytes] = {}

        def record(path: str, key: bytes) -> None:
            with self._lock:
                keys[path] = key
                if progress:
                    progress(len(keys))

        threads = [
            Thread(target=self._read_share, args=(process, share, record), daemon=True)
            for process, share in zip(busy, shares, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.close()
        return keys

    def close(self) -> None:
        """Stop the processes that still wait for work."""
        for process in self._waiting:
            _stop_process(process)
        self._waiting = []

    def _read_share(
        self, process: subprocess.Popen[bytes], paths: Sequence[str], record: Callable[[str, bytes], None]
    ) -> None:
        """Read all of `paths`, starting a new process whenever one dies or hangs."""
        careful = False
        while paths:
            done = 0
            for key in _read_answers(process, paths):
                record(paths[done], key)
                done += 1
            _stop_process(process)
            paths = paths[done:]
            if paths and careful:  # every answer came at once, so this is the one that it was at
                record(paths[0], b"")
                paths = paths[1:]
            if paths:
                careful = True
                process = self._start(0.0)

    def _start(self, patience: float = ANSWER_DELAY_SECONDS) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            (*self._command, str(patience), *self._layers),
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
            start_new_session=True,
        )


def count_processes() -> int:
    """Count the workers to start: one for each processor that this process may use, at most MAX_PROCESSES."""
    return max(1, min(len(os.sched_getaffinity(0)), MAX_PROCESSES))


def _read_answers(process: subprocess.Popen[bytes], paths: Sequence[str]) -> Iterator[bytes]:
    """Yield the keys that a process answers, until it has ended or is silent for too long."""
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 # they are pipes
    Thread(target=_send_paths, args=(process.stdin, paths), daemon=True).start()
    descriptor = process.stdout.fileno()
    left = b""
    while select.select([descriptor], [], [], FILE_TIMEOUT_SECONDS)[0]:
        data = os.read(descriptor, 1 << 16)
        if not data:
            return
        *lines, left = (left + data).split(b"\n")
        for line in lines:
            yield bytes.fromhex(line.decode())


def _send_paths(pipe: IO[bytes], paths: Sequence[str]) -> None:
    try:
        with pipe:
            pipe.write("".join(json.dumps(path) + "\n" for path in paths).encode())
    except OSError:  # it has ended; that is seen by its answers
        return


def _stop_process(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None and not pipe.closed:
            try:
                pipe.close()
            except OSError:
                continue
