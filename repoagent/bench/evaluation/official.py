"""Write reports in the format of the official harness."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypedDict

from repoagent.bench.layout import get_instance_folder
from repoagent.bench.predictions import encode_report
from repoagent.bench.store import ResultStore
from repoagent.bench.task import Evaluation
from repoagent.session.atomic import write_bytes


class OfficialReport(TypedDict):
    """Schema version 2 of `swebench.harness.reporting`."""

    total_instances: int
    submitted_instances: int
    completed_instances: int
    resolved_instances: int
    unresolved_instances: int
    empty_patch_instances: int
    error_instances: int
    completed_ids: list[str]
    incomplete_ids: list[str]
    empty_patch_ids: list[str]
    submitted_ids: list[str]
    resolved_ids: list[str]
    unresolved_ids: list[str]
    error_ids: list[str]
    schema_version: int


def build_run_report(store: ResultStore) -> OfficialReport:
    """Build the report of a whole run; an unfinished instance counts as incomplete, one without a patch as empty."""
    patches = {job.instance: job.done.solved.patch for job in store.read_jobs("solve") if job.done and job.done.solved}
    judged = {job.instance: job.done.judged for job in store.read_jobs("evaluate") if job.done and job.done.judged}
    ended = {job.instance for job in store.read_jobs("evaluate") if job.state.is_final}
    everything = [job.instance for job in store.read_jobs("solve")]
    empty = sorted(identity for identity, patch in patches.items() if not patch.strip())
    resolved = sorted(identity for identity, each in judged.items() if each.is_resolved)
    return OfficialReport(
        total_instances=len(everything),
        submitted_instances=len(patches),
        completed_instances=len(judged),
        resolved_instances=len(resolved),
        unresolved_instances=len(judged) - len(resolved),
        empty_patch_instances=len(empty),
        error_instances=len(ended - judged.keys()),
        completed_ids=sorted(judged),
        incomplete_ids=sorted(set(everything) - patches.keys()),
        empty_patch_ids=empty,
        submitted_ids=sorted(patches),
        resolved_ids=resolved,
        unresolved_ids=sorted(judged.keys() - set(resolved)),
        error_ids=sorted(ended - judged.keys()),
        schema_version=2,
    )


def build_instance_report(identity: str, judged: Evaluation) -> dict[str, object]:
    """Build the `report.json` of one instance."""
    nothing: dict[str, list[str]] = {"success": [], "failure": []}
    return {
        identity: {
            "patch_is_None": False,
            "patch_exists": True,
            "patch_successfully_applied": judged.applied,
            "resolved": judged.is_resolved,
            "tests_status": {
                "FAIL_TO_PASS": {"success": list(judged.fixed), "failure": list(judged.unfixed)},
                "PASS_TO_PASS": {"success": list(judged.kept), "failure": list(judged.broken)},
                "FAIL_TO_FAIL": nothing,
                "PASS_TO_FAIL": nothing,
            },
        }
    }


def write_report(store: ResultStore, name: str) -> Path:
    """Write `NAME.RUN.json` into the run, and `report.json` beside the traces of each instance."""
    for job in store.read_jobs("evaluate"):
        if job.done and job.done.judged:
            folder = get_instance_folder(store.folder, "evaluate", job.instance)
            write_bytes(folder / "report.json", encode_report(build_instance_report(job.instance, job.done.judged)))
    slug = re.sub(r"[^\w.+-]+", "_", name)[:100]
    path = store.folder / f"{slug}.{store.folder.resolve().name}.json"
    write_bytes(path, encode_report(build_run_report(store)))
    return path
