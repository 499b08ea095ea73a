"""`repoagent`: the commands, and how errors become messages and exit codes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from repoagent import __version__
from repoagent.cli import bench, clean, config, doctor, github, index, mcp, model, pr, sessions, solve, testbed

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turn an issue into a patch that was tested, with a code model that runs on your own machine.",
    epilog="Exit codes: 0 verified patch · 2 usage · 3 patch, not verified · 4 no patch · 5 environment failed · "
    "6 budget spent · 130 interrupted.",
)
app.command("solve")(solve.solve)
app.command("resume")(solve.resume)
app.command("pr")(pr.publish_session)
app.command("localise")(index.localise)
app.command("doctor")(doctor.run_doctor)
app.command("config")(config.show_config)
app.command("clean")(clean.clean)
app.command("mcp")(mcp.serve_tools)
app.add_typer(sessions.app, name="sessions", help="List, show and remove what runs have produced.")
app.add_typer(github.app, name="github", help="Set up a repository on GitHub, and see what is missing there.")
app.add_typer(model.app, name="model", help="Pull, serve and remove embedded models.")
app.add_typer(
    testbed.app, name="testbed", help="Find out how a repository is built and tested, build it and run its tests."
)
app.add_typer(bench.app, name="bench", help="Run, judge, report and compare benchmarks.")
app.add_typer(index.app, name="index", help="Query the AST index of a repository.")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"repoagent {__version__}")
        raise typer.Exit


@app.callback()
def accept_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Accept the options that come before a command."""


def main() -> None:
    """Run a command; print an error of ours as one message on stderr and exit with its code."""
    from repoagent.cli.codes import get_error_code
    from repoagent.cli.printable import make_printable
    from repoagent.errors import RepoagentError

    try:
        app()
    except RepoagentError as error:
        typer.echo(f"repoagent: {make_printable(str(error), keep=chr(10))}", err=True)
        sys.exit(get_error_code(error))
    except KeyboardInterrupt as error:
        typer.echo("repoagent: interrupted", err=True)
        sys.exit(get_error_code(error))
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away; Python would complain about the flush at exit
        sys.exit(0)
