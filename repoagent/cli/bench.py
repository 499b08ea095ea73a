"""`repoagent bench`: run a benchmark, validate it, evaluate the patches, report and compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from repoagent.bench.datasets import InstanceFilter
    from repoagent.bench.run_config import RunConfig
    from repoagent.bench.runs import ExecutorFactory, RunOptions
    from repoagent.bench.schedule import StageWatcher, StopReason
    from repoagent.bench.store import ResultStore
    from repoagent.bench.task import Agent, Stage

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

_DatasetOption = Annotated[
    str,
    typer.Option(
        "--dataset",
        "-d",
        metavar="FILE|DIR|NAME",
        help="A .jsonl, .json or .parquet file, a directory, or a name on the hub such as swe-bench-verified.",
    ),
]
_SplitOption = Annotated[
    str | None, typer.Option("--split", help="Split of a dataset on the hub; default: its evaluation split.")
]
_IssueRepoOption = Annotated[str | None, typer.Option("--repo", help="Repository of issue files that do not name one.")]
_IdsOption = Annotated[
    str | None, typer.Option("--ids", metavar="ID,…|FILE", help="Only these instances, in this order.")
]
_ReposOption = Annotated[str | None, typer.Option("--repos", metavar="OWNER/NAME,…", help="Only these repositories.")]
_MatchOption = Annotated[str, typer.Option("--match", metavar="REGEX", help="Only instances whose id matches.")]
_DifficultyOption = Annotated[
    str, typer.Option("--difficulty", metavar="REGEX", help="Only instances whose difficulty matches.")
]
_ShuffleOption = Annotated[
    int | None, typer.Option("--shuffle", metavar="SEED", help="Shuffle with this seed before slicing.")
]
_SliceOption = Annotated[
    str, typer.Option("--slice", metavar="A:B:STEP", help="A slice of the selected instances, such as 0:20 or ::5.")
]
_RunDirectoryOption = Annotated[
    Path, typer.Option("--out", "-o", metavar="DIR", help="Directory of the run; an existing run is continued.")
]
_MirrorsOption = Annotated[
    Path | None,
    typer.Option(
        "--mirrors", metavar="DIR", help="Directory of local clones named owner+name; other repositories are fetched."
    ),
]
_BenchModelOption = Annotated[
    str | None, typer.Option("--model", "-m", metavar="NAME|FILE|URL", help="The model, as for `solve`.")
]
_BenchSandboxOption = Annotated[
    str | None, typer.Option("--sandbox", metavar="docker|bubblewrap", help="The sandbox engine, as for `solve`.")
]
_AgentOption = Annotated[
    str,
    typer.Option(
        "--agent",
        metavar="NAME|COMMAND",
        help="repoagent, gold (reference patch), empty (no patch), or a shell command.",
    ),
]
_WorkersOption = Annotated[
    int, typer.Option("--workers", "-w", min=0, help="Instances at the same time; 0 on a cluster: as many as fit.")
]
_InstanceMinutesOption = Annotated[float | None, typer.Option("--max-minutes", help="Maximum minutes of one instance.")]
_InstanceTokensOption = Annotated[int | None, typer.Option("--max-tokens", help="Maximum tokens of one instance.")]
_BenchSamplesOption = Annotated[int | None, typer.Option("--samples", help="Maximum samples, as for `solve`.")]
_BenchSeedOption = Annotated[int | None, typer.Option("--seed", help="Seed for sampling, as for `solve`.")]
_TestSecondsOption = Annotated[float | None, typer.Option("--test-seconds", help="Maximum seconds of one test run.")]
_TotalMinutesOption = Annotated[float | None, typer.Option("--total-minutes", help="Maximum minutes of this call.")]
_TotalTokensOption = Annotated[
    int | None, typer.Option("--total-tokens", help="Maximum tokens of the run, earlier calls included.")
]
_RetriesOption = Annotated[
    int, typer.Option("--retries", min=0, help="Retries of an instance after infrastructure failures.")
]
_InFlightOption = Annotated[
    int | None, typer.Option("--in-flight", min=1, help="Maximum instances that use the model at the same time.")
]
_FreeDiskOption = Annotated[
    float, typer.Option("--min-free-gb", min=0, help="Free disk space that an instance needs to start.")
]
_KeepOption = Annotated[bool, typer.Option("--keep", help="Keep work trees and checkpoints.")]
_RunNameOption = Annotated[str, typer.Option("--name", help="Name of the run in reports and predictions.")]
_ClusterOption = Annotated[str, typer.Option("--cluster", metavar="auto|local|ray://…", help="Run on a Ray cluster.")]
_ResourceOption = Annotated[
    list[str] | None, typer.Option("--resource", metavar="NAME=N", help="Resources that a node needs for one instance.")
]
_LabelOption = Annotated[
    list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="Label that a node must have.")
]
_RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a run.")]


@app.command("dataset")
def list_dataset(
    dataset: _DatasetOption,
    split: _SplitOption = None,
    repo: _IssueRepoOption = None,
    ids: _IdsOption = None,
    repos: _ReposOption = None,
    match: _MatchOption = "",
    difficulty: _DifficultyOption = "",
    shuffle: _ShuffleOption = None,
    part: _SliceOption = "",
) -> None:
    """List the instances of a dataset, and every row that is invalid. Ends with 2 if there are invalid rows."""
    from repoagent.bench.datasets import load_dataset, select_instances
    from repoagent.bench.instance import count_changed_lines
    from repoagent.cli.printable import make_printable

    loaded = load_dataset(dataset, split=split, repo=repo)
    for each in select_instances(loaded.instances, _make_filter(ids, repos, match, difficulty, shuffle, part)):
        size = f"{count_changed_lines(each.patch)} lines" if each.patch else "no reference patch"
        tests = f"{len(each.fail_to_pass)} to pass, {len(each.pass_to_pass)} to keep"
        typer.echo(make_printable(f"{each.id}  {each.repository}@{each.base[:10]}  {size}, {tests}  {each.difficulty}"))
    for refused in loaded.refused:
        typer.echo(make_printable(str(refused)), err=True)
    if loaded.refused:
        raise typer.Exit(2)


@app.command()
def run(
    dataset: _DatasetOption,
    out: _RunDirectoryOption,
    model: _BenchModelOption = None,
    workers: _WorkersOption = 1,
    agent: _AgentOption = "repoagent",
    split: _SplitOption = None,
    repo: _IssueRepoOption = None,
    ids: _IdsOption = None,
    repos: _ReposOption = None,
    match: _MatchOption = "",
    difficulty: _DifficultyOption = "",
    shuffle: _ShuffleOption = None,
    part: _SliceOption = "",
    mirrors: _MirrorsOption = None,
    sandbox: _BenchSandboxOption = None,
    max_minutes: _InstanceMinutesOption = None,
    max_tokens: _InstanceTokensOption = None,
    samples: _BenchSamplesOption = None,
    seed: _BenchSeedOption = None,
    test_seconds: _TestSecondsOption = None,
    total_minutes: _TotalMinutesOption = None,
    total_tokens: _TotalTokensOption = None,
    retries: _RetriesOption = 2,
    in_flight: _InFlightOption = None,
    min_free_gb: _FreeDiskOption = 2.0,
    cluster: _ClusterOption = "",
    resource: _ResourceOption = None,
    label: _LabelOption = None,
    keep: _KeepOption = False,
    name: _RunNameOption = "",
) -> None:
    """Let an agent work on every instance. After a stop, the same command continues the run; nothing is done twice.

    Ends with 0 if all instances are finished, 5 if infrastructure failures are left, 6 if a budget is used up.
    """
    import os

    from repoagent.bench.run_config import RunConfig
    from repoagent.config import load_configuration

    flags: dict[str, object] = {"model": model, "sandbox": sandbox, "samples": samples, "seed": seed}
    flags |= {"max_minutes": max_minutes, "max_tokens": max_tokens, "test_seconds": test_seconds}
    settings = load_configuration(flags, os.environ).settings
    config = RunConfig(
        str(Path(dataset).absolute()) if Path(dataset).exists() else dataset,
        settings,
        _parse_agent(agent),
        _make_filter(ids, repos, match, difficulty, shuffle, part),
        split,
        repo,
        str(mirrors.absolute()) if mirrors else "",
        keep,
        name,
    )
    means = _make_run_options(
        workers, total_minutes, total_tokens, retries, in_flight, min_free_gb, cluster, resource or [], label or []
    )
    _solve_run(out, config, means)


@app.command()
def resume(
    run: _RunArgument,
    workers: _WorkersOption = 1,
    total_minutes: _TotalMinutesOption = None,
    total_tokens: _TotalTokensOption = None,
    retries: _RetriesOption = 2,
    in_flight: _InFlightOption = None,
    min_free_gb: _FreeDiskOption = 2.0,
    cluster: _ClusterOption = "",
    resource: _ResourceOption = None,
    label: _LabelOption = None,
) -> None:
    """Continue a run; instances that failed because of the infrastructure are tried again."""
    means = _make_run_options(
        workers, total_minutes, total_tokens, retries, in_flight, min_free_gb, cluster, resource or [], label or []
    )
    _solve_run(run, None, means)


@app.command()
def validate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a run; --dataset creates a new one.")],
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", metavar="FILE|DIR|NAME")] = None,
    ids: _IdsOption = None,
    repos: _ReposOption = None,
    shuffle: _ShuffleOption = None,
    part: _SliceOption = "",
    mirrors: _MirrorsOption = None,
    sandbox: _BenchSandboxOption = None,
    test_seconds: _TestSecondsOption = None,
    workers: _WorkersOption = 1,
    min_free_gb: _FreeDiskOption = 2.0,
    cluster: _ClusterOption = "",
) -> None:
    """Evaluate the reference patches and the untouched code: of the instances that can be run here, the reference
    patches must resolve all, and the untouched code none.

    Ends with 0 if this holds, 3 if not, 5 if infrastructure failures are left.
    """
    import os

    from repoagent.bench.run_config import RunConfig, read_run_config
    from repoagent.bench.runs import lock_run, open_or_create, validate_all
    from repoagent.bench.summaries import summarise_validation
    from repoagent.config import load_configuration

    means = _make_run_options(workers, None, None, 2, None, min_free_gb, cluster, [], [])
    with lock_run(run, create=dataset is not None) as store:
        if dataset is not None and store.read_value("config") is None:
            flags: dict[str, object] = {"sandbox": sandbox, "test_seconds": test_seconds}
            place = str(Path(dataset).absolute()) if Path(dataset).exists() else dataset
            settings, choice = (
                load_configuration(flags, os.environ).settings,
                _make_filter(ids, repos, "", "", shuffle, part),
            )
            open_or_create(
                store, RunConfig(place, settings, choice=choice, mirrors=str(mirrors.absolute()) if mirrors else "")
            )
        stopped = _run_watched(validate_all, store, read_run_config(store), means)
        found = summarise_validation(store)
        typer.echo(found.text)
        _exit_by_state(store, "validate", stopped)
        raise typer.Exit(0 if found.is_valid else 3)


@app.command()
def evaluate(
    run: _RunArgument,
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", metavar="FILE", help="Evaluate these patches instead of the run's own."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", metavar="FILE|DIR|NAME", help="Dataset of these predictions.")
    ] = None,
    mirrors: _MirrorsOption = None,
    sandbox: _BenchSandboxOption = None,
    test_seconds: _TestSecondsOption = None,
    workers: _WorkersOption = 1,
    min_free_gb: _FreeDiskOption = 2.0,
    cluster: _ClusterOption = "",
    validation: Annotated[
        Path | None, typer.Option("--validation", metavar="RUN", help="Run in which the dataset was validated.")
    ] = None,
    harness: Annotated[
        bool, typer.Option("--harness", help="Use the official SWE-bench harness; needs its images and an extra.")
    ] = False,
    name: _RunNameOption = "",
) -> None:
    """Evaluate the patches of a run with the tests of the fix, and write a report in the official format."""
    from repoagent.bench.evaluation.official import write_report
    from repoagent.bench.run_config import read_run_config
    from repoagent.bench.runs import evaluate_all, lock_run
    from repoagent.bench.summaries import adopt_validation, summarise_evaluation

    means = _make_run_options(workers, None, None, 2, None, min_free_gb, cluster, [], [])
    with lock_run(run, create=predictions is not None) as store:
        if predictions is not None:
            _import_predictions(store, predictions, dataset, mirrors, sandbox, test_seconds, name)
        if validation is not None:
            adopt_validation(store, validation)
        config = read_run_config(store)
        stopped: StopReason = ""
        if harness:
            from repoagent.bench.evaluation.harness import evaluate_with_harness

            evaluate_with_harness(store, config, max(workers, 1))
        else:
            stopped = _run_watched(evaluate_all, store, config, means)
        path = write_report(store, config.label)
        typer.echo(summarise_evaluation(store))
        typer.echo(f"official report: {path}", err=True)
        _exit_by_state(store, "evaluate", stopped)


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
def compare(
    one: _RunArgument, other: Annotated[Path, typer.Argument(metavar="RUN", help="Directory of another run.")]
) -> None:
    """List the instances on which two runs differ, and test whether the difference is significant."""
    from repoagent.bench.reporting.collect import collect_run
    from repoagent.bench.reporting.comparison import compare_runs

    typer.echo(compare_runs(collect_run(one), collect_run(other)).text, nl=False)


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
    sandbox: _BenchSandboxOption = None,
    test_seconds: _TestSecondsOption = None,
    workers: _WorkersOption = 1,
    min_free_gb: _FreeDiskOption = 2.0,
) -> None:
    """Make a dataset from a repository's own fixes: commits that change code and tests, where the tests fail before
    and pass after the fix."""
    import os

    from repoagent.bench.mining import MiningRequest
    from repoagent.bench.mining import collect_fixes as mine_all
    from repoagent.bench.runs import make_executor
    from repoagent.cli.bench_live import BatchProgress
    from repoagent.config import load_configuration

    settings = load_configuration({"sandbox": sandbox, "test_seconds": test_seconds}, os.environ).settings
    means = _make_run_options(workers, None, None, 2, None, min_free_gb, "", [], [])
    with BatchProgress() as watching:
        mined = mine_all(MiningRequest(repo, last, since, issues), out, settings, means, make_executor, watching)
    typer.echo(mined.text)


@app.command("sizing")
def simulate_sizing(
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
    from repoagent.bench.sizing import Workload, format_table

    load = Workload(instances, tokens, test_minutes * 60, tokens_per_second, stream)
    typer.echo(format_table(load, _parse_numbers(workers), _parse_numbers(gpus)), nl=False)


# --- shared by the commands -------------------------------------------------------------------------------------------


def _solve_run(out: Path, config: RunConfig | None, means: RunOptions) -> None:
    from repoagent.bench.run_config import read_run_config
    from repoagent.bench.runs import lock_run, open_or_create, solve_all
    from repoagent.bench.summaries import summarise_solving

    with lock_run(out, create=config is not None) as store:
        begun = open_or_create(store, config) if config else read_run_config(store)
        stopped = _run_watched(solve_all, store, begun, means)
        typer.echo(summarise_solving(store))
        _exit_by_state(store, "solve", stopped)


def _run_watched(
    stage: Callable[[ResultStore, RunConfig, RunOptions, ExecutorFactory, StageWatcher], StopReason],
    store: ResultStore,
    config: RunConfig,
    means: RunOptions,
) -> StopReason:
    from repoagent.bench.runs import make_executor
    from repoagent.cli.bench_live import BatchProgress

    with BatchProgress() as watching:
        return stage(store, config, means, make_executor, watching)


_STOP_REASONS = {
    "time": "the time of this call is used up",
    "tokens": "the tokens of the run are used up",
    "model": "the model server did not answer for too long",
}


def _exit_by_state(store: ResultStore, stage: Stage, stopped: StopReason) -> None:
    """Exit with the code that follows from the state of the stage; return where all went well."""
    from repoagent.bench.task import JobState
    from repoagent.cli.codes import ExitCode

    if stopped:
        reason = _STOP_REASONS[stopped]
        typer.echo(f"stopped: {reason}; continue with `repoagent bench resume {store.folder}`", err=True)
        raise typer.Exit(ExitCode.ENVIRONMENT if stopped == "model" else ExitCode.BUDGET)
    if store.count_states(stage).get(JobState.ENVIRONMENT):
        raise typer.Exit(ExitCode.ENVIRONMENT)


def _import_predictions(
    store: ResultStore,
    predictions: Path,
    dataset: str | None,
    mirrors: Path | None,
    sandbox: str | None,
    test_seconds: float | None,
    name: str,
) -> None:
    import os

    from repoagent.bench.run_config import RunConfig
    from repoagent.bench.runs import import_predictions, open_or_create
    from repoagent.bench.task import Agent
    from repoagent.config import load_configuration
    from repoagent.errors import UserError

    if dataset is None:
        raise UserError("--predictions needs --dataset: the dataset that they belong to")
    place = str(Path(dataset).absolute()) if Path(dataset).exists() else dataset
    settings = load_configuration({"sandbox": sandbox, "test_seconds": test_seconds}, os.environ).settings
    agent = Agent("command", name or predictions.stem)
    open_or_create(
        store, RunConfig(place, settings, agent, mirrors=str(mirrors.absolute()) if mirrors else "", name=name)
    )
    typer.echo(f"{import_predictions(store, predictions)} predictions imported", err=True)


def _make_filter(
    ids: str | None, repos: str | None, match: str, difficulty: str, shuffle: int | None, part: str
) -> InstanceFilter:
    from repoagent.bench.datasets import InstanceFilter

    return InstanceFilter(_read_names(ids), _read_names(repos), difficulty, match, shuffle, part)


def _read_names(text: str | None) -> tuple[str, ...]:
    """Split names separated by commas, or read them from a file, one on each line."""
    if not text:
        return ()
    if Path(text).is_file():
        return tuple(line.strip() for line in Path(text).read_text(encoding="utf-8").splitlines() if line.strip())
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _parse_agent(text: str) -> Agent:
    from repoagent.bench.task import Agent

    return Agent(text) if text in {"repoagent", "gold", "empty"} else Agent("command", text)  # type: ignore[arg-type]


def _make_run_options(
    workers: int,
    minutes: float | None,
    tokens: int | None,
    retries: int,
    in_flight: int | None,
    free_gb: float,
    cluster: str,
    resources: list[str],
    labels: list[str],
) -> RunOptions:
    from repoagent.bench.runs import RunOptions
    from repoagent.bench.schedule import RunLimits

    limits = RunLimits(
        seconds=minutes * 60 if minutes else float("inf"), tokens=tokens, retries=retries, in_flight=in_flight
    )
    amounts = {name: float(value) for name, value in _parse_pairs(resources)}
    at_once = workers if cluster else max(workers, 1)
    return RunOptions(
        at_once, limits, int(free_gb * 1e9), cluster=cluster, resources=amounts, labels=dict(_parse_pairs(labels))
    )


def _parse_pairs(texts: list[str]) -> list[tuple[str, str]]:
    from repoagent.errors import UserError

    for text in texts:
        if "=" not in text:
            raise UserError(f"{text!r} is not of the form NAME=VALUE")
    return [(name, value) for name, _, value in (text.partition("=") for text in texts)]


def _parse_numbers(text: str) -> list[int]:
    from repoagent.errors import UserError

    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"{text!r} is not a list of numbers: write 1,4,16") from None
