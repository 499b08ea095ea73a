"""Spec and plan as files that a person can read and edit, and back."""

from __future__ import annotations

import re

from repoagent.domain import Plan, Spec, load
from repoagent.errors import UserError

_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+(.*\S)")
_CURRENT = re.compile(r"^[#*\s]*current\b", re.IGNORECASE)
_PROPOSED = re.compile(r"^[#*\s]*(proposed|expected|wanted)\b", re.IGNORECASE)


def write_spec(spec: Spec) -> str:
    """The spec as `spec.md` shows it."""
    parts = ["# Spec", "", "## Current behaviour", "", *(f"- {b}" for b in spec.current)]
    return "\n".join([*parts, "", "## Proposed behaviour", "", *(f"- {b}" for b in spec.proposed), ""])


def read_spec(text: str) -> Spec:
    """The bullets below headings that begin with `Current` and `Proposed`, from a file or a model's answer."""
    bullets: dict[str, list[str]] = {"current": [], "proposed": []}
    section = ""
    for line in text.splitlines():
        if _CURRENT.match(line):
            section = "current"
        elif _PROPOSED.match(line):
            section = "proposed"
        elif section and (match := _BULLET.match(line)):
            bullets[section].append(match.group(1))
    return Spec(tuple(bullets["current"]), tuple(bullets["proposed"]))


def write_plan(plan: Plan) -> str:
    """The plan as `plan.yaml` shows it."""
    import yaml

    files = [
        {"path": f.path, "operation": f.operation, "symbols": list(f.symbols), "steps": list(f.steps)}
        for f in plan.files
    ]
    header = "# Edit freely: symbols are worked on in this order, changed steps are shown to the model.\n"
    body = yaml.safe_dump(
        {"files": files, "commands": list(plan.commands)}, sort_keys=False, allow_unicode=True, width=110
    )
    return header + str(body)


def read_plan(text: str) -> Plan:
    """The plan in an edited `plan.yaml`; raises UserError naming what is wrong."""
    import json

    import yaml
    from pydantic import ValidationError

    try:
        return load(Plan, json.dumps(yaml.safe_load(text)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise UserError(f"plan.yaml: {where}: {first['msg']}") from error
    except (yaml.YAMLError, TypeError, ValueError) as error:  # YAML knows values, dates and circles, that JSON does not
        raise UserError(f"plan.yaml cannot be read: {error}") from error
