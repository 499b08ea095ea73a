"""`repoagent bench`: run a benchmark, validate it, evaluate the patches, report and compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from repoagent.bench.datasets import Choice
    from repoagent.bench.run_config import Config
    from repoagent.bench.runs import Make, Means
    from repoagent.bench.schedule import Stopped, Watcher
    from repoagent.bench.store import Store
    from repoagent.bench.task import Agent, Stage

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

_Dataset = Annotated[
    str,
    typer.Option(
        "--dataset",
        "-d",
        metavar="FILE|DIR|NAME",
        help="A .jsonl, .json or .parquet file, a directory, or a name on the hub such as swe-bench-verified.",
    ),
]
_Split = Annotated[
    str | None, typer.Option("--split", help="Split of a dataset on the hub; default: its evaluation split.")
]
_Repo = Annotated[str | None, typer.Option("--repo", help="Repository of issue files that do not name one.")]
_Ids = Annotated[str | None, typer.Option("--ids", metavar="ID,…|FILE", help="Only these instances, in this order.")]
_Repos = Annotated[str | None, typer.Option("--repos", metavar="OWNER/NAME,…", help="Only these repositories.")]
_Match = Annotated[str, typer.Option("--match", metavar="REGEX", help="Only instances whose id matches.")]
_Difficulty = Annotated[
    str, typer.Option("--difficulty", metavar="REGEX", help="Only instances whose difficulty matches.")
]
_Shuffle = Annotated[
    int | None, typer.Option("--shuffle", metavar="SEED", help="Shuffle with this seed before slicing.")
]
_Slice = Annotated[
    str, typer.Option("--slice", metavar="A:B:STEP", help="A slice of the selected instances, such as 0:20 or ::5.")
]
_Out = Annotated[
    Path, typer.Option("--out", "-o", metavar="DIR", help="Directory of the run; an existing run is continued.")
]
_Mirrors = Annotated[
    Path | None,
    typer.Option(
        "--mirrors", metavar="DIR", help="Directory of local clones named owner+name; other repositories are fetched."
    ),
]
_Model = Annotated[
    str | None, typer.Option("--model", "-m", metavar="NAME|FILE|URL", help="The model, as for `solve`.")
]
_Sandbox = Annotated[
    str | None, typer.Option("--sandbox", metavar="docker|bubblewrap", help="The sandbox engine, as for `solve`.")
]
_Agent = Annotated[
    str,
    typer.Option(
        "--agent",
        metavar="NAME|COMMAND",
        help="repoagent, gold (reference patch), empty (no patch), or a shell command.",
    ),
]
_Workers = Annotated[
    int, typer.Option("--workers", "-w", min=0, help="Instances at the same time; 0 on a cluster: as many as fit.")
]
_Minutes = Annotated[float | None, typer.Option("--max-minutes", help="Maximum minutes of one instance.")]
_Tokens = Annotated[int | None, typer.Option("--max-tokens", help="Maximum tokens of one instance.")]
_Samples = Annotated[int | None, typer.Option("--samples", help="Maximum samples, as for `solve`.")]
_Seed = Annotated[int | None, typer.Option("--seed", help="Seed for sampling, as for `solve`.")]
_TestSeconds = Annotated[float | None, typer.Option("--test-seconds", help="Maximum seconds of one test run.")]
_TotalMinutes = Annotated[float | None, typer.Option("--total-minutes", help="Maximum minutes of this call.")]
_TotalTokens = Annotated[
    int | None, typer.Option("--total-tokens", help="Maximum tokens of the run, earlier calls included.")
]
_Retries = Annotated[
    int, typer.Option("--retries", min=0, help="Retries of an instance after infrastructure failures.")
]
_InFlight = Annotated[
    int | None, typer.Option("--in-flight", min=1, help="Maximum instances that use the model at the same time.")
]
_Free = Annotated[float, typer.Option("--min-free-gb", min=0, help="Free disk space that an instance needs to start.")]
_Keep = Annotated[bool, typer.Option("--keep", help="Keep work trees and checkpoints.")]
_Name = Annotated[str, typer.Option("--name", help="Name of the run in reports and predictions.")]
_Cluster = Annotated[str, typer.Option("--cluster", metavar="auto|local|ray://…", help="Run on a Ray cluster.")]
_Resource = Annotated[
    list[str] | None, typer.Option("--resource", metavar="NAME=N", help="Resources that a node needs for one instance.")
]
_Label = Annotated[list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="Label that a node must have.")]
_Run = Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a run.")]


@app.command("dataset")
def dataset(
    dataset: _Dataset,
    split: _Split = None,
    repo: _Repo = None,
    ids: _Ids = None,
    repos: _Repos = None,
    match: _Match = "",
    difficulty: _Difficulty = "",
    shuffle: _Shuffle = None,
    part: _Slice = "",
) -> None:
    """List the instances of a dataset, and every row that is invalid. Ends with 2 if there are invalid rows."""
    from repoagent.bench.datasets import choose, load
    from repoagent.bench.instance import changed_lines
    from repoagent.cli.plain import plain

    loaded = load(dataset, split=split, repo=repo)
    for each in choose(loaded.instances, _choice(ids, repos, match, difficulty, shuffle, part)):
        size = f"{changed_lines(each.patch)} lines" if each.patch else "no reference patch"
        tests = f"{len(each.fail_to_pass)} to pass, {len(each.pass_to_pass)} to keep"
        typer.echo(plain(f"{each.id}  {each.repository}@{each.base[:10]}  {size}, {tests}  {each.difficulty}"))
    for refused in loaded.refused:
        typer.echo(plain(str(refused)), err=True)
    if loaded.refused:
        raise typer.Exit(2)


@app.command()
def run(
    dataset: _Dataset,
    out: _Out,
    model: _Model = None,
    workers: _Workers = 1,
    agent: _Agent = "repoagent",
    split: _Split = None,
    repo: _Repo = None,
    ids: _Ids = None,
    repos: _Repos = None,
    match: _Match = "",
    difficulty: _Difficulty = "",
    shuffle: _Shuffle = None,
    part: _Slice = "",
    mirrors: _Mirrors = None,
    sandbox: _Sandbox = None,
    max_minutes: _Minutes = None,
    max_tokens: _Tokens = None,
    samples: _Samples = None,
    seed: _Seed = None,
    test_seconds: _TestSeconds = None,
    total_minutes: _TotalMinutes = None,
    total_tokens: _TotalTokens = None,
    retries: _Retries = 2,
    in_flight: _InFlight = None,
    min_free_gb: _Free = 2.0,
    cluster: _Cluster = "",
    resource: _Resource = None,
    label: _Label = None,
    keep: _Keep = False,
    name: _Name = "",
) -> None:
    """Let an agent work on every instance. After a stop, the same command continues the run; nothing is done twice.

    Ends with 0 if all instances are finished, 5 if infrastructure failures are left, 6 if a budget is used up.
    """
    import os

    from repoagent.bench.run_config import Config
    from repoagent.config import configure

    flags: dict[str, object] = {"model": model, "sandbox": sandbox, "samples": samples, "seed": seed}
    flags |= {"max_minutes": max_minutes, "max_tokens": max_tokens, "test_seconds": test_seconds}
    settings = configure(flags, os.environ).settings
    config = Config(
        str(Path(dataset).absolute()) if Path(dataset).exists() else dataset,
        settings,
        _agent(agent),
        _choice(ids, repos, match, difficulty, shuffle, part),
        split,
        repo,
        str(mirrors.absolute()) if mirrors else "",
        keep,
        name,
    )
    means = _means(
        workers, total_minutes, total_tokens, retries, in_flight, min_free_gb, cluster, resource or [], label or []
    )
    _solve(out, config, means)


@app.command()
def resume(
    run: _Run,
    workers: _Workers = 1,
    total_minutes: _TotalMinutes = None,
    total_tokens: _TotalTokens = None,
    retries: _Retries = 2,
    in_flight: _InFlight = None,
    min_free_gb: _Free = 2.0,
    cluster: _Cluster = "",
    resource: _Resource = None,
    label: _Label = None,
) -> None:
    """Continue a run; instances that failed because of the infrastructure are tried again."""
    means = _means(
        workers, total_minutes, total_tokens, retries, in_flight, min_free_gb, cluster, resource or [], label or []
    )
    _solve(run, None, means)


@app.command()
def validate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a run; --dataset creates a new one.")],
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", metavar="FILE|DIR|NAME")] = None,
    ids: _Ids = None,
    repos: _Repos = None,
    shuffle: _Shuffle = None,
    part: _Slice = "",
    mirrors: _Mirrors = None,
    sandbox: _Sandbox = None,
    test_seconds: _TestSeconds = None,
    workers: _Workers = 1,
    min_free_gb: _Free = 2.0,
    cluster: _Cluster = "",
) -> None:
    """Evaluate the reference patches and the untouched code: of the instances that can be run here, the reference
    patches must resolve all, and the untouched code none.

    Ends with 0 if this holds, 3 if not, 5 if infrastructure failures are left.
    """
    import os

    from repoagent.bench.run_config import Config, config_of
    from repoagent.bench.runs import claimed, settle, validate_all
    from repoagent.bench.summaries import validation_of
    from repoagent.config import configure

    means = _means(workers, None, None, 2, None, min_free_gb, cluster, [], [])
    with claimed(run, create=dataset is not None) as store:
        if dataset is not None and store.meta("config") is None:
            flags: dict[str, object] = {"sandbox": sandbox, "test_seconds": test_seconds}
            place = str(Path(dataset).absolute()) if Path(dataset).exists() else dataset
            settings, choice = configure(flags, os.environ).settings, _choice(ids, repos, "", "", shuffle, part)
            settle(store, Config(place, settings, choice=choice, mirrors=str(mirrors.absolute()) if mirrors else ""))
        stopped = _watched(validate_all, store, config_of(store), means)
        found = validation_of(store)
        typer.echo(found.text)
        _leave(store, "validate", stopped)
        raise typer.Exit(0 if found.holds else 3)


@app.command()
def evaluate(
    run: _Run,
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", metavar="FILE", help="Evaluate these patches instead of the run's own."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", metavar="FILE|DIR|NAME", help="Dataset of these predictions.")
    ] = None,
    mirrors: _Mirrors = None,
    sandbox: _Sandbox = None,
    test_seconds: _TestSeconds = None,
    workers: _Workers = 1,
    min_free_gb: _Free = 2.0,
    cluster: _Cluster = "",
    validation: Annotated[
        Path | None, typer.Option("--validation", metavar="RUN", help="Run in which the dataset was validated.")
    ] = None,
    harness: Annotated[
        bool, typer.Option("--harness", help="Use the official SWE-bench harness; needs its images and an extra.")
    ] = False,
    name: _Name = "",
) -> None:
    """Evaluate the patches of a run with the tests of the fix, and write a report in the official format."""
    from repoagent.bench.evaluation.official import write_report
    from repoagent.bench.run_config import config_of
    from repoagent.bench.runs import claimed, evaluate_all
    from repoagent.bench.summaries import adopt_validation, evaluation_of

    means = _means(workers, None, None, 2, None, min_free_gb, cluster, [], [])
    with claimed(run, create=predictions is not None) as store:
        if predictions is not None:
            _take(store, predictions, dataset, mirrors, sandbox, test_seconds, name)
        if validation is not None:
            adopt_validation(store, validation)
        config = config_of(store)
        stopped: Stopped = ""
        if harness:
            from repoagent.bench.evaluation.harness import evaluate_officially

            evaluate_officially(store, config, max(workers, 1))
        else:
            stopped = _watched(evaluate_all, store, config, means)
        path = write_report(store, config.label)
        typer.echo(evaluation_of(store))
        typer.echo(f"official report: {path}", err=True)
        _leave(store, "evaluate", stopped)


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Directories of runs; several are compared.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Directory of the report; default: that of the first run."),
    ] = None,
) -> None:
    """Write `report.html` and `report.md` about one or several runs."""
    from repoagent.bench.reporting.write import write_reports

    for path in write_reports(runs, out or runs[0]):
        typer.echo(path)


@app.command()
def compare(one: _Run, other: Annotated[Path, typer.Argument(metavar="RUN", help="Directory of another run.")]) -> None:
    """List the instances on which two runs differ, and test whether the difference is significant."""
    from repoagent.bench.reporting.collect import collect
    from repoagent.bench.reporting.comparing import compared

    typer.echo(compared(collect(one), collect(other)).text, nl=False)


@app.command()
def mine(
    repo: Annotated[
        str, typer.Option("--repo", "-r", metavar="PATH|URL", help="Repository whose history is searched.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.jsonl", help="File for the instances.")],
    last: Annotated[int, typer.Option("--last", min=1, help="Number of fixes to examine, newest first.")] = 50,
    since: Annotated[str | None, typer.Option("--since", metavar="DAY", help="Ignore older fixes.")] = None,
    issues: Annotated[
        Path | None,
        typer.Option(
            "--issues", metavar="DIR", help="Directory of issue texts named NUMBER.md, for fixes that mention #NUMBER."
        ),
    ] = None,
    sandbox: _Sandbox = None,
    test_seconds: _TestSeconds = None,
    workers: _Workers = 1,
    min_free_gb: _Free = 2.0,
) -> None:
    """Make a dataset from a repository's own fixes: commits that change code and tests, where the tests fail before
    and pass after the fix."""
    import os

    from repoagent.bench.mining import Wanted
    from repoagent.bench.mining import mine as mine_all
    from repoagent.bench.runs import executor_for
    from repoagent.cli.bench_live import Watching
    from repoagent.config import configure

    settings = configure({"sandbox": sandbox, "test_seconds": test_seconds}, os.environ).settings
    means = _means(workers, None, None, 2, None, min_free_gb, "", [], [])
    with Watching() as watching:
        mined = mine_all(Wanted(repo, last, since, issues), out, settings, means, executor_for, watching)
    typer.echo(mined.text)


@app.command("sizing")
def sizing(
    instances: Annotated[int, typer.Option("--instances", min=1, help="Instances of the benchmark.")] = 500,
    tokens_per_second: Annotated[
        float, typer.Option("--tokens-per-second", min=0.1, help="Throughput of one GPU, all requests together.")
    ] = 1500,
    stream: Annotated[float, typer.Option("--stream", min=0.1, help="Maximum tokens per second of one request.")] = 60,
    tokens: Annotated[
        int, typer.Option("--tokens", min=1, help="Tokens written for one instance; add what reading costs.")
    ] = 40_000,
    test_minutes: Annotated[
        float, typer.Option("--test-minutes", min=0, help="Minutes of builds and tests for one instance on one worker.")
    ] = 6.0,
    workers: Annotated[
        str, typer.Option("--workers", help="Numbers of workers, separated by commas.")
    ] = "1,4,16,64,256",
    gpus: Annotated[str, typer.Option("--gpus", help="Numbers of GPUs, separated by commas.")] = "1,4,16",
) -> None:
    """Simulate instances per hour for numbers of workers and GPUs, from the throughput of the model."""
    from repoagent.bench.sizing import Load, table

    load = Load(instances, tokens, test_minutes * 60, tokens_per_second, stream)
    typer.echo(table(load, _numbers(workers), _numbers(gpus)), nl=False)


# --- shared by the commands -------------------------------------------------------------------------------------------


def _solve(out: Path, config: Config | None, means: Means) -> None:
    from repoagent.bench.run_config import config_of
    from repoagent.bench.runs import claimed, settle, solve_all
    from repoagent.bench.summaries import solving_of

    with claimed(out, create=config is not None) as store:
        begun = settle(store, config) if config else config_of(store)
        stopped = _watched(solve_all, store, begun, means)
        typer.echo(solving_of(store))
        _leave(store, "solve", stopped)


def _watched(
    stage: Callable[[Store, Config, Means, Make, Watcher], Stopped], store: Store, config: Config, means: Means
) -> Stopped:
    from repoagent.bench.runs import executor_for
    from repoagent.cli.bench_live import Watching

    with Watching() as watching:
        return stage(store, config, means, executor_for, watching)


_STOP_REASONS = {
    "time": "the time of this call is used up",
    "tokens": "the tokens of the run are used up",
    "model": "the model server did not answer for too long",
}


def _leave(store: Store, stage: Stage, stopped: Stopped) -> None:
    """Exit with the code that follows from the state of the stage; return where all went well."""
    from repoagent.bench.task import State
    from repoagent.cli.codes import Exit

    if stopped:
        reason = _STOP_REASONS[stopped]
        typer.echo(f"stopped: {reason}; continue with `repoagent bench resume {store.folder}`", err=True)
        raise typer.Exit(Exit.ENVIRONMENT if stopped == "model" else Exit.BUDGET)
    if store.counts(stage).get(State.ENVIRONMENT):
        raise typer.Exit(Exit.ENVIRONMENT)


def _take(
    store: Store,
    predictions: Path,
    dataset: str | None,
    mirrors: Path | None,
    sandbox: str | None,
    test_seconds: float | None,
    name: str,
) -> None:
    import os

    from repoagent.bench.run_config import Config
    from repoagent.bench.runs import import_predictions, settle
    from repoagent.bench.task import Agent
    from repoagent.config import configure
    from repoagent.errors import UserError

    if dataset is None:
        raise UserError("--predictions needs --dataset: the dataset that they belong to")
    place = str(Path(dataset).absolute()) if Path(dataset).exists() else dataset
    settings = configure({"sandbox": sandbox, "test_seconds": test_seconds}, os.environ).settings
    agent = Agent("command", name or predictions.stem)
    settle(store, Config(place, settings, agent, mirrors=str(mirrors.absolute()) if mirrors else "", name=name))
    typer.echo(f"{import_predictions(store, predictions)} predictions imported", err=True)


def _choice(ids: str | None, repos: str | None, match: str, difficulty: str, shuffle: int | None, part: str) -> Choice:
    from repoagent.bench.datasets import Choice

    return Choice(_listed(ids), _listed(repos), difficulty, match, shuffle, part)


def _listed(text: str | None) -> tuple[str, ...]:
    """Split names separated by commas, or read them from a file, one on each line."""
    if not text:
        return ()
    if Path(text).is_file():
        return tuple(line.strip() for line in Path(text).read_text(encoding="utf-8").splitlines() if line.strip())
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _agent(text: str) -> Agent:
    from repoagent.bench.task import Agent

    return Agent(text) if text in {"repoagent", "gold", "empty"} else Agent("command", text)  # type: ignore[arg-type]


def _means(
    workers: int,
    minutes: float | None,
    tokens: int | None,
    retries: int,
    in_flight: int | None,
    free_gb: float,
    cluster: str,
    resources: list[str],
    labels: list[str],
) -> Means:
    from repoagent.bench.runs import Means
    from repoagent.bench.schedule import Limits

    limits = Limits(
        seconds=minutes * 60 if minutes else float("inf"), tokens=tokens, retries=retries, in_flight=in_flight
    )
    amounts = {name: float(value) for name, value in _pairs(resources)}
    at_once = workers if cluster else max(workers, 1)
    return Means(at_once, limits, int(free_gb * 1e9), cluster=cluster, resources=amounts, labels=dict(_pairs(labels)))


def _pairs(texts: list[str]) -> list[tuple[str, str]]:
    from repoagent.errors import UserError

    for text in texts:
        if "=" not in text:
            raise UserError(f"{text!r} is not of the form NAME=VALUE")
    return [(name, value) for name, _, value in (text.partition("=") for text in texts)]


def _numbers(text: str) -> list[int]:
    from repoagent.errors import UserError

    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"{text!r} is not a list of numbers: write 1,4,16") from None
