"""Collect the results of a run into rows for reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from repoagent.bench.instance import Instance, count_changed_lines, list_changed_files
from repoagent.bench.layout import get_instance_folder
from repoagent.bench.reporting.statistics import Rate
from repoagent.bench.run_config import RunConfig, read_run_config
from repoagent.bench.store import InstanceJob, ResultStore
from repoagent.bench.task import Evaluation, Finding, InstanceValidation, JobState

Failure = Literal[
    "resolved",
    "localised wrong",
    "no candidate",
    "claimed verified, and wrong",
    "not verified",
    "regressed",
    "patch does not apply",
    "agent crashed",
    "agent timed out",
    "environment",
    "unusable",
    "not judged",
    "not run",
]
"""The outcome of an instance, most specific first."""


@dataclass(frozen=True)
class ReportRow:
    """One instance of one run."""

    id: str
    repository: str
    difficulty: str
    size: int
    """Lines that the reference patch changes."""
    state: JobState
    outcome: str
    confidence: str
    resolved: bool | None
    """None where it was not evaluated."""
    runnable: bool | None
    """None where it was not validated."""
    failure: Failure
    reason: str
    seconds: float
    """As counted by the agent, else by its worker."""
    read: int
    """Tokens of prompts."""
    written: int
    """Tokens of answers."""
    calls: int
    attempts: int
    failures: int
    """Attempts that the infrastructure failed."""
    interruptions: int
    rank: int | None
    """Of the first suspected file that the reference patch changes; None for no hit."""
    suspected: bool
    """Whether the agent reported suspicious files."""
    right_file: bool | None
    """Whether the patch changes a file that the reference patch does; None without a patch."""
    findings: tuple[Finding, ...]
    patch: str
    reference: str
    judged: Evaluation | None
    folder: Path
    """The folder of its traces."""

    @property
    def tokens(self) -> int:
        return self.read + self.written


@dataclass(frozen=True)
class RunData:
    """One run with its rows."""

    label: str
    folder: Path
    config: RunConfig
    rows: tuple[ReportRow, ...]
    started: float | None
    ended: float | None

    @property
    def evaluable_rows(self) -> tuple[ReportRow, ...]:
        """The instances whose result says something about the agent: those that can be evaluated here."""
        return tuple(row for row in self.rows if row.runnable is not False and row.state is not JobState.UNUSABLE)

    @property
    def rate(self) -> Rate:
        """Resolved among those that can be evaluated; an instance counts as not resolved whatever the reason."""
        return compute_rate(self.evaluable_rows)


def compute_rate(rows: Sequence[ReportRow]) -> Rate:
    """Compute how many of `rows` are resolved."""
    return Rate(sum(row.resolved is True for row in rows), len(rows))


def collect_run(folder: Path) -> RunData:
    """Read everything about the run in `folder`. Raises UserError where there is none."""
    with ResultStore.open(folder) as store:
        config = read_run_config(store)
        rows = tuple(_collect_rows(store))
        times = [(job.started, job.ended) for job in store.read_jobs("solve")]
    begun = [start for start, _ in times if start]
    over = [end for _, end in times if end]
    return RunData(config.label, folder, config, rows, min(begun, default=None), max(over, default=None))


def _collect_rows(store: ResultStore) -> Iterator[ReportRow]:
    judged = {job.instance: job for job in store.read_jobs("evaluate")}
    validated = {job.instance: job.done.validated for job in store.read_jobs("validate") if job.done}
    known = {instance.id for instance in store.read_instances()}
    for job in store.read_jobs("solve"):
        instance = store.read_instance(job.instance) if job.instance in known else Instance(job.instance, "", "", "")
        yield _make_row(store.folder, instance, job, judged.get(job.instance), validated.get(job.instance))


def _make_row(
    run: Path,
    instance: Instance,
    job: InstanceJob,
    evaluation: InstanceJob | None,
    validated: InstanceValidation | None,
) -> ReportRow:
    solved = job.done.solved if job.done else None
    judged = evaluation.done.judged if evaluation and evaluation.done else None
    wanted = set(list_changed_files(instance.patch))
    patch = solved.patch if solved else ""
    resolved = _decide_resolved(job, patch, judged)
    rank = next((n for n, path in enumerate(solved.located, 1) if path in wanted), None) if solved else None
    right_file = bool(wanted & set(list_changed_files(patch))) if patch.strip() and wanted else None
    return ReportRow(
        id=instance.id,
        repository=instance.repository,
        difficulty=instance.difficulty or "unknown",
        size=count_changed_lines(instance.patch),
        state=job.state,
        outcome=solved.outcome if solved else "",
        confidence=solved.confidence if solved else "",
        resolved=resolved,
        runnable=validated.runnable if validated else None,
        failure=_classify_failure(job, patch, judged, resolved, right_file),
        reason=_choose_reason(job, evaluation, validated),
        seconds=(solved.seconds if solved and solved.seconds else job.done.seconds if job.done else 0.0),
        read=solved.usage.prompt_tokens if solved else 0,
        written=solved.usage.completion_tokens if solved else 0,
        calls=solved.usage.calls if solved else 0,
        attempts=job.attempts,
        failures=job.failures,
        interruptions=job.interruptions,
        rank=rank,
        suspected=bool(solved and solved.located),
        right_file=right_file,
        findings=solved.findings if solved else (),
        patch=patch,
        reference=instance.patch,
        judged=judged,
        folder=get_instance_folder(run, "solve", instance.id),
    )


def _decide_resolved(job: InstanceJob, patch: str, judged: Evaluation | None) -> bool | None:
    if judged:
        return judged.is_resolved
    return False if job.state.is_final and job.state is not JobState.UNUSABLE and not patch.strip() else None


_BY_STATE: dict[JobState, Failure] = {
    JobState.WAITING: "not run",
    JobState.RUNNING: "not run",
    JobState.CRASHED: "agent crashed",
    JobState.TIMED_OUT: "agent timed out",
    JobState.ENVIRONMENT: "environment",
    JobState.UNUSABLE: "unusable",
}


def _classify_failure(
    job: InstanceJob, patch: str, judged: Evaluation | None, resolved: bool | None, right_file: bool | None
) -> Failure:
    if job.state in _BY_STATE:
        return _BY_STATE[job.state]
    if resolved:
        return "resolved"
    if not patch.strip():
        return "no candidate"
    if judged is None:
        return "not judged"
    return _classify_patch(job, judged, right_file)


def _classify_patch(job: InstanceJob, judged: Evaluation, right_file: bool | None) -> Failure:
    """Classify why an evaluated patch does not resolve its instance."""
    if not judged.applied:
        return "patch does not apply"
    if judged.broken and not judged.unfixed:
        return "regressed"
    if right_file is False:
        return "localised wrong"
    claimed = job.done is not None and job.done.solved is not None and job.done.solved.outcome == "verified"
    return "claimed verified, and wrong" if claimed else "not verified"


def _choose_reason(job: InstanceJob, evaluation: InstanceJob | None, validated: InstanceValidation | None) -> str:
    if validated and not validated.runnable:
        return f"cannot be evaluated here: {validated.reason}"
    if evaluation and evaluation.state is not JobState.FINISHED and evaluation.reason:
        return f"{evaluation.state}: {evaluation.reason}"
    return job.reason
