"""Evaluate with the official harness, `swebench`, in its images, and import its results into the store.

It is called as a program with its own workers and logs; its report is read back.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from repoagent.bench.layout import folder_of
from repoagent.bench.predictions import NAME, write_predictions
from repoagent.bench.run_config import Config
from repoagent.bench.store import Store
from repoagent.bench.task import Done, Judged, State
from repoagent.errors import EnvironmentFailed, UserError
from repoagent.process import run

RUN_ID = "repoagent"
_PATIENCE = 7 * 24 * 3600.0


class _Tests(BaseModel):
    success: list[str] = Field(default_factory=list)
    failure: list[str] = Field(default_factory=list)


class _Status(BaseModel):
    fixed: _Tests = Field(default_factory=_Tests, alias="FAIL_TO_PASS")
    kept: _Tests = Field(default_factory=_Tests, alias="PASS_TO_PASS")


class Official(BaseModel):
    """One instance in the harness's own `report.json`."""

    patch_successfully_applied: bool = False
    resolved: bool = False
    infra_failure: bool = False
    tests_status: _Status = Field(default_factory=_Status)

    def done(self) -> Done:
        """Convert to the result of an attempt."""
        if self.infra_failure:
            return Done(State.ENVIRONMENT, "the official harness reports a failure of the infrastructure")
        return Done(State.FINISHED, judged=self._judged())

    def _judged(self) -> Judged:
        status = self.tests_status
        return Judged(
            self.patch_successfully_applied,
            "completed" if self.patch_successfully_applied else "",
            tuple(status.fixed.success),
            tuple(status.fixed.failure),
            tuple(status.kept.success),
            tuple(status.kept.failure),
            setup="official image",
        )


def evaluate_officially(store: Store, config: Config, workers: int) -> None:
    """Evaluate all patches of a run. Raises UserError without the extra, EnvironmentFailed where the harness fails."""
    write_predictions(store, config.label)
    log = store.folder / "harness"
    log.mkdir(exist_ok=True)
    command = harness_command(config, store.folder.resolve() / NAME, workers)
    ended = run(command, cwd=log, timeout=_PATIENCE, check=False)
    (log / "output.log").write_bytes(ended.stdout + ended.stderr)
    if read_reports(store, log) == 0 and ended.exit_code:
        raise EnvironmentFailed(
            f"the official harness ended with {ended.exit_code}: {ended.complaint}; it needs Docker and its images, "
            f"see {log / 'output.log'}"
        )


def harness_command(config: Config, predictions: Path, workers: int) -> list[str]:
    """Build the command: `swebench eval DATASET -p PREDICTIONS --run-id ID -j N`."""
    from repoagent.bench.datasets.hub import KNOWN

    known = KNOWN.get(config.dataset.lower())
    name = known.path if known else config.dataset
    options = ["-p", str(predictions), "--run-id", RUN_ID, "-j", str(workers)]
    return [_program(), "eval", name, *options]


def _program() -> str:
    """Find the harness in this environment, else on the PATH."""
    found = shutil.which("swebench", path=str(Path(sys.executable).parent)) or shutil.which("swebench")
    if found is None:
        raise UserError("--harness needs an extra: pip install 'repoagent[swebench]'")
    return found


def read_reports(store: Store, log: Path) -> int:
    """Import the harness's verdicts into the store; returns how many."""
    known = {instance.id for instance in store.instances()}
    taken = 0
    for path in sorted(log.glob(f"**/{RUN_ID}/**/report.json")):
        for identity, verdict in _read(path).items():
            if identity in known:
                _note(store, identity, verdict.done())
                taken += 1
    return taken


def _read(path: Path) -> dict[str, Official]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {identity: Official.model_validate(row) for identity, row in rows.items()}
    except (OSError, ValueError, AttributeError, ValidationError) as error:
        raise EnvironmentFailed(f"{path} is not the harness's report: {error}") from error


def _note(store: Store, identity: str, done: Done) -> None:
    store.plan("evaluate", [identity])
    store.begin("evaluate", identity)
    store.end("evaluate", identity, done)
    folder_of(store.folder, "evaluate", identity).mkdir(parents=True, exist_ok=True)
