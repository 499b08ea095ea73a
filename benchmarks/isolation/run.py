"""Measures what isolation costs each of N candidates beside bare pytest: `python benchmarks/isolation/run.py TREE …`.

TREE is a Python project's work tree whose tests pass. Each way runs the tests once for each candidate, as many at once
as there are processors; bare pytest does the same in one container, without anything between its runs. The ways are
taken in turn, `--rounds` times. Progress goes to standard error, JSON to standard output.

Overlays are measured in a container with rights that no sandbox of this program has (`CAP_SYS_ADMIN`, no seccomp).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from repoagent.app.testbed import prepare_testbed
from repoagent.domain import Ending
from repoagent.sandbox import choose_engine
from repoagent.sandbox.base import REPOSITORY, Sandbox, SandboxMaker
from repoagent.sandbox.owner import OWNER_LABEL, Owner
from repoagent.sandbox.pool import SandboxPool
from repoagent.testbed.build_plan import UserOverrides
from repoagent.testbed.ecosystems.python.plans import PYTHON
from repoagent.testbed.runner import Testbed
from repoagent.testbed.running.base import VARIABLES

PARALLEL = os.cpu_count() or 2
SECONDS = 900.0
PYTEST = f"{PYTHON} -m pytest -q --tb=short --continue-on-collection-errors -p no:cacheprovider -o addopts= --junitxml"


@dataclass(frozen=True)
class Way:
    """A way to test many candidates; `run` takes how many."""

    name: str
    run: Callable[[int], None]
    bare: str = ""
    """The way that it is compared with; empty for a way that others are compared with."""
    lasting: bool = True
    """Whether its containers are there before and after, so that the processor time spent in them can be told."""


def main() -> None:
    """Measure all trees, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--candidates", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lasting", action="store_true", help="Only the ways whose processor time can be told.")
    arguments = parser.parse_args()
    found = {
        tree.name: _measured(tree, arguments.candidates, arguments.rounds, lasting=arguments.lasting)
        for tree in arguments.trees
    }
    machine = {"processors": PARALLEL, "system": platform.release(), "day": str(datetime.now(UTC).date())}
    json.dump({"machine": machine, "candidates": arguments.candidates, "trees": found}, sys.stdout, indent=1)


def _measured(tree: Path, candidates: int, rounds: int, *, lasting: bool) -> dict[str, dict[str, float]]:
    docker, jail = (
        prepare_testbed(tree, choose_engine(name), None, UserOverrides(), SECONDS, lambda _: None)
        for name in ("docker", "bubblewrap")
    )
    taken: dict[str, list[float]] = {}
    spent: dict[str, list[float]] = {}
    with _ways(docker, jail) as ways:
        chosen = [way for way in ways if way.lasting or not lasting]
        for _ in range(rounds):
            for way in chosen:
                started, used = time.monotonic(), _processor_time()
                way.run(candidates)
                taken.setdefault(way.name, []).append(time.monotonic() - started)
                spent.setdefault(way.name, []).append(_processor_time() - used)
                print(f"{tree.name}: {way.name}: {taken[way.name][-1]:.2f} s", file=sys.stderr, flush=True)
        return {way.name: _told(way, taken, spent, candidates) for way in chosen}


def _processor_time() -> float:
    """Seconds of this process, of its dead children, and of the containers that it has; not of the engine, nor of what
    was killed with its namespace."""
    import docker

    own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    filters: dict[str, str | list[str] | bool] = {"label": f"{OWNER_LABEL}={Owner.from_this_process()}"}
    with closing(docker.from_env()) as client:
        found: list[int] = [
            client.api.stats(str(container.id), stream=False, one_shot=True)["cpu_stats"]["cpu_usage"]["total_usage"]
            for container in client.containers.list(filters=filters)
        ]
    return own + sum(found) / 1e9


def _told(way: Way, taken: dict[str, list[float]], spent: dict[str, list[float]], candidates: int) -> dict[str, float]:
    """The best round counts least what else the machine had to do; processor time counts none of it."""
    told = {"seconds for each": round(min(taken[way.name]) / candidates, 3)}
    if way.lasting:
        told["processor seconds for each"] = round(min(spent[way.name]) / candidates, 3)
    if way.bare:
        ratios = [seconds / bare for seconds, bare in zip(taken[way.name], taken[way.bare], strict=True)]
        told["to bare pytest, best rounds"] = round(min(taken[way.name]) / min(taken[way.bare]), 3)
        told["to bare pytest, median of rounds"] = round(statistics.median(ratios), 3)
    if way.bare and way.lasting:
        told["to bare pytest, processor time"] = round(min(spent[way.name]) / min(spent[way.bare]), 3)
    return told


@contextmanager
def _ways(docker: Testbed, jail: Testbed) -> Iterator[Sequence[Way]]:
    """All ways; the warm ones have as many sandboxes idle as will be used at once."""
    with (
        SandboxPool(choose_engine("docker"), PARALLEL) as warm,
        SandboxPool(choose_engine("bubblewrap"), PARALLEL) as jails,
    ):
        for pool, bed in ((warm, docker), (jails, jail)):
            _warm(pool, bed)
        yield (
            Way("bare pytest, in a container", lambda n: _bare(warm, docker, n)),
            Way(
                "docker: a container each",
                lambda n: _all(docker.engine, docker, n),
                "bare pytest, in a container",
                False,
            ),
            Way("docker: one for all, reset", lambda n: _all(warm, docker, n), "bare pytest, in a container"),
            Way("docker: the same, first opened", lambda n: _cold(docker, n), "bare pytest, in a container", False),
            Way(
                "docker: copied trees, no reset", lambda n: _bare(warm, docker, n, _COPY), "bare pytest, in a container"
            ),
            Way("docker: overlays", lambda n: _overlays(docker, n), "bare pytest, in a container", False),
            Way("bare pytest, in a jail", lambda n: _bare(jails, jail, n), "", False),
            Way("bubblewrap: a jail each", lambda n: _all(jail.engine, jail, n), "bare pytest, in a jail", False),
            Way("bubblewrap: one for all, reset", lambda n: _all(jails, jail, n), "bare pytest, in a jail", False),
        )


