"""The child process that runs llama.cpp's server, from the wheel or a compiled program; `serving` starts this file as a
script.

It imports nothing of this package, and ends by itself as soon as nobody holds its lease (see `serving`), however its
owner ended.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xllamacpp

LEASE_SECONDS = 0.5
"""Pause between two checks of the lease."""
READY_SECONDS = 0.1
"""Pause between two checks whether a program has loaded the weights."""


def main(arguments: list[str]) -> int:
    """Serve until the lease is free; the only argument is the request of `serving` as JSON."""
    request = json.loads(arguments[0])
    if request["program"]:
        return _run_program(request)
    _watch_lease(request)
    import xllamacpp

    server = xllamacpp.Server(_build_parameters(request))
    _announce_url(Path(request["announcement"]), server.listening_address)
    threading.Event().wait()
    return 0


def _build_parameters(request: dict[str, object]) -> xllamacpp.CommonParams:
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


def _run_program(request: dict[str, object]) -> int:
    """Run the program, announce it once it answers, and end with it."""
    port = int(str(request["port"])) or _find_free_port()
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        _build_command(request, port),
        stdin=subprocess.DEVNULL,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - no other thread runs yet
    ) as server:
        _watch_lease(request)
        while server.poll() is None and not _is_ready(address):
            time.sleep(READY_SECONDS)
        if server.poll() is None:
            _announce_url(Path(str(request["announcement"])), address)
        return server.wait()


def _build_command(request: dict[str, object], port: int) -> list[str]:
    """Build the command line of the program, with the same settings as the wheel's server gets."""
    slots, context = int(str(request["slots"])), int(str(request["slot_context"]))
    options = {
        "--model": request["weights"],
        "--alias": request["name"],
        "--parallel": slots,
        "--ctx-size": slots * context,
        "--batch-size": max(2048, context),
        "--threads": request["threads"],
        "--threads-batch": request["threads"],
        "--host": "127.0.0.1",
        "--port": port,
        "--cors-origins": "",
        "--cache-ram": 1024,
        "--fit": "off",
    }
    pairs = (str(word) for pair in options.items() for word in pair)
    return [str(request["program"]), *pairs, "--no-slots", "--metrics", "--no-ui"]


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_ready(address: str) -> bool:
    """Tell whether the weights are loaded; before that, the server answers with 503."""
    from urllib.error import URLError
    from urllib.request import ProxyHandler, build_opener

    try:
        with build_opener(ProxyHandler({})).open(f"{address}/health", timeout=5.0) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _die_with_parent() -> None:
    """Let the kernel end the program however this process ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


_PR_SET_PDEATHSIG = 1


def _announce_url(path: Path, url: str) -> None:
    """Write the URL of the ready server to `path` atomically."""
    draft = path.with_suffix(".draft")
    draft.write_text(url, encoding="utf-8")
    draft.replace(path)


def _watch_lease(request: dict[str, object]) -> None:
    threading.Thread(target=_end_with_lease, args=(Path(str(request["lease"])),), daemon=True).start()


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
