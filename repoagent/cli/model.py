"""`repoagent model`: fetch, serve and remove the embedded models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repoagent.cli.options import AsJson

if TYPE_CHECKING:
    from repoagent.llm.serving import Running, ServerSettings
    from repoagent.llm.weights import Progress, Weights

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Fetch, serve and remove the embedded models.")

Name = Annotated[str, typer.Argument(help="Name of an embedded model; default: the first one listed.")]


@app.command("list")
def list_(json: AsJson = False) -> None:
    """List the embedded models, and which of them are downloaded."""
    from repoagent.llm.weights import catalogue

    rows = [_row(weights) for weights in catalogue()]
    if json:
        _print_json(rows)
        return
    for row in rows:
        where = row["path"] if row["present"] else "not fetched: `repoagent model pull " + str(row["name"]) + "`"
        typer.echo(
            f"{row['name']}  {int(str(row['bytes'])) / 1e9:.2f} GB  {row['licence']}\n  {row['summary']}\n  {where}"
        )


@app.command()
def pull(
    name: Name = "",
    file: Annotated[Path | None, typer.Option(help="Take this copy of the file instead of fetching it.")] = None,
) -> None:
    """Fetch a model's weights and check them."""
    from repoagent.llm.local import download
    from repoagent.llm.sources import LocalFile

    weights = _chosen(name)
    with shown_progress(weights.file) as progress:
        path = download.pull(weights, sources=[LocalFile(file)] if file else None, progress=progress, note=_note)
    typer.echo(path)


@app.command()
def serve(
    model: Annotated[str, typer.Argument(help="Name of an embedded model, or a .gguf file.")] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 for a free one.")] = 0,
    slots: Annotated[int | None, typer.Option(min=1, help="Requests answered at the same time.")] = None,
    context: Annotated[int | None, typer.Option(min=256, help="Tokens of context for each request.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; default: one for each core.")] = None,
) -> None:
    """Serve a model until Ctrl-C; other runs with the same model use this server instead of starting their own."""
    from repoagent.llm.opening import locate
    from repoagent.llm.serving import Server

    with shown_progress(model or "weights") as progress:
        path, name = locate(model or None, progress=progress, note=_note)
    with Server(path, _settings(name, port, slots, context, threads), name=name) as server:
        _describe(server.running)
        _wait(server.running)


@app.command("build-native")
def build_native(
    remove: Annotated[bool, typer.Option("--remove", help="Remove it and go back to the prebuilt wheel.")] = False,
) -> None:
    """Compile llama.cpp for this machine's processors, which can double its speed. Takes some minutes, once."""
    from repoagent.llm import native
    from repoagent.llm.local import native_build
    from repoagent.llm.opening import locate

    if remove:
        typer.echo("removed" if native.remove() else "nothing to remove")
        return
    native_build.require_tools()
    with shown_progress("weights") as progress:
        weights, _ = locate(None, progress=progress, note=_note)
    with shown_progress("compiling", steps=True) as progress:
        typer.echo(native_build.build(weights, note=_note, progress=progress))
    _note("Servers that are started from now on use it; running ones do not.")


@app.command("status")
def status(json: AsJson = False) -> None:
    """Show the model servers that run on this machine."""
    from dataclasses import asdict

    from repoagent.llm.serving import servers

    running = servers()
    if json:
        _print_json([asdict(server) for server in running])
        return
    if not running:
        typer.echo("No model server runs. One is started when it is needed; `repoagent model serve` keeps one running.")
    for server in running:
        _describe(server)


@app.command()
def rm(name: Annotated[str, typer.Argument(help="Name of an embedded model.")]) -> None:
    """Delete a model's weights."""
    from repoagent.llm.local.download import remove
    from repoagent.llm.weights import find

    freed = remove(find(name))
    typer.echo(f"{freed / 1e9:.2f} GB freed" if freed else f"{name} is not downloaded")


@contextmanager
def shown_progress(label: str, *, steps: bool = False) -> Iterator[Progress]:
    """Show a progress bar of bytes, or of `steps`, on a terminal; elsewhere print one line for each tenth.

    Yields the callback to report progress to; nothing is shown before its first call.
    """
    import sys

    if not sys.stderr.isatty():
        yield _tenths(label)
        return
    from rich import progress as parts
    from rich.console import Console

    told = (
        (parts.MofNCompleteColumn(), parts.TimeElapsedColumn())
        if steps
        else (parts.DownloadColumn(), parts.TimeRemainingColumn())
    )
    columns = (parts.TextColumn("{task.description}"), parts.BarColumn(), *told)
    with parts.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)


def _tenths(label: str) -> Progress:
    shown = 0

    def show_tenth(done: int, total: int) -> None:
        nonlocal shown
        if (tenth := done * 10 // total) > shown:
            shown = tenth
            _note(f"{label}: {tenth * 10} %")

    return show_tenth


def _note(line: str) -> None:
    typer.echo(line, err=True)


def _chosen(name: str) -> Weights:
    from repoagent.llm.weights import catalogue, find

    return find(name) if name else catalogue()[0]


def _row(weights: Weights) -> dict[str, object]:
    return {
        "name": weights.name,
        "summary": weights.summary,
        "bytes": weights.bytes,
        "sha256": weights.sha256,
        "licence": weights.licence,
        "present": weights.present,
        "path": str(weights.path),
    }


def _settings(name: str, port: int, slots: int | None, context: int | None, threads: int | None) -> ServerSettings:
    from dataclasses import replace

    from repoagent.llm.opening import settings_for

    suited = settings_for(name)
    return replace(
        suited,
        port=port,
        slots=slots or suited.slots,
        slot_context=context or suited.slot_context,
        threads=threads or suited.threads,
    )


def _describe(server: Running) -> None:
    settings = server.settings
    typer.echo(f"{server.name} at {server.url}")
    typer.echo(
        f"  {settings.slots} requests at once, {settings.slot_context:,} tokens each, {settings.threads} threads"
    )
    typer.echo(f"  process {server.pid}, log {server.log}")
    if server.program:
        typer.echo(f"  program {server.program}, compiled on this machine")


def _wait(server: Running) -> None:
    import time

    from repoagent.errors import ModelFailed

    try:
        while _exists(server.pid):
            time.sleep(1.0)
    except KeyboardInterrupt:
        return
    raise ModelFailed(f"the model server ended unexpectedly; its log is {server.log}")


def _exists(process: int) -> bool:
    import os

    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _print_json(rows: list[dict[str, object]]) -> None:
    import json

    typer.echo(json.dumps(rows, indent=2))
