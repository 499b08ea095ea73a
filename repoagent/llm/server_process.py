"""The child process in which llama.cpp's own server runs; `serving` starts this file as a script.

It imports nothing of this package, and ends by itself as soon as nobody holds its lease (see `serving`), however its
owner ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xllamacpp

LEASE_SECONDS = 0.5
"""How often the lease is looked at."""


def main(arguments: list[str]) -> int:
    """Serve until the lease is free; the only argument is what `serving` wrote as JSON."""
    request = json.loads(arguments[0])
    threading.Thread(target=_end_with_lease, args=(Path(request["lease"]),), daemon=True).start()
    import xllamacpp

    server = xllamacpp.Server(_parameters(request))
    _announce(Path(request["announcement"]), server.listening_address)
    threading.Event().wait()
    return 0


def _parameters(request: dict[str, object]) -> xllamacpp.CommonParams:
    import xllamacpp

    slots, context, threads = (int(str(request[key])) for key in ("slots", "slot_context", "threads"))
    parameters = xllamacpp.CommonParams()
    parameters.model.path = request["weights"]
    parameters.model_alias = {request["name"]}
    parameters.n_parallel = slots
    parameters.n_ctx = slots * context
    # /infill keeps three quarters of a batch of the prefix and cuts the rest: a batch must hold a whole context.
    parameters.n_batch = max(2048, context)
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = request["port"]
    parameters.cors_origins = ""
    parameters.endpoint_slots = False
    parameters.endpoint_metrics = True
    parameters.ui = False
    # Prompts of slots that were taken over are kept here; the default of 8 GiB is more than a laptop can spare.
    parameters.cache_ram_mib = 1024
    parameters.fit_params = False
    return parameters


def _announce(path: Path, url: str) -> None:
    """Say that the server is ready, and where, in one step that no reader sees half done."""
    draft = path.with_suffix(".draft")
    draft.write_text(url, encoding="utf-8")
    draft.replace(path)


def _end_with_lease(lease: Path) -> None:
    """Exit once an exclusive lock can be had: then nobody holds a shared one, and nobody can take one any more."""
    with lease.open("rb") as file:
        while True:
            time.sleep(LEASE_SECONDS)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            lease.with_suffix(".json").unlink(missing_ok=True)
            lease.unlink(missing_ok=True)
            os._exit(0)  # the C++ threads have nothing to save, and joining them can take as long as an answer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
