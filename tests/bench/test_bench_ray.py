"""A run on a real Ray cluster of several nodes on this machine: workers and a whole node are killed in mid-run."""

from __future__ import annotations

import io
import os
import signal
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from repoagent.bench.executors.ray import RayExecutor, pack_traces, unpack_traces
from repoagent.bench.run_config import RunConfig
from repoagent.bench.runs import RunOptions, lock_run, make_executor, open_or_create, solve_all
from repoagent.bench.schedule import RunLimits
from repoagent.bench.task import Agent, JobState
from repoagent.errors import EnvironmentFailed
from tests.bench.conftest import RIGHT, History, row, settings, write_rows

pytestmark = [
    pytest.mark.docker,  # heavy, and of no use where nothing can be run in a sandbox
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
COUNT = 12


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head that takes no tasks, and two nodes with one place each."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    root = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (root, root / "tools", root / "prompts"))))
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for number in (1, 2):
            made.add_node(num_cpus=1, resources={"docker": 1}, labels={"kind": f"node{number}"})
        yield made
    finally:
        made.shutdown()  # type: ignore[no-untyped-call] # Ray's own lack of a type


def test_a_worker_and_a_node_that_are_lost_cost_no_instance(cluster: Any, history: History, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    agent = f"echo $REPOAGENT_INSTANCE $PPID >> {ledger}; echo told; sleep 0.5; printf '%s' '{RIGHT}' > shop.py"
    rows = write_rows(tmp_path / "rows.jsonl", *(row(f"shop-{number:02}") for number in range(COUNT)))
    config = RunConfig(str(rows), settings(), Agent("command", agent), mirrors=str(history.path.parent), name="ray")
    given = RunOptions(0, RunLimits(backoff=0.1), 1_000_000, cluster=cluster.address, resources={"docker": 1.0})
    killer = Thread(target=_kill, args=(cluster, ledger))

    with lock_run(tmp_path / "run", create=True) as store:
        killer.start()
        assert solve_all(store, open_or_create(store, config), given, make_executor) == ""
        killer.join()
        jobs = {job.instance: job for job in store.read_jobs("solve")}

    assert {job.state for job in jobs.values()} == {JobState.FINISHED}
    assert len(jobs) == COUNT
    patches = [job.done.solved.patch for job in jobs.values() if job.done and job.done.solved]
    assert ["+    return sum(values)" in patch for patch in patches] == [True] * COUNT
    lost = [job for job in jobs.values() if job.failures]
    assert lost, "something was in flight when the node went"
    assert all(job.attempts == 1 + job.failures for job in jobs.values())
    traces = tmp_path / "run" / "instances"
    assert all((traces / name / "output.log").read_text() == "told\n" for name in jobs)


def _kill(cluster: Any, ledger: Path) -> None:
    """A worker after the second instance has begun, a node with all that is on it after the fifth."""
    _wait_for(ledger, 2)
    child = int(ledger.read_text().splitlines()[-1].split()[1])
    os.kill(_parent(child), signal.SIGKILL)
    _wait_for(ledger, 5)
    cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)


def _wait_for(ledger: Path, begun: int) -> None:
    deadline = time.monotonic() + 120
    while not ledger.exists() or len(ledger.read_text().splitlines()) < begun:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_instances_go_only_where_the_label_is(cluster: Any, history: History, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", row("a"), row("b"))
    config = RunConfig(str(rows), settings(), Agent("empty"), mirrors=str(history.path.parent))
    given = RunOptions(2, RunLimits(), 1_000_000, cluster=cluster.address, labels={"kind": "node2"})
    with lock_run(tmp_path / "run", create=True) as store:
        assert solve_all(store, open_or_create(store, config), given, make_executor) == ""
        assert store.count_states("solve") == {JobState.FINISHED: 2}


def test_a_cluster_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="ray start --head"):
        RayExecutor.connect_to_cluster(tmp_path, "127.0.0.1:1", 1, {}, {})


def test_traces_travel_and_work_trees_stay(tmp_path: Path) -> None:
    for name in ("session/events.jsonl", "session/workspace/a.py", "tree/b.py", "output.log"):
        (tmp_path / "node" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "node" / name).write_text(name)
    unpack_traces(pack_traces(tmp_path / "node"), tmp_path / "run")
    found = {str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert found == {"session/events.jsonl", "output.log"}


def test_an_archive_of_a_node_cannot_write_elsewhere(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        hostile = tarfile.TarInfo("../outside")
        hostile.size = 1
        archive.addfile(hostile, io.BytesIO(b"x"))
    unpack_traces(buffer.getvalue(), tmp_path / "run")
    assert not (tmp_path / "outside").exists()
