"""`repoagent index` and `repoagent localise`: what the index knows, and where an issue points, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from repoagent.domain import Location
    from repoagent.index.build import Index

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Root = Annotated[Path, typer.Option("--repo", help="A git work tree.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many results.")]

HERE = Path()


@app.command()
def find(
    name: Annotated[str, typer.Argument(help="`name`, `Class.method` or a dotted path.")],
    repo: Root = HERE,
    as_json: Json = False,
) -> None:
    """Show where a function, method or class is defined."""
    index = _open(repo)
    found = index.find(name) or index.resolve(name)
    _print(found, (f"{s.path}:{s.start}: {s.kind} {s.qualified}: {s.signature}" for s in found), as_json)


@app.command()
def refs(name: str, repo: Root = HERE, as_json: Json = False) -> None:
    """Show where a name is used; matched by name alone."""
    found = _open(repo).references(name)
    _print(
        found, (f"{r.path}:{r.line}: {r.kind} {r.name}{f' in {r.inside}' if r.inside else ''}" for r in found), as_json
    )


@app.command()
def outline(
    path: str,
    name: Annotated[str, typer.Argument(help="A class in it.")] = "",
    repo: Root = HERE,
    as_json: Json = False,
) -> None:
    """Show the skeleton of a file or a class."""
    from repoagent.errors import UserError
    from repoagent.index.outline import outline as outlined

    index = _open(repo)
    facts = index.file(path)
    if facts is None or facts.skipped:
        why = facts.skipped if facts else "not listed by git, or in no language the index knows"
        raise UserError(f"there is no outline of `{path}`: {why}")
    inside = [s for s in facts.symbols if not name or f"{s.qualified}.".startswith(f"{name}.")]
    if name and not inside:
        raise UserError(f"`{path}` defines no `{name}`; `repoagent index find {name}` tells where it is")
    _print(inside, [outlined(index, path, name)], as_json)


@app.command()
def search(
    text: str,
    repo: Root = HERE,
    regex: Annotated[bool, typer.Option("--regex", "-e", help="Take the text as a regular expression.")] = False,
    ignore_case: Annotated[bool, typer.Option("--ignore-case", "-i")] = False,
    under: Annotated[str, typer.Option(help="Only in this folder or file.")] = "",
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """Show the lines that hold a text, in the files git lists."""
    from repoagent.index.search import search as searched

    found = searched(_open(repo), text, regex=regex, ignore_case=ignore_case, under=under.rstrip("/"), limit=limit)
    _print(found, (f"{hit.path}:{hit.line}: {hit.text}" for hit in found), as_json)


def localise(
    issue: Annotated[str, typer.Option("--issue", help="A text file, a GitHub issue's URL, `owner/name#7`, or `-`.")],
    repo: Root = HERE,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Show which functions an issue points to, and why."""
    import os

    from repoagent.intake import read_issue
    from repoagent.localise import localise as localised

    found = localised(read_issue(issue, token=os.environ.get("GITHUB_TOKEN")), _open(repo), limit)
    _print(found, map(_told, found), as_json)


def _open(repo: Path) -> Index:
    from repoagent.index.build import Index
    from repoagent.index.store import default_cache

    return Index.build(repo, default_cache())


def _told(location: Location) -> str:
    return f"{location.score:6.3f}  {location}  — {'; '.join(location.reasons)}"


def _print(found: Iterable[object], lines: Iterable[str], as_json: bool) -> None:
    if as_json:
        from repoagent.domain import dump

        typer.echo(dump(tuple(found)), nl=False)
        return
    for line in lines:
        typer.echo(line)
