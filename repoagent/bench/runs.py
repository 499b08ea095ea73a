"""Carry out a run: create or open it, and run its stages solve, validate and evaluate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from repoagent.bench.datasets import LoadedDataset, load_dataset, select_instances
from repoagent.bench.disk import DiskGuard, make_environment_pruner
from repoagent.bench.gate import ModelGate, make_server_check
from repoagent.bench.predictions import read_predictions, write_predictions
from repoagent.bench.run_config import RunConfig
from repoagent.bench.schedule import RunLimits, Scheduler, StageWatcher, StopReason, ignore_progress
from repoagent.bench.store import ResultStore
from repoagent.bench.task import AgentResult, AttemptResult, BenchTask, JobState, Stage
from repoagent.domain import dump
from repoagent.domain import load as load_value
from repoagent.errors import UserError

if TYPE_CHECKING:
    from repoagent.bench.executors.base import TaskExecutor
    from repoagent.bench.instance import Instance


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out; may differ from one call to the next."""

    workers: int = 1
    limits: RunLimits = field(default_factory=RunLimits)
    min_free_bytes: int = 2_000_000_000
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


ExecutorFactory = Callable[[Path, RunOptions], "TaskExecutor"]


# --- opening ----------------------------------------------------------------------------------------------------------


@contextmanager
def lock_run(folder: Path, *, create: bool = False) -> Iterator[ResultStore]:
    """Lock the run in `folder` for this process and open its store. Raises UserError where another process has it."""
    from filelock import FileLock, Timeout

    if create:
        folder.mkdir(parents=True, exist_ok=True)
    elif not folder.is_dir():
        raise UserError(f"there is no run {folder}")
    try:
        with (
            FileLock(folder / ".lock", timeout=0),
            ResultStore.create(folder) if create else ResultStore.open(folder) as store,
        ):
            yield store
    except Timeout:
        raise UserError(f"another process works on {folder}: wait for it, or name another directory") from None


def open_or_create(store: ResultStore, config: RunConfig) -> RunConfig:
    """Store the request of a new run and its instances, or return the request of an existing one.

    Raises UserError where the existing run has another request.
    """
    known = store.read_value("config")
    if known is None:
        loaded = load_dataset(config.dataset, split=config.split, repo=config.repo)
        _add_instances(store, loaded, select_instances(loaded.instances, config.choice))
        store.write_value("config", dump(config))
        return config
    begun = load_value(RunConfig, known)
    if dump(begun) != dump(config):
        raise UserError(
            f"{store.folder} holds a run with other settings: continue it with `repoagent bench resume "
            f"{store.folder}`, or name another directory"
        )
    return begun


def _add_instances(store: ResultStore, loaded: LoadedDataset, chosen: Sequence[Instance]) -> None:
    """Add the instances to the run; invalid rows are added as unusable, with their errors."""
    store.add_instances(chosen)
    store.plan_jobs("solve", [instance.id for instance in chosen])
    for refused in loaded.refused:
        store.refuse_instance("solve", refused.name or f"row-{refused.number}", str(refused))


def import_predictions(store: ResultStore, path: Path) -> int:
    """Import patches from a predictions file as the results of the agent; returns how many."""
    taken = 0
    for prediction in read_predictions(path):
        job = next((each for each in store.read_jobs("solve") if each.instance == prediction.instance_id), None)
        if job is not None and job.state is JobState.WAITING:
            store.begin_attempt("solve", job.instance)
            patch = prediction.model_patch or ""
            store.end_attempt(
                "solve",
                job.instance,
                AttemptResult(JobState.FINISHED, solved=AgentResult(patch, "given" if patch else "none")),
            )
            taken += 1
    return taken


# --- stages -----------------------------------------------------------------------------------------------------------


