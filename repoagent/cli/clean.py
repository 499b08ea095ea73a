"""`repoagent clean`: remove what dead runs left behind."""

from __future__ import annotations

from typing import Annotated

import typer


def clean(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Remove containers and scratch files that killed runs left behind. Sessions, models and environments stay."""
    import json

    from repoagent.errors import EnvironmentFailed
    from repoagent.sandbox import list_engines

    removed: list[str] = []
    for engine in list_engines():
        try:
            engine.check()
        except EnvironmentFailed:
            continue  # an engine that does not answer has nothing to remove
        removed += engine.clean()
    if as_json:
        typer.echo(json.dumps(removed))
        return
    for name in removed:
        typer.echo(f"removed {name}")
    typer.echo(f"{len(removed)} leftovers removed" if removed else "nothing to remove")
