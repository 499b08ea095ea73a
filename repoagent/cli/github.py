"""`repoagent github`: set up a repository on GitHub, and see what is missing there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from repoagent.github.repository import Repository

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def init(
    source: Annotated[
        str,
        typer.Option(
            "--source",
            metavar="OWNER/NAME",
            envvar="REPOAGENT_SOURCE",
            help="The repository on GitHub that the workflow takes repoagent from: one that you trust, or your fork.",
        ),
    ],
    repo: Annotated[Path, typer.Option("--repo", help="The root of a git work tree.")] = Path(),
    ref: Annotated[
        str, typer.Option("--ref", help="A commit, tag or branch of it; a commit cannot be moved.")
    ] = "main",
    label: Annotated[str, typer.Option("--label", help="The label that starts a run.")] = "repoagent",
    model: Annotated[
        str, typer.Option("--model", "-m", help="An embedded model, or the URL of a server that the runner reaches.")
    ] = "qwen2.5-coder-1.5b",
    runner: Annotated[
        str, typer.Option("--runner", help="Labels of the runner that solves, with commas between them.")
    ] = "ubuntu-latest",
    minutes: Annotated[int, typer.Option("--max-minutes", min=1, max=330, help="Minutes that a run may take.")] = 30,
    force: Annotated[bool, typer.Option("--force", help="Replace a workflow that is there.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Write .github/workflows/repoagent.yml, after showing it and asking. Nothing is committed or pushed."""
    from repoagent.action.setup import WORKFLOW, WorkflowOptions, install_workflow, render_workflow

    text = render_workflow(WorkflowOptions(source, ref, label, model, runner, minutes))
    if not yes:
        typer.echo(text)
        typer.confirm(f"Write this to {repo / WORKFLOW}?", abort=True, err=True)
    path = install_workflow(repo.absolute(), text, force=force)
    typer.echo(f"Wrote {path}. Now:", err=True)
    for step in (
        f"commit it to the default branch, and make the label `{label}` (Issues, Labels)",
        "allow pull requests: Settings, Actions, General, `Allow GitHub Actions to create and approve pull requests`",
        f"label an issue `{label}`, or comment `/repoagent` on it",
    ):
        typer.echo(f"  - {step}", err=True)


@app.command("preflight")
def check_permissions(
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The repository on GitHub.")],
    host: Annotated[
        str | None, typer.Option("--host", help="An Enterprise host; default: the runner's, GH_HOST, github.com.")
    ] = None,
    label: Annotated[str, typer.Option("--label", help="The label that starts a run.")] = "repoagent",
    model: Annotated[str | None, typer.Option("--model", "-m", help="Also check the endpoint of this model.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check permissions, settings and the endpoint that runs on a repository need; ends with 5 if any is missing.

    Reads the token that runs will use from GITHUB_TOKEN or GH_TOKEN. Changes nothing on GitHub.
    """
    import json
    import os
    from dataclasses import asdict

    from repoagent.action.preflight import check_github, check_machine
    from repoagent.cli.printable import make_printable
    from repoagent.github.api import Api

    token = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")
    needs = list(check_github(Api(_parse_repository(name, host), token), label))
    needs += check_machine(model, "auto") if model else []
    if as_json:
        typer.echo(json.dumps([asdict(need) for need in needs], indent=2))
    else:
        for need in needs:
            told = need.problem or need.note
            typer.echo(
                make_printable(f"{'fail' if need.problem else 'ok':<4}  {need.name}{': ' if told else ''}{told}")
            )
    raise typer.Exit(5 if any(need.problem for need in needs) else 0)


def _parse_repository(name: str, host: str | None) -> Repository:
    from repoagent.errors import UserError
    from repoagent.github.repository import FULL_NAME, find_default_host, find_repository

    found = FULL_NAME.fullmatch(name)
    if not found:
        raise UserError(f"{name!r} is not a repository: write it as owner/name")
    return find_repository(host or find_default_host(), found[1], found[2])
