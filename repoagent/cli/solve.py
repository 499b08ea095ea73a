"""`repoagent solve` and `repoagent resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from repoagent.app.solve import ReviewPause
    from repoagent.domain import Result
    from repoagent.session import Session

_IssueOption = Annotated[
    str,
    typer.Option(
        "--issue", "-i", metavar="URL|FILE|-", help="A GitHub issue, a text or Markdown file, or - for standard input."
    ),
]
_RepoOption = Annotated[
    str | None,
    typer.Option(
        "--repo", "-r", metavar="PATH|URL", help="The repository; default: the issue's, else the current directory."
    ),
]
_BaseOption = Annotated[
    str | None, typer.Option("--base", metavar="REF", help="The commit to start from; default: HEAD.")
]
_ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", metavar="NAME|FILE|URL", help="An embedded model, a .gguf file, or http://host:8000/v1#name."
    ),
]
_SandboxOption = Annotated[
    str | None,
    typer.Option(
        "--sandbox",
        metavar="docker|bubblewrap",
        help="Where the repository's code runs; default: Docker if available, else bubblewrap.",
    ),
]
_SamplesOption = Annotated[
    int | None, typer.Option("--samples", help="Maximum samples of each generator for each function.")
]
_MinutesOption = Annotated[float | None, typer.Option("--max-minutes", help="Maximum minutes of the run.")]
_TokensOption = Annotated[int | None, typer.Option("--max-tokens", help="Maximum tokens of the run, read and written.")]
_TestCommandOption = Annotated[
    str | None,
    typer.Option("--test-cmd", metavar="COMMAND", help="Shell command that runs the tests; default: detected."),
]
_ImageOption = Annotated[
    str | None,
    typer.Option(
        "--image", metavar="NAME", help="A container image with everything the tests need; default: one is built."
    ),
]
_SeedOption = Annotated[int | None, typer.Option("--seed", help="Seed for sampling.")]
_SessionDirectoryOption = Annotated[
    str | None,
    typer.Option("--out", "-o", metavar="DIR", help="Directory of the session; default: one in the state directory."),
]
_ApplyOption = Annotated[bool, typer.Option("--apply", help="Apply a verified patch to the work tree.")]
_BranchOption = Annotated[
    str | None, typer.Option("--branch", metavar="NAME", help="Commit a verified patch on a new branch.")
]
_WithTestOption = Annotated[
    bool, typer.Option("--with-test", help="Add the generated regression test to the delivered patch, if there is one.")
]
_YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not pause for you to review and edit spec and plan.")]
_JsonOption = Annotated[bool, typer.Option("--json", help="Print the report as JSON, and the progress on stderr.")]


def solve(
    issue: _IssueOption,
    repo: _RepoOption = None,
    base: _BaseOption = None,
    model: _ModelOption = None,
    sandbox: _SandboxOption = None,
    samples: _SamplesOption = None,
    max_minutes: _MinutesOption = None,
    max_tokens: _TokensOption = None,
    test_cmd: _TestCommandOption = None,
    image: _ImageOption = None,
    seed: _SeedOption = None,
    out: _SessionDirectoryOption = None,
    apply: _ApplyOption = False,
    branch: _BranchOption = None,
    with_test: _WithTestOption = False,
    yes: _YesOption = False,
    as_json: _JsonOption = False,
) -> None:
    """Turn an issue into a patch that is tested in a sandbox. Your work tree is not changed without --apply.

    Exit codes: 0 verified patch · 2 usage · 3 patch, not verified · 4 no patch · 5 environment failed · 6 budget
    spent · 130 interrupted. Continue a stopped run with `repoagent resume`.
    """
    import os

    from repoagent.app.request import RunRequest
    from repoagent.app.solve import begin_session
    from repoagent.config import load_configuration

    flags: dict[str, object] = {"model": model, "sandbox": sandbox, "samples": samples, "seed": seed}
    flags |= {"max_minutes": max_minutes, "max_tokens": max_tokens}
    settings = load_configuration(flags, os.environ).settings
    ask = not yes and issue != "-"
    request = RunRequest(issue, settings, repo, base, test_cmd, out, ask, apply, branch, with_test, image or "")
    session = begin_session(request, os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN"))
    _run_and_exit(session, as_json, ask)


def resume(
    session: Annotated[str, typer.Argument(metavar="ID|DIR", help="A session, as `repoagent sessions list` names it.")],
    model: _ModelOption = None,
    yes: _YesOption = False,
    as_json: _JsonOption = False,
) -> None:
    """Continue a run that was stopped or killed; finished steps are not repeated.

    If spec.md or plan.yaml of the session were edited, the run goes back to the step that reads them.
    """
    from repoagent.app.solve import change_model
    from repoagent.session import Session

    opened = Session.open(session)
    if model:
        change_model(opened, model)
    _run_and_exit(opened, as_json, not yes)


def _run_and_exit(session: Session, as_json: bool, ask: bool) -> None:
    from repoagent.app.solve import run_session
    from repoagent.cli.codes import get_result_code
    from repoagent.cli.progress import ProgressPrinter
    from repoagent.cli.summary import format_result
    from repoagent.domain import dump

    progress = ProgressPrinter(to_stderr=as_json)
    try:
        with progress:
            result = run_session(
                session,
                (progress,),
                progress.wrap_approval(_ask_for_approval),
                ask=ask and not as_json and _is_interactive(),
            )
    except BaseException:
        _print_how_to_continue(session)
        raise
    typer.echo(dump(result).rstrip() if as_json else format_result(result, session.path))
    _deliver_result(session, result)
    raise typer.Exit(get_result_code(result))


def _is_interactive() -> bool:
    import sys

    return sys.stdin.isatty() and sys.stdout.isatty()


def _deliver_result(session: Session, result: Result) -> None:
    from repoagent.app.solve import deliver_patch, load_request

    request = load_request(session)
    if not request.apply and not request.branch:
        return
    if result.outcome != "verified":
        typer.echo("The patch is not verified, so it was not delivered; it is in the session.", err=True)
        return
    for line in deliver_patch(session, result, request.apply, request.branch):
        typer.echo(line, err=True)


def _ask_for_approval(pause: ReviewPause) -> None:
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


def _print_how_to_continue(session: Session) -> None:
    from repoagent.app.solve import read_patch

    if read_patch(session):
        typer.echo(f"The best patch so far: {session.path / 'patch.diff'}", err=True)
    typer.echo(f"Continue with: repoagent resume {session.id}", err=True)
