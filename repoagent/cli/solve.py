"""`repoagent solve` and `repoagent resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from repoagent.app.solve import Pause
    from repoagent.domain import Result
    from repoagent.session import Session

_Issue = Annotated[
    str,
    typer.Option(
        "--issue", "-i", metavar="URL|FILE|-", help="A GitHub issue, a text or Markdown file, or - for standard input."
    ),
]
_Repo = Annotated[
    str | None,
    typer.Option(
        "--repo", "-r", metavar="PATH|URL", help="The repository; default: the issue's, else the current directory."
    ),
]
_Base = Annotated[str | None, typer.Option("--base", metavar="REF", help="The commit to start from; default: HEAD.")]
_Model = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", metavar="NAME|FILE|URL", help="An embedded model, a .gguf file, or http://host:8000/v1#name."
    ),
]
_Sandbox = Annotated[
    str | None,
    typer.Option(
        "--sandbox",
        metavar="docker|bubblewrap",
        help="Where the repository's code runs; default: Docker if available, else bubblewrap.",
    ),
]
_Samples = Annotated[int | None, typer.Option("--samples", help="Maximum samples of each generator for each function.")]
_Minutes = Annotated[float | None, typer.Option("--max-minutes", help="Maximum minutes of the run.")]
_Tokens = Annotated[int | None, typer.Option("--max-tokens", help="Maximum tokens of the run, read and written.")]
_TestCommand = Annotated[
    str | None,
    typer.Option("--test-cmd", metavar="COMMAND", help="Shell command that runs the tests; default: detected."),
]
_Image = Annotated[
    str | None,
    typer.Option(
        "--image", metavar="NAME", help="A container image with everything the tests need; default: one is built."
    ),
]
_Seed = Annotated[int | None, typer.Option("--seed", help="Seed for sampling.")]
_Out = Annotated[
    str | None,
    typer.Option("--out", "-o", metavar="DIR", help="Directory of the session; default: one in the state directory."),
]
_Apply = Annotated[bool, typer.Option("--apply", help="Apply a verified patch to the work tree.")]
_Branch = Annotated[
    str | None, typer.Option("--branch", metavar="NAME", help="Commit a verified patch on a new branch.")
]
_WithTest = Annotated[
    bool, typer.Option("--with-test", help="Add the generated regression test to the delivered patch, if there is one.")
]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not pause for you to review and edit spec and plan.")]
_Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON, and the progress on stderr.")]


def solve(
    issue: _Issue,
    repo: _Repo = None,
    base: _Base = None,
    model: _Model = None,
    sandbox: _Sandbox = None,
    samples: _Samples = None,
    max_minutes: _Minutes = None,
    max_tokens: _Tokens = None,
    test_cmd: _TestCommand = None,
    image: _Image = None,
    seed: _Seed = None,
    out: _Out = None,
    apply: _Apply = False,
    branch: _Branch = None,
    with_test: _WithTest = False,
    yes: _Yes = False,
    as_json: _Json = False,
) -> None:
    """Turn an issue into a patch that is tested in a sandbox. Your work tree is not changed without --apply.

    Exit codes: 0 verified patch · 2 usage · 3 patch, not verified · 4 no patch · 5 environment failed · 6 budget
    spent · 130 interrupted. Continue a stopped run with `repoagent resume`.
    """
    import os

    from repoagent.app.request import Request
    from repoagent.app.solve import begin
    from repoagent.config import configure

    flags: dict[str, object] = {"model": model, "sandbox": sandbox, "samples": samples, "seed": seed}
    flags |= {"max_minutes": max_minutes, "max_tokens": max_tokens}
    settings = configure(flags, os.environ).settings
    ask = not yes and issue != "-"
    request = Request(issue, settings, repo, base, test_cmd, out, ask, apply, branch, with_test, image or "")
    session = begin(request, os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN"))
    _finish(session, as_json, ask)


def resume(
    session: Annotated[str, typer.Argument(metavar="ID|DIR", help="A session, as `repoagent sessions list` names it.")],
    model: _Model = None,
    yes: _Yes = False,
    as_json: _Json = False,
) -> None:
    """Continue a run that was stopped or killed; finished steps are not repeated.

    If spec.md or plan.yaml of the session were edited, the run goes back to the step that reads them.
    """
    from repoagent.app.solve import use_model
    from repoagent.session import Session

    opened = Session.open(session)
    if model:
        use_model(opened, model)
    _finish(opened, as_json, not yes)


def _finish(session: Session, as_json: bool, ask: bool) -> None:
    from repoagent.app.solve import run
    from repoagent.cli.codes import code_of
    from repoagent.cli.progress import Progress
    from repoagent.cli.summary import as_text
    from repoagent.domain import dump

    progress = Progress(to_stderr=as_json)
    try:
        with progress:
            result = run(session, (progress,), progress.pausing(_ask), ask=ask and not as_json and _somebody_is_there())
    except BaseException:
        _say_how_to_go_on(session)
        raise
    typer.echo(dump(result).rstrip() if as_json else as_text(result, session.path))
    _deliver(session, result)
    raise typer.Exit(code_of(result))


def _somebody_is_there() -> bool:
    import sys

    return sys.stdin.isatty() and sys.stdout.isatty()


def _deliver(session: Session, result: Result) -> None:
    from repoagent.app.solve import deliver, request_of

    request = request_of(session)
    if not request.apply and not request.branch:
        return
    if result.outcome != "verified":
        typer.echo("The patch is not verified, so it was not delivered; it is in the session.", err=True)
        return
    for line in deliver(session, result, request.apply, request.branch):
        typer.echo(line, err=True)


def _ask(pause: Pause) -> None:
    """Wait until a person has reviewed, and perhaps edited, spec and plan."""
    typer.echo(
        f"\nSpec and plan are ready for review; edit them if you like:\n  {pause.spec}\n  {pause.plan}", err=True
    )
    try:
        answer: str = typer.prompt("Continue? [Enter = yes, q = stop here]", default="y", show_default=False, err=True)
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    if answer.lower().startswith("q"):
        raise KeyboardInterrupt


def _say_how_to_go_on(session: Session) -> None:
    from repoagent.app.solve import patch_of

    if patch_of(session):
        typer.echo(f"The best patch so far: {session.path / 'patch.diff'}", err=True)
    typer.echo(f"Continue with: repoagent resume {session.id}", err=True)
