"""Where the files of an instance lie in the directory of a run."""

from __future__ import annotations

from pathlib import Path

from repoagent.bench.task import Stage

_BELOW: dict[Stage, str] = {"solve": "", "evaluate": "evaluation", "validate": "validation"}


def get_instance_folder(run: Path, stage: Stage, instance: str) -> Path:
    """Where an instance's traces lie in a run."""
    return run / "instances" / instance / _BELOW[stage]