def solve_all(
    store: ResultStore,
    config: RunConfig,
    means: RunOptions,
    make: ExecutorFactory,
    watch: StageWatcher = ignore_progress,
) -> StopReason:
    """Let the agent work on every unfinished instance, and write the predictions."""
    store.retry_jobs("solve", [JobState.ENVIRONMENT])

    def make_task(identity: str, attempt: int) -> BenchTask:
        seconds = config.settings.max_minutes * 60 * 1.25 + 300
        return _make_task("solve", store.read_instance(identity), config, seconds, attempt)

    try:
        return _run_stage(store, "solve", config, means, make, make_task, watch)
    finally:
        write_predictions(store, config.label)


def validate_all(
    store: ResultStore,
    config: RunConfig,
    means: RunOptions,
    make: ExecutorFactory,
    watch: StageWatcher = ignore_progress,
) -> StopReason:
    """Find out for every instance whether it can be evaluated here."""
    store.plan_jobs("validate", [instance.id for instance in store.read_instances()])
    store.retry_jobs("validate", [JobState.ENVIRONMENT])
    settings = config.settings

    def make_task(identity: str, attempt: int) -> BenchTask:
        seconds = settings.build_minutes * 60 + settings.test_seconds * 4 + 600
        return _make_task("validate", store.read_instance(identity), config, seconds, attempt)

    return _run_stage(store, "validate", config, means, make, make_task, watch)


def evaluate_all(
    store: ResultStore,
    config: RunConfig,
    means: RunOptions,
    make: ExecutorFactory,
    watch: StageWatcher = ignore_progress,
) -> StopReason:
    """Evaluate every patch that is not empty, of every instance that can be evaluated here."""
    excluded = {
        job.instance: job.done.validated for job in store.read_jobs("validate") if job.done and job.done.validated
    }
    ids = [job.instance for job in store.read_jobs("solve") if _has_patch(job.done)]
    store.plan_jobs("evaluate", [each for each in ids if each not in excluded or excluded[each].runnable])
    store.retry_jobs("evaluate", [JobState.ENVIRONMENT])
    settings = config.settings

    def make_task(identity: str, attempt: int) -> BenchTask:
        seconds = settings.build_minutes * 60 + settings.test_seconds * 2 + 600
        done = store.read_job("solve", identity).done
        known = excluded.get(identity)
        instance = store.read_instance(identity)
        if known and not instance.fail_to_pass:
            instance = replace(instance, fail_to_pass=known.fail_to_pass, pass_to_pass=known.pass_to_pass)
        made = _make_task("evaluate", instance, config, seconds, attempt)
        patch = done.solved.patch if done and done.solved else ""
        return replace(made, patch=patch, excluded=known.excluded if known else ())

    return _run_stage(store, "evaluate", config, means, make, make_task, watch)


def _has_patch(done: AttemptResult | None) -> bool:
    return bool(done and done.solved and done.solved.patch.strip())


def _make_task(stage: Stage, instance: Instance, config: RunConfig, deadline: float, attempt: int) -> BenchTask:
    return BenchTask(
        stage,
        instance,
        config.settings,
        config.agent,
        mirrors=config.mirrors,
        deadline=deadline,
        keep=config.keep,
        attempt=attempt,
    )


def _run_stage(
    store: ResultStore,
    stage: Stage,
    config: RunConfig,
    means: RunOptions,
    make: ExecutorFactory,
    make_task: Callable[[str, int], BenchTask],
    watch: StageWatcher,
) -> StopReason:
    prune = make_environment_pruner(config.settings.sandbox, means.keep_environments)
    disk = DiskGuard(store.folder, means.min_free_bytes, prune)
    gate = ModelGate(make_server_check(config.settings.model), means.model_patience)
    with make(store.folder, means) as executor:
        return Scheduler(store, stage, executor, make_task, disk, gate, means.limits, watch).run_stage()


def make_executor(folder: Path, means: RunOptions) -> TaskExecutor:
    """Make the executor of a run: child processes on this machine, or a Ray cluster."""
    if not means.cluster:
        from repoagent.bench.executors.local import LocalExecutor

        return LocalExecutor(folder, means.workers)
    from repoagent.bench.executors.ray import RayExecutor

    return RayExecutor.connect_to_cluster(folder, means.cluster, means.workers, means.resources, means.labels)
