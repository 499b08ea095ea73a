"""Write the workflow that a repository needs into it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from repoagent.errors import UserError

WORKFLOW = ".github/workflows/repoagent.yml"

_PLAIN = re.compile(r"[A-Za-z0-9][\w.:/#@-]{0,199}")
"""What may stand in the workflow unquoted: nothing that YAML or an expression could take for something else."""


@dataclass(frozen=True)
class WorkflowOptions:
    """The values that the workflow is rendered with."""

    source: str
    """The repository that repoagent itself is taken from, as `owner/name`. There is no default: whoever owns it has
    the rights of the workflow."""
    ref: str = "main"
    label: str = "repoagent"
    model: str = "qwen2.5-coder-1.5b"
    runner: str = "ubuntu-latest"
    """One label, or several with commas between them."""
    minutes: int = 30


def render_workflow(wanted: WorkflowOptions) -> str:
    """Render the workflow's text; raises UserError for a value that cannot stand in it."""
    labels = [label.strip() for label in wanted.runner.split(",")]
    values = {"SOURCE": wanted.source, "REF": wanted.ref, "LABEL": wanted.label, "MODEL": wanted.model}
    for name, value in [*values.items(), *(("RUNNER", label) for label in labels)]:
        if not _PLAIN.fullmatch(value):
            raise UserError(f"{value!r} cannot be the {name.lower()}: use letters, digits and . : / # @ _ -")
    runner = json.dumps(labels[0] if len(labels) == 1 else labels)
    text = files("repoagent.action").joinpath("templates", "workflow.yml").read_text(encoding="utf-8")
    for name, value in {**values, "RUNNER": runner, "MINUTES": str(wanted.minutes)}.items():
        text = text.replace(f"@{name}@", value)
    return text


def install_workflow(root: Path, text: str, *, force: bool = False) -> Path:
    """Write the workflow into the work tree `root`. Raises UserError where there is one already, unless forced."""
    if not (root / ".git").exists():
        raise UserError(f"{root} is not the root of a git work tree: go there, or name it with --repo")
    path = root / WORKFLOW
    if path.resolve() != root.resolve() / WORKFLOW:
        raise UserError(f"{path} leads out of {root} by a link: remove the link first")
    if path.exists() and not force:
        raise UserError(f"{path} exists already and stays as it is: look at it, then use --force")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
