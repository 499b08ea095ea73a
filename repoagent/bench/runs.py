"""Carry out a run: create or open it, and run its stages solve, validate and evaluate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from repoagent.bench.datasets import Loaded, choose, load
from repoagent.bench.disk import DiskGuard, prune_environments
from repoagent.bench.gate import ModelGate, server_answers
from repoagent.bench.predictions import read_predictions, write_predictions
from repoagent.bench.run_config import Config
from repoagent.bench.schedule import Limits, Scheduler, Stopped, Watcher, unwatched
from repoagent.bench.store import Store
from repoagent.bench.task import Done, Solved, Stage, State, Task
from repoagent.domain import dump
from repoagent.domain import load as load_value
from repoagent.errors import UserError

if TYPE_CHECKING:
    from repoagent.bench.executors.base import Executor
    from repoagent.bench.instance import Instance


@dataclass(frozen=True)
class Means:
    """How a run is carried out; may differ from one call to the next."""

    workers: int = 1
    limits: Limits = field(default_factory=Limits)
    least_free: int = 2_000_000_000
    """Bytes that must be free on the disk before an instance starts."""
    keep_environments: int = 30_000_000_000
    """Bytes of test environments that stay when the disk gets full."""
    cluster: str = ""
    """`auto` or `ray://…`; empty for this machine alone."""
    resources: dict[str, float] = field(default_factory=dict)
    """What a node must have for one instance, beside a processor: `docker=1`, `GPU=0.5`."""
    labels: dict[str, str] = field(default_factory=dict)
    """Labels that a node must have."""
    model_patience: float = 1800.0


Make = Callable[[Path, Means], "Executor"]


# --- opening ----------------------------------------------------------------------------------------------------------


@contextmanager
def claimed(folder: Path, *, create: bool = False) -> Iterator[Store]:
    """Lock the run in `folder` for this process and open its store. Raises UserError where another process has it."""
    from filelock import FileLock, Timeout

    if create:
        folder.mkdir(parents=True, exist_ok=True)
    elif not folder.is_dir():
        raise UserError(f"there is no run {folder}")
    try:
        with FileLock(folder / ".lock", timeout=0), Store.create(folder) if create else Store.open(folder) as store:
            yield store
    except Timeout:
        raise UserError(f"another process works on {folder}: wait for it, or name another directory") from None


def settle(store: Store, config: Config) -> Config:
    """Store the request of a new run and its instances, or return the request of an existing one.

    Raises UserError where the existing run has another request.
    """
    known = store.meta("config")
    if known is None:
        loaded = load(config.dataset, split=config.split, repo=config.repo)
        _enter(store, loaded, choose(loaded.instances, config.choice))
        store.note("config", dump(config))
        return config
    begun = load_value(Config, known)
    if dump(begun) != dump(config):
        raise UserError(
            f"{store.folder} holds a run with other settings: continue it with `repoagent bench resume "
            f"{store.folder}`, or name another directory"
        )
    return begun


def _enter(store: Store, loaded: Loaded, chosen: Sequence[Instance]) -> None:
    """Add the instances to the run; invalid rows are added as unusable, with their errors."""
    store.add(chosen)
    store.plan("solve", [instance.id for instance in chosen])
    for refused in loaded.refused:
        store.refuse("solve", refused.name or f"row-{refused.number}", str(refused))


def import_predictions(store: Store, path: Path) -> int:
    """Import patches from a predictions file as the results of the agent; returns how many."""
    taken = 0
    for prediction in read_predictions(path):
        job = next((each for each in store.jobs("solve") if each.instance == prediction.instance_id), None)
        if job is not None and job.state is State.WAITING:
            store.begin("solve", job.instance)
            patch = prediction.model_patch or ""
            store.end("solve", job.instance, Done(State.FINISHED, solved=Solved(patch, "given" if patch else "none")))
            taken += 1
    return taken


# --- stages -----------------------------------------------------------------------------------------------------------


def solve_all(store: Store, config: Config, means: Means, make: Make, watch: Watcher = unwatched) -> Stopped:
    """Let the agent work on every unfinished instance, and write the predictions."""
    store.again("solve", [State.ENVIRONMENT])

    def make_task(identity: str, attempt: int) -> Task:
        seconds = config.settings.max_minutes * 60 * 1.25 + 300
        return _task("solve", store.instance(identity), config, seconds, attempt)

    try:
        return _stage(store, "solve", config, means, make, make_task, watch)
    finally:
        write_predictions(store, config.label)


def validate_all(store: Store, config: Config, means: Means, make: Make, watch: Watcher = unwatched) -> Stopped:
    """Find out for every instance whether it can be evaluated here."""
    store.plan("validate", [instance.id for instance in store.instances()])
    store.again("validate", [State.ENVIRONMENT])
    settings = config.settings

    def make_task(identity: str, attempt: int) -> Task:
        seconds = settings.build_minutes * 60 + settings.test_seconds * 4 + 600
        return _task("validate", store.instance(identity), config, seconds, attempt)

    return _stage(store, "validate", config, means, make, make_task, watch)


def evaluate_all(store: Store, config: Config, means: Means, make: Make, watch: Watcher = unwatched) -> Stopped:
    """Evaluate every patch that is not empty, of every instance that can be evaluated here."""
    excluded = {job.instance: job.done.validated for job in store.jobs("validate") if job.done and job.done.validated}
    ids = [job.instance for job in store.jobs("solve") if _has_patch(job.done)]
    store.plan("evaluate", [each for each in ids if each not in excluded or excluded[each].runnable])
    store.again("evaluate", [State.ENVIRONMENT])
    settings = config.settings

    def make_task(identity: str, attempt: int) -> Task:
        seconds = settings.build_minutes * 60 + settings.test_seconds * 2 + 600
        done = store.job("solve", identity).done
        known = excluded.get(identity)
        instance = store.instance(identity)
        if known and not instance.fail_to_pass:
            instance = replace(instance, fail_to_pass=known.fail_to_pass, pass_to_pass=known.pass_to_pass)
        made = _task("evaluate", instance, config, seconds, attempt)
        patch = done.solved.patch if done and done.solved else ""
        return replace(made, patch=patch, excluded=known.excluded if known else ())

    return _stage(store, "evaluate", config, means, make, make_task, watch)


def _has_patch(done: Done | None) -> bool:
    return bool(done and done.solved and done.solved.patch.strip())


def _task(stage: Stage, instance: Instance, config: Config, deadline: float, attempt: int) -> Task:
    return Task(
        stage,
        instance,
        config.settings,
        config.agent,
        mirrors=config.mirrors,
        deadline=deadline,
        keep=config.keep,
        attempt=attempt,
    )


def _stage(
    store: Store,
    stage: Stage,
    config: Config,
    means: Means,
    make: Make,
    make_task: Callable[[str, int], Task],
    watch: Watcher,
) -> Stopped:
    prune = prune_environments(config.settings.sandbox, means.keep_environments)
    disk = DiskGuard(store.folder, means.least_free, prune)
    gate = ModelGate(server_answers(config.settings.model), means.model_patience)
    with make(store.folder, means) as executor:
        return Scheduler(store, stage, executor, make_task, disk, gate, means.limits, watch).run()


def executor_for(folder: Path, means: Means) -> Executor:
    """Make the executor of a run: child processes on this machine, or a Ray cluster."""
    if not means.cluster:
        from repoagent.bench.executors.local import LocalExecutor

        return LocalExecutor(folder, means.workers)
    from repoagent.bench.executors.ray import RayExecutor

    return RayExecutor.connect(folder, means.cluster, means.workers, means.resources, means.labels)
