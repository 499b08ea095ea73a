"""`repoagent solve` and `repoagent resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from repoagent.app.solve import Pause
    from repoagent.domain import Result
    from repoagent.session import Session

_PATCH = "The patch"


def solve(
    issue: Annotated[
        str,
        typer.Option(
            "--issue",
            "-i",
            metavar="URL|FILE|-",
            help="A GitHub issue, a text or Markdown file, or - for standard input.",
        ),
    ],
    repo: Annotated[
        str | None,
        typer.Option(
            "--repo", "-r", metavar="PATH|URL", help="The repository; default: the issue's, else the current directory."
        ),
    ] = None,
    base: Annotated[
        str | None, typer.Option("--base", metavar="REF", help="The commit to start from; default: HEAD.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|FILE|URL",
            help="An embedded model, a .gguf file, or http://host:8000/v1#name.",
        ),
    ] = None,
    sandbox: Annotated[
        str | None,
        typer.Option(
            "--sandbox",
            metavar="docker|bubblewrap",
            help="Where the repository's code runs; default: Docker if it answers.",
        ),
    ] = None,
    samples: Annotated[
        int | None, typer.Option("--samples", min=1, help="Samples of each generator for each function, at most.")
    ] = None,
    max_minutes: Annotated[float | None, typer.Option("--max-minutes", help="Minutes the run may take.")] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", help="Tokens the run may ask of the model.")] = None,
    test_cmd: Annotated[
        str | None,
        typer.Option("--test-cmd", metavar="COMMAND", help="Shell command that runs the tests; default: found out."),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Where sampling starts.")] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="DIR", help="Where the session goes; default: below the state directory."),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Change the files of the work tree, if the patch is verified.")
    ] = False,
    branch: Annotated[
        str | None, typer.Option("--branch", metavar="NAME", help="Put a verified patch on a new branch.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not stop for spec and plan to be read and edited.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, and progress on stderr.")] = False,
) -> None:
    """Turn an issue into a patch, tested in a sandbox. Your work tree stays as it is unless you say --apply.

    Exit codes: 0 verified patch · 2 usage · 3 patch, not verified · 4 no patch · 5 environment failed · 6 budget
    spent ·
    130 interrupted. Stopped runs go on with `repoagent resume`.
    """
    import os
    import sys

    from repoagent.app.request import Request
    from repoagent.app.solve import begin
    from repoagent.config import configure

    flags = {
        "model": model,
        "sandbox": sandbox,
        "samples": samples,
        "seed": seed,
        "max_minutes": max_minutes,
        "max_tokens": max_tokens,
    }
    settings = configure(flags, os.environ).settings
    ask = not yes and not as_json and sys.stdin.isatty() and sys.stdout.isatty() and issue != "-"
    session = begin(
        Request(issue, settings, repo, base, test_cmd, out, ask),
        os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN"),
    )
    _finish(session, as_json, apply, branch)


def resume(
    session: Annotated[str, typer.Argument(metavar="ID|DIR", help="A session, as `repoagent sessions list` names it.")],
    apply: Annotated[
        bool, typer.Option("--apply", help="Change the files of the work tree, if the patch is verified.")
    ] = False,
    branch: Annotated[
        str | None, typer.Option("--branch", metavar="NAME", help="Put a verified patch on a new branch.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, and progress on stderr.")] = False,
) -> None:
    """Go on with a run that was stopped or killed; what it had done is not done again."""
    from repoagent.session import Session

    _finish(Session.open(session), as_json, apply, branch)


def _finish(session: Session, as_json: bool, apply: bool, branch: str | None) -> None:
    from repoagent.app.solve import run
    from repoagent.cli.codes import code_of
    from repoagent.cli.progress import Progress
    from repoagent.cli.summary import as_text
    from repoagent.domain import dump

    progress = Progress(to_stderr=as_json)
    try:
        with progress:
            result = run(session, (progress,), progress.pausing(_ask))
    except BaseException:
        _say_how_to_go_on(session)
        raise
    typer.echo(dump(result).rstrip() if as_json else as_text(result, session.path))
    if result.outcome == "verified":
        _deliver(session, result, apply, branch)
    elif apply or branch:
        typer.echo("The patch is not verified, so it was not applied; `git apply` takes it from the session.", err=True)
    raise typer.Exit(code_of(result))


def _deliver(session: Session, result: Result, apply: bool, branch: str | None) -> None:
    from repoagent.app.solve import deliver

    for line in deliver(session, result, apply, branch):
        typer.echo(line, err=True)


def _ask(pause: Pause) -> None:
    """Wait until a person has read, and perhaps edited, spec and plan."""
    typer.echo(f"\nSpec and plan are ready; edit them if you like:\n  {pause.spec}\n  {pause.plan}")
    answer: Literal["y"] | str = typer.prompt("Go on? [Enter = yes, q = stop here]", default="y", show_default=False)
    if answer.lower().startswith("q"):
        raise KeyboardInterrupt


def _say_how_to_go_on(session: Session) -> None:
    from repoagent.app.solve import patch_of

    if patch_of(session):
        typer.echo(f"The best patch so far: {session.path / 'patch.diff'}", err=True)
    typer.echo(f"Go on with: repoagent resume {session.id}", err=True)
