"""`repoagent doctor`: check whether this machine, its sandboxes and the model are fit for a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from repoagent.app.doctor import HealthCheck


def run_doctor(
    model: Annotated[str | None, typer.Option(help="Embedded model, .gguf file or server URL, as for a run.")] = None,
    sandbox: Annotated[str | None, typer.Option(help="The engine that must work: docker, bubblewrap, auto.")] = None,
    no_model: Annotated[bool, typer.Option("--no-model", help="Do not start the model or talk to it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check this machine, the sandboxes and the model; ends with 5 when something is missing that a run needs."""
    import os

    from repoagent.app.doctor import CheckRequest, is_healthy, run_checks
    from repoagent.config import load_configuration

    settings = load_configuration({"model": model, "sandbox": sandbox}, os.environ).settings
    checks = []
    for check in run_checks(CheckRequest(settings.model, settings.sandbox, not no_model), _print_note):
        checks.append(check)
        if not json:
            _show_check(check)
    if json:
        _print_checks(checks)
    if not is_healthy(checks):
        raise typer.Exit(5)


def _show_check(check: HealthCheck) -> None:
    typer.echo(f"{check.state:<4}  {check.name}: {check.detail}")
    if check.advice:
        typer.echo(f"      → {check.advice}")


def _print_note(line: str) -> None:
    typer.echo(f"      {line} …", err=True)


def _print_checks(checks: list[HealthCheck]) -> None:
    import json
    from dataclasses import asdict

    typer.echo(json.dumps([asdict(check) for check in checks], indent=2))
