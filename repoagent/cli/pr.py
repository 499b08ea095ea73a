"""`repoagent pr`: publish a session's patch as a draft pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from repoagent.publish import Delivery, PublishResult


def publish_session(
    session: Annotated[str, typer.Argument(metavar="ID|DIR", help="A session, as `repoagent sessions list` names it.")],
    issue: Annotated[
        str | None,
        typer.Option(
            "--issue",
            metavar="URL|OWNER/NAME#N",
            help="The issue on GitHub, if the session was started from elsewhere.",
        ),
    ] = None,
    base: Annotated[str, typer.Option("--base", help="The branch to merge into; default: the repository's.")] = "",
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Publish even if another pull request for the issue is open.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print title and body, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Push a session's patch to its own branch and open a draft pull request, or update the one opened before.

    Needs a token with the permissions contents=write and pull_requests=write in GITHUB_TOKEN or GH_TOKEN. Nothing is
    pushed that the repository's policy (.github/repoagent.yml) forbids. Ends with 3 if nothing was published.
    """
    from repoagent.app.pull_request import find_issue_reference, make_delivery
    from repoagent.github.api import Api
    from repoagent.publish import publish
    from repoagent.session import Session

    opened = Session.open(session)
    reference = find_issue_reference(opened, issue)
    delivery = make_delivery(opened, reference.number, base)
    if dry_run:
        _show_preview(delivery, reference.repository.url)
        return
    token = _read_token()
    if not yes:
        typer.confirm(f"Push to {reference.repository.url} and open a draft pull request?", abort=True, err=True)
    published = publish(delivery, Api(reference.repository, token), token, anyway=anyway)
    _show_published(published, as_json)
    raise typer.Exit(0 if published.kind in {"opened", "updated"} else 3)


def _read_token() -> str:
    import os

    from repoagent.errors import UserError

    found = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")
    if not found:
        raise UserError(
            "no token: set GITHUB_TOKEN to one with the permissions contents=write and pull_requests=write "
            "(`export GITHUB_TOKEN=$(gh auth token)`)"
        )
    return found


def _show_preview(delivery: Delivery, remote: str) -> None:
    from repoagent.publish.body import format_title, render_body

    branch = f"repoagent/issue-{delivery.number}"
    typer.echo(f"{format_title(delivery)}\n\n{render_body(delivery, branch=branch, remote=remote)}")


def _show_published(published: PublishResult, as_json: bool) -> None:
    from repoagent.cli.printable import make_printable

    if as_json:
        import json
        from dataclasses import asdict

        typer.echo(json.dumps(asdict(published), indent=2))
        return
    headlines = {
        "opened": f"Opened a draft pull request: {published.url}",
        "updated": f"Updated the pull request: {published.url}",
        "pushed": f"Pushed {published.branch}; open the pull request yourself: {published.url}",
        "refused": "Not published:",
        "exists": f"A pull request for the issue is open already: {published.url} (--anyway opens another one)",
    }
    lines = [headlines[published.kind], *(f"  - {reason}" for reason in published.reasons)]
    lines += [f"  please check: {flag}" for flag in published.flags]
    typer.echo(make_printable("\n".join(lines), keep="\n"))
