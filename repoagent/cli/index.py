"""`repoagent index` and `repoagent localise`: query the index and locate an issue, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repoagent.cli.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Iterable

    from repoagent.domain import Location
    from repoagent.index.build import Index
    from repoagent.index.facts import Progress
    from repoagent.index.model import Symbol
    from repoagent.index.resolving import Link, Resolver

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Root = Annotated[Path, typer.Option("--repo", help="A git work tree.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Maximum number of results.")]
Name = Annotated[str, typer.Argument(help="`name`, `Class.method` or a dotted path.")]

HERE = Path()


@app.command()
def build(repo: Root = HERE, as_json: AsJson = False) -> None:
    """Index every file now; the other commands index what they need."""
    import time

    from repoagent.index.build import Index
    from repoagent.index.store import default_cache

    started = time.monotonic()
    index = Index.build(repo, default_cache(), _progress())
    _told(_status(index) | {"seconds": round(time.monotonic() - started, 2)}, as_json)


@app.command("status")
def status(
    repo: Root = HERE,
    skipped: Annotated[bool, typer.Option("--skipped", help="List the files that are not read, and why.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how many files were indexed, in which languages, and which were skipped and why."""
    index = _open(repo)
    index.files.look_up()
    told = _status(index)
    if skipped:
        told["skipped files"] = {path: facts.skipped for path, facts in index.files.known().items() if facts.skipped}
    _told(told, as_json)


