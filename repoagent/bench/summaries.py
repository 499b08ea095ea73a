"""Summarise the results of a stage in a few lines, and import the validation of another run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from repoagent.bench.store import ResultStore
from repoagent.bench.task import JobState


@dataclass(frozen=True)
class ValidationSummary:
    """The result of validating the instances of a run."""

    runnable: int
    gold: int
    """Runnable instances that the reference patch resolves in a second test run."""
    empty: int
    """Runnable instances that the untouched code resolves."""
    text: str

    @property
    def is_valid(self) -> bool:
        """Whether there are runnable instances, the reference patches resolve all, and the untouched code none."""
        return self.runnable > 0 and self.gold == self.runnable and self.empty == 0


def summarise_validation(store: ResultStore) -> ValidationSummary:
    """Summarise the stage `validate`."""
    jobs = list(store.read_jobs("validate"))
    known = {job.instance: job.done.validated for job in jobs if job.done and job.done.validated}
    runnable = {identity: each for identity, each in known.items() if each.runnable}
    gold = [identity for identity, each in runnable.items() if each.gold and each.gold.is_resolved]
    empty = [identity for identity, each in runnable.items() if each.empty and each.empty.is_resolved]
    lines = [
        f"{len(runnable)} of {len(jobs)} instances can be evaluated here",
        f"reference patch: {len(gold)} of {len(runnable)} resolved{_list_ids('not', set(runnable) - set(gold))}",
        f"untouched code: {len(empty)} of {len(runnable)} resolved{_list_ids('by nothing', empty)}",
    ]
    lines += [f"  {i}: {each.reason.splitlines()[0]}" for i, each in sorted(known.items()) if not each.runnable]
    lines += [f"  {job.instance}: {job.state}, {job.reason[:200]}" for job in jobs if job.instance not in known]
    excluded = sum(len(each.excluded) for each in runnable.values())
    if excluded:
        lines.append(f"{excluded} tests are excluded, because they fail here with the reference patch too")
    return ValidationSummary(len(runnable), len(gold), len(empty), "\n".join(lines))


def summarise_solving(store: ResultStore) -> str:
    """Summarise the stage `solve`: outcomes as the agent claims them."""
    outcomes: Counter[str] = Counter()
    failures = interruptions = 0
    for job in store.read_jobs("solve"):
        solved = job.done.solved if job.done else None
        outcomes[solved.outcome if solved and job.state is JobState.FINISHED else job.state] += 1
        failures += job.failures
        interruptions += job.interruptions
    told = ", ".join(f"{count} {name}" for name, count in outcomes.most_common())
    again = f"; {failures} attempts failed by the infrastructure, {interruptions} interrupted"
    return f"{outcomes.total()} instances: {told}{again}"


def summarise_evaluation(store: ResultStore) -> str:
    """Summarise the stage `evaluate`: how many instances are resolved."""
    from repoagent.bench.evaluation.official import build_run_report

    found = build_run_report(store)
    total, done = found["total_instances"], found["completed_instances"]
    return f"{found['resolved_instances']} of {total} resolved ({done} evaluated, {found['error_instances']} errors)"


def adopt_validation(store: ResultStore, other: Path) -> int:
    """Import the validation of the same instances from another run; returns how many."""
    from repoagent.bench.store import ResultStore as Opened

    ids = {instance.id for instance in store.read_instances()}
    taken = 0
    with Opened.open(other) as source:
        for job in source.read_jobs("validate"):
            if job.instance in ids and job.done and job.state is JobState.FINISHED:
                store.plan_jobs("validate", [job.instance])
                store.begin_attempt("validate", job.instance)
                store.end_attempt("validate", job.instance, job.done)
                taken += 1
    return taken


def _list_ids(word: str, ids: set[str] | list[str]) -> str:
    return f" ({word}: {', '.join(sorted(ids)[:5])})" if ids else ""
