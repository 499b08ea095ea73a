"""`repoagent model`: fetch, serve and remove the embedded models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repoagent.cli.options import AsJson

if TYPE_CHECKING:
    from repoagent.llm.local.serving import RunningServer, ServerSettings
    from repoagent.llm.local.weights import ModelWeights, ProgressCallback

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Fetch, serve and remove the embedded models.")

ModelNameArgument = Annotated[str, typer.Argument(help="Name of an embedded model; default: the first one listed.")]


@app.command("list")
def list_models(json: AsJson = False) -> None:
    """List the embedded models, and which of them are downloaded."""
    from repoagent.llm.local.weights import load_catalogue

    rows = [_describe_weights(weights) for weights in load_catalogue()]
    if json:
        _print_rows(rows)
        return
    for row in rows:
        where = row["path"] if row["present"] else "not fetched: `repoagent model pull " + str(row["name"]) + "`"
        typer.echo(
            f"{row['name']}  {int(str(row['bytes'])) / 1e9:.2f} GB  {row['licence']}\n  {row['summary']}\n  {where}"
        )


@app.command()
def pull(
    name: ModelNameArgument = "",
    file: Annotated[Path | None, typer.Option(help="Take this copy of the file instead of fetching it.")] = None,
) -> None:
    """Fetch a model's weights and check them."""
    from repoagent.llm.local import download
    from repoagent.llm.local.sources import LocalFile

    weights = _find_weights(name)
    with show_progress(weights.file) as progress:
        path = download.pull_weights(
            weights, sources=[LocalFile(file)] if file else None, progress=progress, note=_print_note
        )
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
    from repoagent.llm.local.serving import ModelServer
    from repoagent.llm.opening import locate_weights

    with show_progress(model or "weights") as progress:
        path, name = locate_weights(model or None, progress=progress, note=_print_note)
    with ModelServer(path, _make_settings(name, port, slots, context, threads), name=name) as server:
        _describe_server(server.running)
        _wait_for_server(server.running)


@app.command("build-native")
def build_native(
    remove: Annotated[bool, typer.Option("--remove", help="Remove it and go back to the prebuilt wheel.")] = False,
) -> None:
    """Compile llama.cpp for this machine's processors, which can double its speed. Takes some minutes, once."""
    from repoagent.llm.local import native, native_build
    from repoagent.llm.opening import locate_weights

    if remove:
        typer.echo("removed" if native.remove_native_server() else "nothing to remove")
        return
    native_build.check_tools()
    with show_progress("weights") as progress:
        weights, _ = locate_weights(None, progress=progress, note=_print_note)
    with show_progress("compiling", steps=True) as progress:
        typer.echo(native_build.build_native_server(weights, note=_print_note, progress=progress))
    _print_note("Servers that are started from now on use it; running ones do not.")


@app.command("status")
def show_servers(json: AsJson = False) -> None:
    """Show the model servers that run on this machine."""
    from dataclasses import asdict

    from repoagent.llm.local.serving import list_servers

    running = list_servers()
    if json:
        _print_rows([asdict(server) for server in running])
        return
    if not running:
        typer.echo("No model server runs. One is started when it is needed; `repoagent model serve` keeps one running.")
    for server in running:
        _describe_server(server)


@app.command()
def rm(name: Annotated[str, typer.Argument(help="Name of an embedded model.")]) -> None:
    """Delete a model's weights."""
    from repoagent.llm.local.download import remove_weights
    from repoagent.llm.local.weights import find_weights

    freed = remove_weights(find_weights(name))
    typer.echo(f"{freed / 1e9:.2f} GB freed" if freed else f"{name} is not downloaded")


@contextmanager
def show_progress(label: str, *, steps: bool = False) -> Iterator[ProgressCallback]:
    """Show a progress bar of bytes, or of `steps`, on a terminal; elsewhere print one line for each tenth.

    Yields the callback to report progress to; nothing is shown before its first call.
    """
    import sys

    if not sys.stderr.isatty():
        yield _make_tenths_callback(label)
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


def _make_tenths_callback(label: str) -> ProgressCallback:
    shown = 0

    def show_tenth(done: int, total: int) -> None:
        nonlocal shown
        if (tenth := done * 10 // total) > shown:
            shown = tenth
            _print_note(f"{label}: {tenth * 10} %")

    return show_tenth


def _print_note(line: str) -> None:
    typer.echo(line, err=True)


def _find_weights(name: str) -> ModelWeights:
    from repoagent.llm.local.weights import find_weights, load_catalogue

    return find_weights(name) if name else load_catalogue()[0]


def _describe_weights(weights: ModelWeights) -> dict[str, object]:
    return {
        "name": weights.name,
        "summary": weights.summary,
        "bytes": weights.bytes,
        "sha256": weights.sha256,
        "licence": weights.licence,
        "present": weights.is_present,
        "path": str(weights.path),
    }


def _make_settings(name: str, port: int, slots: int | None, context: int | None, threads: int | None) -> ServerSettings:
    from dataclasses import replace

    from repoagent.llm.opening import choose_server_settings

    suited = choose_server_settings(name)
    return replace(
        suited,
        port=port,
        slots=slots or suited.slots,
        slot_context=context or suited.slot_context,
        threads=threads or suited.threads,
    )


def _describe_server(server: RunningServer) -> None:
    settings = server.settings
    typer.echo(f"{server.name} at {server.url}")
    typer.echo(
        f"  {settings.slots} requests at once, {settings.slot_context:,} tokens each, {settings.threads} threads"
    )
    typer.echo(f"  process {server.pid}, log {server.log}")
    if server.program:
        typer.echo(f"  program {server.program}, compiled on this machine")


def _wait_for_server(server: RunningServer) -> None:
    import time

    from repoagent.errors import ModelFailed

    try:
        while _is_running(server.pid):
            time.sleep(1.0)
    except KeyboardInterrupt:
        return
    raise ModelFailed(f"the model server ended unexpectedly; its log is {server.log}")


def _is_running(process: int) -> bool:
    import os

    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _print_rows(rows: list[dict[str, object]]) -> None:
    import json

    typer.echo(json.dumps(rows, indent=2))