@app.command()
def find(
    name: Name,
    repo: Root = HERE,
    prefix: Annotated[bool, typer.Option("--prefix", help="Match names that start with this.")] = False,
    fuzzy: Annotated[bool, typer.Option("--fuzzy", help="Match similar names where none is equal.")] = False,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Show where a name is defined."""
    index = _open(repo)
    found = index.prefixed(name, limit) if prefix else index.find(name) or index.resolve(name)
    if fuzzy and not found:
        found = tuple(symbol for other in index.nearest(name) for symbol in index.find(other))
    if not found and not as_json:
        _not_found(index, name)
    _print(found[:limit], map(_symbol_line, found[:limit]), as_json)
    _go_on(index)


@app.command("refs")
def refs(name: Name, repo: Root = HERE, limit: Limit = 1000, as_json: AsJson = False) -> None:
    """Show where a name is used. Uses are matched by name alone."""
    index = _open(repo)
    found = index.references(name)[:limit]
    lines = (f"{r.path}:{r.line}: {r.kind} {r.name}{f' in {r.inside}' if r.inside else ''}" for r in found)
    _print(found, lines, as_json)
    _go_on(index)


@app.command("callers")
def callers(name: Name, repo: Root = HERE, limit: Limit = 1000, as_json: AsJson = False) -> None:
    """Show the callers of a function, method or class; calls that are matched by name alone are marked."""
    index, resolver = _resolver(repo)
    links = [link for symbol in _meant(index, name) for link in resolver.callers(symbol)]
    _print_links(links[:limit], as_json)
    _go_on(index)


@app.command("callees")
def callees(name: Name, repo: Root = HERE, as_json: AsJson = False) -> None:
    """Show what a function calls, and where each callee is defined."""
    index, resolver = _resolver(repo)
    links = [link for symbol in _meant(index, name) for link in resolver.callees(symbol)]
    _print_links(links, as_json)
    _go_on(index)


@app.command("subclasses")
def subclasses(name: Name, repo: Root = HERE, as_json: AsJson = False) -> None:
    """Show all direct and indirect subclasses of a class."""
    index, resolver = _resolver(repo)
    found = tuple(dict.fromkeys(below for symbol in _meant(index, name) for below in resolver.subclasses(symbol)))
    _print(found, map(_symbol_line, found), as_json)
    _go_on(index)


@app.command("outline")
def outline(
    path: str,
    name: Annotated[str, typer.Argument(help="A class in it.")] = "",
    repo: Root = HERE,
    as_json: AsJson = False,
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


@app.command("map")
def show_map(
    repo: Root = HERE,
    tokens: Annotated[int, typer.Option(min=50, help="Maximum length of the map in tokens.")] = 1000,
    mention: Annotated[list[str] | None, typer.Option(help="A name or path to rank higher; may be repeated.")] = None,
    under: Annotated[str, typer.Option(help="Only in this folder or file.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show the most important definitions of the repository, within a number of tokens."""
    from repoagent.index.repomap import repository_map

    found = repository_map(_open(repo, whole=True), tokens, mention or (), under.rstrip("/"))
    _print(found.symbols, [found.text], as_json)
    if found.left_out and not as_json:
        typer.echo(f"… {found.left_out} more definitions; --tokens and --under show others", err=True)


@app.command()
def search(
    text: str,
    repo: Root = HERE,
    regex: Annotated[bool, typer.Option("--regex", "-e", help="Take the text as a regular expression.")] = False,
    ignore_case: Annotated[bool, typer.Option("--ignore-case", "-i")] = False,
    ranked: Annotated[
        bool, typer.Option("--ranked", help="Rank functions by these words (BM25F), best first.")
    ] = False,
    under: Annotated[str, typer.Option(help="Only in this folder or file.")] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Search the files that git lists for a text, or rank the functions that match its words."""
    from repoagent.index.search import ranked as by_rank
    from repoagent.index.search import search as searched

    index = _open(repo, whole=ranked, words=ranked)
    if ranked:
        pieces = by_rank(index, text, under=under.rstrip("/"), limit=limit)
        _print(
            pieces, (f"{p.value:7.2f}  {p.path}:{p.start} {p.symbol}  — {', '.join(p.words)}" for p in pieces), as_json
        )
        return
    found = searched(index, text, regex=regex, ignore_case=ignore_case, under=under.rstrip("/"), limit=limit)
    _print(found, (f"{hit.path}:{hit.line}: {hit.text}" for hit in found), as_json)


@app.command("similar")
def similar(
    place: Annotated[str, typer.Argument(help="A function by name, or `path:start-end`.")],
    repo: Root = HERE,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Find code similar to a function, where the same mistake may be."""
    from repoagent.index.similar import similar as alike

    index = _open(repo, whole=True)
    path, start, end = _lines_of(index, place)
    found = alike(index, path, start, end, limit)
    lines = (f"{c.likeness:4.0%}  {c.unit.path}:{c.lines[0]}-{c.lines[1]} {c.unit.symbol}" for c in found)
    _print(found, lines, as_json)


@app.command("slice")
def show_slice(
    place: Annotated[str, typer.Argument(help="A line of a Python function, as `path:line`.")],
    repo: Root = HERE,
    forward: Annotated[bool, typer.Option("--forward", help="Show the lines that this line affects.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the lines of a function that a line depends on (its backward slice)."""
    from repoagent.index.flow import slice_of

    index = _open(repo)
    path, line, _ = _lines_of(index, place)
    lines = slice_of(index, path, line, forward=forward)
    text = index.source(path).split("\n")
    _print(lines, (f"{number:5} {text[number - 1]}" for number in lines), as_json)


def localise(
    issue: Annotated[str, typer.Option("--issue", help="A text file, a GitHub issue's URL, `owner/name#7`, or `-`.")],
    repo: Root = HERE,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Rank the functions that an issue is about, with reasons."""
    import os

    from repoagent.issue import read_issue
    from repoagent.localise import localise as localised

    read = read_issue(issue, token=os.environ.get("GITHUB_TOKEN"))
    found = localised(read, _open(repo, whole=True, words=True), limit)
    _print(found, map(_location_line, found), as_json)


# --- queries ----------------------------------------------------------------------------------------------------------


def _open(repo: Path, *, whole: bool = False, words: bool = False) -> Index:
    """Open the index of a repository; `whole` indexes every file first, `words` also its word statistics."""
    from repoagent.index.build import Index
    from repoagent.index.layers import WORDS
    from repoagent.index.store import default_cache

    layers = (WORDS.kind,) if words else ()
    index = Index.build(repo, default_cache(), _progress(), layers) if whole else Index.open(repo, default_cache())
    if index.store.rebuilt:
        typer.echo(f"the index's cache was emptied: {index.store.rebuilt}", err=True)
    return index


def _go_on(index: Index) -> None:
    """Index the remaining files in the background, after the answer was printed."""
    from repoagent.index.behind import fill_behind

    fill_behind(index)


def _resolver(repo: Path) -> tuple[Index, Resolver]:
    from repoagent.index.resolving import Resolver

    index = _open(repo)
    return index, Resolver(index)


def _meant(index: Index, name: str) -> tuple[Symbol, ...]:
    """Find the symbols called `name`; raises UserError with similar names where there are none."""
    from repoagent.errors import UserError

    found = tuple(symbol for symbol in index.find(name) or index.resolve(name) if symbol.kind != "variable")
    if not found:
        raise UserError(f"nothing is called `{name}`{_suggestion(index, name)}")
    return found


def _lines_of(index: Index, place: str) -> tuple[str, int, int]:
    """Turn `path:start-end`, `path:line` or a name into path, first and last line."""
    import re

    from repoagent.errors import UserError

    match = re.fullmatch(r"(.+):(\d+)(?:-(\d+))?", place)
    if match:
        return match[1], int(match[2]), int(match[3] or match[2])
    found = _meant(index, place)
    if len(found) > 1:
        choices = ", ".join(f"{symbol.path}:{symbol.start}-{symbol.end}" for symbol in found[:5])
        raise UserError(f"{len(found)} things are called `{place}`; name one by its lines: {choices}")
    return found[0].path, found[0].start, found[0].end


def _not_found(index: Index, name: str) -> None:
    typer.echo(f"nothing is called `{name}`{_suggestion(index, name)}", err=True)


def _suggestion(index: Index, name: str) -> str:
    like = index.nearest(name)
    return f"; did you mean {', '.join(like)}?" if like else ""


# --- output ----------------------------------------------------------------------------------------------------------


def _status(index: Index) -> dict[str, object]:
    from collections import Counter

    from repoagent.index.reading.languages import language_of

    known = index.files.known()
    languages = Counter(language.name for path in index.files if (language := language_of(path)))
    kept, size = index.store.size()
    return {
        "repository": str(index.root),
        "files listed": len(index.listed),
        "files in languages": dict(languages.most_common()),
        "read": len(known),
        "not read yet": len(index.files.pending),
        "skipped": dict(Counter(facts.skipped for facts in known.values() if facts.skipped).most_common()),
        "symbols": sum(len(facts.symbols) for facts in known.values()),
        "cache": str(index.store.file or ""),
        "cache bytes": size,
        "cache files": kept,
    }


def _progress() -> Progress | None:
    """Return a callback that shows the progress of indexing on a terminal; None elsewhere."""
    import sys

    if not sys.stderr.isatty():
        return None

    def show_count(done: int, total: int) -> None:
        if done % 100 == 0 or done == total:
            end = "\n" if done == total else ""
            sys.stderr.write(f"\rreading {done} of {total} files{end}")
            sys.stderr.flush()

    return show_count


def _symbol_line(symbol: Symbol) -> str:
    return f"{symbol.path}:{symbol.start}: {symbol.kind} {symbol.qualified}: {symbol.signature}"


def _location_line(location: Location) -> str:
    return f"{location.score:6.3f}  {location}  — {'; '.join(location.reasons)}"


def _print_links(links: list[Link], as_json: bool) -> None:
    from repoagent.index.resolving import MEANINGS

    def format_link(link: Link) -> str:
        use = link.reference
        targets = ", ".join(f"{symbol.path}:{symbol.start} {symbol.qualified}" for symbol in link.targets[:3])
        more = f" and {len(link.targets) - 3} more" if len(link.targets) > 3 else ""
        inside = f" in {use.inside}" if use.inside else ""
        return f"{use.path}:{use.line}: {use.name}{inside} -> {targets or 'elsewhere'}{more}  [{MEANINGS[link.how]}]"

    _print(links, map(format_link, links), as_json)


def _told(values: dict[str, object], as_json: bool) -> None:
    if as_json:
        import json

        typer.echo(json.dumps(values, indent=2))
        return
    for name, value in values.items():
        if isinstance(value, dict):
            typer.echo(f"{name}:")
            for key, inner in value.items():
                typer.echo(f"  {key}: {inner}")
        else:
            typer.echo(f"{name}: {value}")


def _print(found: Iterable[object], lines: Iterable[str], as_json: bool) -> None:
    if as_json:
        from repoagent.domain import dump

        typer.echo(dump(tuple(found)), nl=False)
        return
    for line in lines:
        typer.echo(line)