def _warm(pool: SandboxPool, bed: Testbed) -> None:
    opened = [pool.open(bed.environment, bed.root, bed.limits) for _ in range(PARALLEL)]
    for sandbox in opened:
        sandbox.__exit__(None, None, None)


def _all(engine: SandboxMaker, bed: Testbed, candidates: int) -> None:
    """As the graph tests candidates: a sandbox, an edit, the tests, their report."""

    def one(number: int) -> None:
        with engine.open(bed.environment, bed.root, bed.limits) as sandbox:
            sandbox.write({f"candidate_{number}.txt": b"x"})
            report = bed.run(sandbox, (), SECONDS)
        if report.ending is not Ending.COMPLETED or report.failed:
            raise SystemExit(f"the tests do not pass: {report.log[-500:]}")

    with ThreadPoolExecutor(PARALLEL) as threads:
        list(threads.map(one, range(candidates)))


def _cold(bed: Testbed, candidates: int) -> None:
    with SandboxPool(choose_engine("docker"), PARALLEL) as pool:
        _all(pool, bed, candidates)


# Each worker takes every so many-th candidate. The last line tells whether all passed.
_LOOP = """
worker() {{ for n in $(seq $1 {parallel} {candidates}); do {one} || touch /tmp/failed; done; }}
for w in $(seq {parallel}); do worker $w & done
wait; [ ! -e /tmp/failed ]
"""
_PLAIN = "{pytest} /tmp/$n.xml >/tmp/$n.log 2>&1"
_COPY = f"cp -a {REPOSITORY} /tmp/copy-$n && cd /tmp/copy-$n && {{pytest}} /tmp/$n.xml >/tmp/$n.log 2>&1"


def _bare(engine: SandboxMaker, bed: Testbed, candidates: int, one: str = _PLAIN) -> None:
    with engine.open(bed.environment, bed.root, bed.limits) as sandbox:
        _loop(sandbox, candidates, one)


def _loop(sandbox: Sandbox, candidates: int, one: str) -> None:
    script = _LOOP.format(parallel=PARALLEL, candidates=candidates, one=one.format(pytest=PYTEST))
    finished = sandbox.run(("sh", "-c", script), timeout=SECONDS, environment=VARIABLES)
    if finished.exit_code:
        raise SystemExit(f"bare pytest does not pass: {finished.output[-500:]}")


_MOUNT = f"""
import ctypes, os, sys
number, command = sys.argv[1], sys.argv[2:]
where = f"lowerdir={REPOSITORY},upperdir=/tmp/{{number}}/up,workdir=/tmp/{{number}}/work"
if ctypes.CDLL(None, use_errno=True).mount(b"overlay", b"{REPOSITORY}", b"overlay", 0, where.encode()):
    sys.exit(os.strerror(ctypes.get_errno()))
os.chdir("{REPOSITORY}")
os.execvp("setpriv", ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", *command])
"""
_OVERLAY = (
    "{{ mkdir -p /tmp/$n/up /tmp/$n/work && unshare --mount --pid --fork --mount-proc python3 -c "
    + shlex.quote(_MOUNT.replace("{", "{{").replace("}", "}}"))
    + " $n {variables} {pytest} /tmp/$n.xml >/tmp/$n.log 2>&1; }}"
)


def _overlays(bed: Testbed, candidates: int) -> None:
    """A mount namespace and a process namespace for each candidate, in one container that may make them."""
    import docker

    from repoagent.sandbox.archive import pack_repository

    variables = shlex.join(["env", *(f"{name}={value}" for name, value in VARIABLES.items())])
    one = _OVERLAY.format(variables=variables, pytest=PYTEST)
    script = _LOOP.format(parallel=PARALLEL, candidates=candidates, one=one)
    with closing(docker.from_env()) as client:
        container = client.containers.run(
            bed.environment.reference,
            ["sleep", "infinity"],
            detach=True,
            entrypoint=[],
            user="0:0",
            network_mode="none",
            cap_add=["SYS_ADMIN"],
            security_opt=["seccomp=unconfined", "apparmor=unconfined"],
            tmpfs={"/tmp": "rw,exec,mode=1777"},  # noqa: S108 - inside
        )
        try:
            with pack_repository(bed.root) as packed:
                container.put_archive(REPOSITORY, packed)
            container.exec_run(["chown", "-R", "1000:1000", REPOSITORY])
            container.exec_run(["sh", "-c", f"cp -RP /opt/environment/built/. {REPOSITORY}"])
            if container.exec_run(["sh", "-c", script]).exit_code:
                logs = container.exec_run(["sh", "-c", "tail -n 5 /tmp/*.log"]).output
                raise SystemExit(f"overlays do not work here: {logs!r}")
        finally:
            container.remove(force=True)


if __name__ == "__main__":
    main()
