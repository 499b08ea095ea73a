"""Read the rest of a tree in the background, in a process that goes on when the one that started it has ended.

`python -m repoagent.index.background ROOT CACHE`. One at a time for each tree; it writes into the cache only.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from threading import Thread

from repoagent.index.build import Index
from repoagent.index.facts import MIN_FILES_FOR_WORKERS

SWITCH = "REPOAGENT_INDEX_BEHIND"
"""Set to 0 where nothing shall go on after a command has ended."""

NICENESS = 10


def start_background_read(index: Index) -> bool:
    """Start a process that reads what `index` has not read yet; return whether one was started.

    None is started for fewer than MIN_FILES_FOR_WORKERS files, without a writable cache, or where SWITCH is 0.
    """
    file = index.store.file
    if file is None or len(index.files.pending) < MIN_FILES_FOR_WORKERS or os.environ.get(SWITCH) == "0":
        return False
    if not index.store.is_usable():
        return False
    # Not by `subprocess`: that warns of processes which outlive it, and this one shall.
    process = os.posix_spawn(
        sys.executable,
        (sys.executable, "-P", "-m", __name__, str(index.root), str(file)),
        {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
        file_actions=[(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)],
        setsid=True,
    )
    Thread(target=os.waitpid, args=(process, 0), daemon=True).start()
    return True


def main() -> None:
    """Read the tree at the first argument into the cache at the second, unless another process does so already."""
    from filelock import FileLock, Timeout

    root, cache = Path(sys.argv[1]), Path(sys.argv[2])
    name = hashlib.blake2b(os.fsencode(root), digest_size=8).hexdigest()
    os.nice(NICENESS)
    try:
        with FileLock(cache.with_name(f"{cache.name}.{name}.lock"), blocking=False):
            Index.build(root, cache)
    except Timeout:
        return


if __name__ == "__main__":
    main()
