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
    from repoagent.index.facts import ReadProgress
    from repoagent.index.model import Symbol
    from repoagent.index.resolving import ResolvedReference, Resolver

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

WorkTreeOption = Annotated[Path, typer.Option("--repo", help="A git work tree.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="Maximum number of results.")]
SymbolNameArgument = Annotated[str, typer.Argument(help="`name`, `Class.method` or a dotted path.")]

CURRENT_DIRECTORY = Path()


@app.command()
def build(repo: WorkTreeOption = CURRENT_DIRECTORY, as_json: AsJson = False) -> None:
    """Index every file now; the other commands index what they need."""
    import time

    from repoagent.index.build import Index
    from repoagent.index.store import locate_cache

    started = time.monotonic()
    index = Index.build(repo, locate_cache(), _make_progress())
    _print_values(_collect_status(index) | {"seconds": round(time.monotonic() - started, 2)}, as_json)


@app.command("status")
def show_status(
    repo: WorkTreeOption = CURRENT_DIRECTORY,
    skipped: Annotated[bool, typer.Option("--skipped", help="List the files that are not read, and why.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how many files were indexed, in which languages, and which were skipped and why."""
    index = _open_index(repo)
    index.files.look_up()
    told = _collect_status(index)
    if skipped:
        told["skipped files"] = {
            path: facts.skipped for path, facts in index.files.load_known().items() if facts.skipped
        }
    _print_values(told, as_json)


@app.command()
def find(
    name: SymbolNameArgument,
    repo: WorkTreeOption = CURRENT_DIRECTORY,
    prefix: Annotated[bool, typer.Option("--prefix", help="Match names that start with this.")] = False,
    fuzzy: Annotated[bool, typer.Option("--fuzzy", help="Match similar names where none is equal.")] = False,
    limit: LimitOption = 100,
    as_json: AsJson = False,
) -> None:
    """Show where a name is defined."""
    index = _open_index(repo)
    found = index.find_by_prefix(name, limit) if prefix else index.find_symbols(name) or index.resolve(name)
    if fuzzy and not found:
        found = tuple(symbol for other in index.suggest_names(name) for symbol in index.find_symbols(other))
    if not found and not as_json:
        _print_not_found(index, name)
    _print_found(found[:limit], map(_format_symbol, found[:limit]), as_json)
    _index_in_background(index)


@app.command("refs")
def show_references(
    name: SymbolNameArgument,
    repo: WorkTreeOption = CURRENT_DIRECTORY,
    limit: LimitOption = 1000,
    as_json: AsJson = False,
) -> None:
    """Show where a name is used. Uses are matched by name alone."""
    index = _open_index(repo)
    found = index.find_references(name)[:limit]
    lines = (f"{r.path}:{r.line}: {r.kind} {r.name}{f' in {r.inside}' if r.inside else ''}" for r in found)
    _print_found(found, lines, as_json)
    _index_in_background(index)


@app.command("callers")
def show_callers(
    name: SymbolNameArgument,
    repo: WorkTreeOption = CURRENT_DIRECTORY,
    limit: LimitOption = 1000,
    as_json: AsJson = False,
) -> None:
    """Show the callers of a function, method or class; calls that are matched by name alone are marked."""
    index, resolver = _open_resolver(repo)
    links = [link for symbol in _find_symbols(index, name) for link in resolver.find_callers(symbol)]
    _print_links(links[:limit], as_json)
    _index_in_background(index)


@app.command("callees")
def show_callees(name: SymbolNameArgument, repo: WorkTreeOption = CURRENT_DIRECTORY, as_json: AsJson = False) -> None:
    """Show what a function calls, and where each callee is defined."""
    index, resolver = _open_resolver(repo)
    links = [link for symbol in _find_symbols(index, name) for link in resolver.find_callees(symbol)]
    _print_links(links, as_json)
    _index_in_background(index)


@app.command("subclasses")
def show_subclasses(
    name: SymbolNameArgument, repo: WorkTreeOption = CURRENT_DIRECTORY, as_json: AsJson = False
) -> None:
    """Show all direct and indirect subclasses of a class."""
    index, resolver = _open_resolver(repo)
    found = tuple(
        dict.fromkeys(below for symbol in _find_symbols(index, name) for below in resolver.find_subclasses(symbol))
    )
    _print_found(found, map(_format_symbol, found), as_json)
    _index_in_background(index)


@app.command("outline")
def show_outline(
    path: str,
    name: Annotated[str, typer.Argument(help="A class in it.")] = "",
    repo: WorkTreeOption = CURRENT_DIRECTORY,
    as_json: AsJson = False,
) -> None:
    """Show the skeleton of a file or a class."""
    from repoagent.errors import UserError
    from repoagent.index.outline import build_outline

    index = _open_index(repo)
    facts = index.read_facts(path)
    if facts is None or facts.skipped:
        why = facts.skipped if facts else "not listed by git, or in no language the index knows"
        raise UserError(f"there is no outline of `{path}`: {why}")
    inside = [s for s in facts.symbols if not name or f"{s.qualified}.".startswith(f"{name}.")]
    if name and not inside:
        raise UserError(f"`{path}` defines no `{name}`; `repoagent index find {name}` tells where it is")
    _print_found(inside, [build_outline(index, path, name)], as_json)


@app.command("map")
def show_map(
    repo: WorkTreeOption = CURRENT_DIRECTORY,
    tokens: Annotated[int, typer.Option(min=50, help="Maximum length of the map in tokens.")] = 1000,
    mention: Annotated[list[str] | None, typer.Option(help="A name or path to rank higher; may be repeated.")] = None,
    under: Annotated[str, typer.Option(help="Only in this folder or file.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show the most important definitions of the repository, within a number of tokens."""
    from repoagent.index.repomap import build_repository_map

    found = build_repository_map(_open_index(repo, whole=True), tokens, mention or (), under.rstrip("/"))
    _print_found(found.symbols, [found.text], as_json)
    if found.left_out and not as_json:
        typer.echo(f"… {found.left_out} more definitions; --tokens and --under show others", err=True)


@app.command()
def search(
    text: str,
    repo: WorkTreeOption = CURRENT_DIRECTORY,
    regex: Annotated[bool, typer.Option("--regex", "-e", help="Take the text as a regular expression.")] = False,
    ignore_case: Annotated[bool, typer.Option("--ignore-case", "-i")] = False,
    ranked: Annotated[
        bool, typer.Option("--ranked", help="Rank functions by these words (BM25F), best first.")
    ] = False,
    under: Annotated[str, typer.Option(help="Only in this folder or file.")] = "",
    limit: LimitOption = 100,
    as_json: AsJson = False,
) -> None:
    """Search the files that git lists for a text, or rank the functions that match its words."""
    from repoagent.index.search import search_by_words, search_lines

    index = _open_index(repo, whole=ranked, words=ranked)
    if ranked:
        pieces = search_by_words(index, text, under=under.rstrip("/"), limit=limit)
        _print_found(
            pieces, (f"{p.value:7.2f}  {p.path}:{p.start} {p.symbol}  — {', '.join(p.words)}" for p in pieces), as_json
        )
        return
    found = search_lines(index, text, regex=regex, ignore_case=ignore_case, under=under.rstrip("/"), limit=limit)
    _print_found(found, (f"{hit.path}:{hit.line}: {hit.text}" for hit in found), as_json)


@app.command("similar")
def show_similar(
    place: Annotated[str, typer.Argument(help="A function by name, or `path:start-end`.")],
    repo: WorkTreeOption = CURRENT_DIRECTORY,
    limit: LimitOption = 20,
    as_json: AsJson = False,
) -> None:
    """Find code similar to a function, where the same mistake may be."""
    from repoagent.index.similar import find_clones

    index = _open_index(repo, whole=True)
    path, start, end = _parse_place(index, place)
    found = find_clones(index, path, start, end, limit)
    lines = (f"{c.likeness:4.0%}  {c.unit.path}:{c.lines[0]}-{c.lines[1]} {c.unit.symbol}" for c in found)
    _print_found(found, lines, as_json)


@app.command("slice")
def show_slice(
    place: Annotated[str, typer.Argument(help="A line of a Python function, as `path:line`.")],
    repo: WorkTreeOption = CURRENT_DIRECTORY,
    forward: Annotated[bool, typer.Option("--forward", help="Show the lines that this line affects.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the lines of a function that a line depends on (its backward slice)."""
    from repoagent.index.flow import slice_function

    index = _open_index(repo)
    path, line, _ = _parse_place(index, place)
    lines = slice_function(index, path, line, forward=forward)
    text = index.read_source(path).split("\n")
    _print_found(lines, (f"{number:5} {text[number - 1]}" for number in lines), as_json)


def localise(
    issue: Annotated[str, typer.Option("--issue", help="A text file, a GitHub issue's URL, `owner/name#7`, or `-`.")],
    repo: WorkTreeOption = CURRENT_DIRECTORY,
    limit: LimitOption = 20,
    as_json: AsJson = False,
) -> None:
    """Rank the functions that an issue is about, with reasons."""
    import os

    from repoagent.issue import read_issue
    from repoagent.localise import localise as localised

    read = read_issue(issue, token=os.environ.get("GITHUB_TOKEN"))
    found = localised(read, _open_index(repo, whole=True, words=True), limit)
    _print_found(found, map(_format_location, found), as_json)


# --- queries ----------------------------------------------------------------------------------------------------------


def _open_index(repo: Path, *, whole: bool = False, words: bool = False) -> Index:
    """Open the index of a repository; `whole` indexes every file first, `words` also its word statistics."""
    from repoagent.index.build import Index
    from repoagent.index.layers import WORDS
    from repoagent.index.store import locate_cache

    layers = (WORDS.kind,) if words else ()
    index = Index.build(repo, locate_cache(), _make_progress(), layers) if whole else Index.open(repo, locate_cache())
    if index.store.rebuild_reason:
        typer.echo(f"the index's cache was emptied: {index.store.rebuild_reason}", err=True)
    return index


def _index_in_background(index: Index) -> None:
    """Index the remaining files in the background, after the answer was printed."""
    from repoagent.index.background import start_background_read

    start_background_read(index)


def _open_resolver(repo: Path) -> tuple[Index, Resolver]:
    from repoagent.index.resolving import Resolver

    index = _open_index(repo)
    return index, Resolver(index)


def _find_symbols(index: Index, name: str) -> tuple[Symbol, ...]:
    """Find the symbols called `name`; raises UserError with similar names where there are none."""
    from repoagent.errors import UserError

    found = tuple(symbol for symbol in index.find_symbols(name) or index.resolve(name) if symbol.kind != "variable")
    if not found:
        raise UserError(f"nothing is called `{name}`{_suggest_names(index, name)}")
    return found


def _parse_place(index: Index, place: str) -> tuple[str, int, int]:
    """Turn `path:start-end`, `path:line` or a name into path, first and last line."""
    import re

    from repoagent.errors import UserError

    match = re.fullmatch(r"(.+):(\d+)(?:-(\d+))?", place)
    if match:
        return match[1], int(match[2]), int(match[3] or match[2])
    found = _find_symbols(index, place)
    if len(found) > 1:
        choices = ", ".join(f"{symbol.path}:{symbol.start}-{symbol.end}" for symbol in found[:5])
        raise UserError(f"{len(found)} things are called `{place}`; name one by its lines: {choices}")
    return found[0].path, found[0].start, found[0].end


def _print_not_found(index: Index, name: str) -> None:
    typer.echo(f"nothing is called `{name}`{_suggest_names(index, name)}", err=True)


def _suggest_names(index: Index, name: str) -> str:
    like = index.suggest_names(name)
    return f"; did you mean {', '.join(like)}?" if like else ""


# --- output ----------------------------------------------------------------------------------------------------------


def _collect_status(index: Index) -> dict[str, object]:
    from collections import Counter

    from repoagent.index.reading.languages import detect_language

    known = index.files.load_known()
    languages = Counter(language.name for path in index.files if (language := detect_language(path)))
    kept, size = index.store.measure_size()
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


def _make_progress() -> ReadProgress | None:
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


def _format_symbol(symbol: Symbol) -> str:
    return f"{symbol.path}:{symbol.start}: {symbol.kind} {symbol.qualified}: {symbol.signature}"


def _format_location(location: Location) -> str:
    return f"{location.score:6.3f}  {location}  — {'; '.join(location.reasons)}"


def _print_links(links: list[ResolvedReference], as_json: bool) -> None:
    from repoagent.index.resolving import KIND_LABELS

    def format_link(link: ResolvedReference) -> str:
        use = link.reference
        targets = ", ".join(f"{symbol.path}:{symbol.start} {symbol.qualified}" for symbol in link.targets[:3])
        more = f" and {len(link.targets) - 3} more" if len(link.targets) > 3 else ""
        inside = f" in {use.inside}" if use.inside else ""
        return f"{use.path}:{use.line}: {use.name}{inside} -> {targets or 'elsewhere'}{more}  [{KIND_LABELS[link.how]}]"

    _print_found(links, map(format_link, links), as_json)


def _print_values(values: dict[str, object], as_json: bool) -> None:
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


def _print_found(found: Iterable[object], lines: Iterable[str], as_json: bool) -> None:
    if as_json:
        from repoagent.domain import dump

        typer.echo(dump(tuple(found)), nl=False)
        return
    for line in lines:
        typer.echo(line)
