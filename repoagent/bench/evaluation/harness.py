"""Evaluate with the official harness, `swebench`, in its images, and import its results into the store.

It is called as a program with its own workers and logs; its report is read back.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from repoagent.bench.layout import get_instance_folder
from repoagent.bench.predictions import PREDICTIONS_FILE, write_predictions
from repoagent.bench.run_config import RunConfig
from repoagent.bench.store import ResultStore
from repoagent.bench.task import AttemptResult, Evaluation, JobState
from repoagent.errors import EnvironmentFailed, UserError
from repoagent.process import run

RUN_ID = "repoagent"
_MAX_SECONDS = 7 * 24 * 3600.0


class _HarnessTests(BaseModel):
    success: list[str] = Field(default_factory=list)
    failure: list[str] = Field(default_factory=list)


class _HarnessStatus(BaseModel):
    fixed: _HarnessTests = Field(default_factory=_HarnessTests, alias="FAIL_TO_PASS")
    kept: _HarnessTests = Field(default_factory=_HarnessTests, alias="PASS_TO_PASS")


class HarnessReport(BaseModel):
    """One instance in the harness's own `report.json`."""

    patch_successfully_applied: bool = False
    resolved: bool = False
    infra_failure: bool = False
    tests_status: _HarnessStatus = Field(default_factory=_HarnessStatus)

    def build_attempt_result(self) -> AttemptResult:
        """Convert to the result of an attempt."""
        if self.infra_failure:
            return AttemptResult(JobState.ENVIRONMENT, "the official harness reports a failure of the infrastructure")
        return AttemptResult(JobState.FINISHED, judged=self._build_evaluation())

    def _build_evaluation(self) -> Evaluation:
        status = self.tests_status
        return Evaluation(
            self.patch_successfully_applied,
            "completed" if self.patch_successfully_applied else "",
            tuple(status.fixed.success),
            tuple(status.fixed.failure),
            tuple(status.kept.success),
            tuple(status.kept.failure),
            setup="official image",
        )


def evaluate_with_harness(store: ResultStore, config: RunConfig, workers: int) -> None:
    """Evaluate all patches of a run. Raises UserError without the extra, EnvironmentFailed where the harness fails."""
    write_predictions(store, config.label)
    log = store.folder / "harness"
    log.mkdir(exist_ok=True)
    command = build_harness_command(config, store.folder.resolve() / PREDICTIONS_FILE, workers)
    ended = run(command, cwd=log, timeout=_MAX_SECONDS, check=False)
    (log / "output.log").write_bytes(ended.stdout + ended.stderr)
    if read_reports(store, log) == 0 and ended.exit_code:
        raise EnvironmentFailed(
            f"the official harness ended with {ended.exit_code}: {ended.complaint}; it needs Docker and its images, "
            f"see {log / 'output.log'}"
        )


def build_harness_command(config: RunConfig, predictions: Path, workers: int) -> list[str]:
    """Build the command: `swebench eval DATASET -p PREDICTIONS --run-id ID -j N`."""
    from repoagent.bench.datasets.hub import HUB_DATASETS

    known = HUB_DATASETS.get(config.dataset.lower())
    name = known.path if known else config.dataset
    options = ["-p", str(predictions), "--run-id", RUN_ID, "-j", str(workers)]
    return [_find_harness(), "eval", name, *options]


def _find_harness() -> str:
    """Find the harness in this environment, else on the PATH."""
    found = shutil.which("swebench", path=str(Path(sys.executable).parent)) or shutil.which("swebench")
    if found is None:
        raise UserError("--harness needs an extra: pip install 'repoagent[swebench]'")
    return found


def read_reports(store: ResultStore, log: Path) -> int:
    """Import the harness's verdicts into the store; returns how many."""
    known = {instance.id for instance in store.read_instances()}
    taken = 0
    for path in sorted(log.glob(f"**/{RUN_ID}/**/report.json")):
        for identity, verdict in _read_report(path).items():
            if identity in known:
                _store_result(store, identity, verdict.build_attempt_result())
                taken += 1
    return taken


def _read_report(path: Path) -> dict[str, HarnessReport]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {identity: HarnessReport.model_validate(row) for identity, row in rows.items()}
    except (OSError, ValueError, AttributeError, ValidationError) as error:
        raise EnvironmentFailed(f"{path} is not the harness's report: {error}") from error


def _store_result(store: ResultStore, identity: str, done: AttemptResult) -> None:
    store.plan_jobs("evaluate", [identity])
    store.begin_attempt("evaluate", identity)
    store.end_attempt("evaluate", identity, done)
    get_instance_folder(store.folder, "evaluate", identity).mkdir(parents=True, exist_ok=True)
