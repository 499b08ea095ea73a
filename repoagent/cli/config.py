"""`repoagent config`: every setting, and where its value came from."""

from __future__ import annotations

from typing import Annotated

import typer


def show_config(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show every setting and where its value came from: the file, the environment (REPOAGENT_…) or the default."""
    import json
    import os

    from repoagent.config import get_default_file, load_configuration

    origins = load_configuration({}, os.environ).origins
    if as_json:
        typer.echo(json.dumps({o.name: {"value": o.value, "source": o.source} for o in origins}, indent=2))
        return
    typer.echo(f"# {get_default_file()}")
    for origin in origins:
        typer.echo(f"{origin.name:14} {origin.value!s:24} {origin.source}")
