"""`repoagent testbed`: find out how a repository is built and tested, and do it, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repoagent.cli.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repoagent.app.testbed import BuildPlans, CheckReport, CoverageTarget, CoveringTests
    from repoagent.domain import Report
    from repoagent.sandbox.base import CachedImage, Engine
    from repoagent.testbed.build_plan import BuildPlan
    from repoagent.testbed.runner import Testbed
    from repoagent.trace import Event

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

RepositoryOption = Annotated[Path, typer.Option("--repo", help="The repository's work tree.")]
SandboxNameOption = Annotated[str | None, typer.Option("--sandbox", help="docker, bubblewrap or auto.")]
TestCommandOption = Annotated[str | None, typer.Option("--test", help="Shell command that runs the tests.")]
AsOfOption = Annotated[str | None, typer.Option("--as-of", help="Use the packages of this day, written as 2021-05-01.")]
BuildMinutesOption = Annotated[
    float, typer.Option("--max-minutes", min=1, help="Maximum minutes for building the environment.")
]

ImageNameOption = Annotated[
    str | None, typer.Option("--image", metavar="NAME", help="A container image with everything the tests need.")
]

CURRENT_DIRECTORY = Path()


@app.command()
def detect(
    repo: RepositoryOption = CURRENT_DIRECTORY,
    sandbox: SandboxNameOption = None,
    as_of: AsOfOption = None,
    image: ImageNameOption = None,
    toml: Annotated[
        bool, typer.Option("--toml", help="Print the first build plan as a .repoagent.toml to edit.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the possible build plans of the repository, with reasons; nothing is run."""
    from repoagent.app.testbed import derive_build_plans, format_repoagent_toml

    found = derive_build_plans(repo, sandbox, as_of, image or "")
    if as_json:
        _dump_json([_convert_plan(found, way) for way in found.plans])
        return
    if toml:
        typer.echo(format_repoagent_toml(found), nl=False)
        return
    for number, way in enumerate(found.plans, 1):
        typer.echo(f"{number}. {way.name}")
        for reason in way.why:
            typer.echo(f"     {reason}")
    for codebase in found.codebases:
        typer.echo(f"Tests in {codebase.language}: {codebase.tool}, {len(codebase.test_files)} files")


@app.command()
def build(
    repo: RepositoryOption = CURRENT_DIRECTORY,
    sandbox: SandboxNameOption = None,
    as_of: AsOfOption = None,
    image: ImageNameOption = None,
    test: TestCommandOption = None,
    max_minutes: BuildMinutesOption = 30,
    fresh: Annotated[bool, typer.Option("--fresh", help="Rebuild the environment even if it is cached.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build an environment in which the tests run; ends with 5 if none can be built."""
    import time

    started = time.monotonic()
    bed = _prepare_testbed(repo, sandbox, as_of, (test, image), max_minutes, fresh=fresh)
    seconds = round(time.monotonic() - started, 2)
    _print_values(
        {"setup": bed.plan_name, "sandbox": bed.engine.name, "key": bed.environment.key, "seconds": seconds}, as_json
    )


@app.command("covering")
def show_covering_tests(
    target: Annotated[str, typer.Argument(metavar="PATH::FUNCTION|PATH:LINE", help="The function or line to cover.")],
    repo: RepositoryOption = CURRENT_DIRECTORY,
    sandbox: SandboxNameOption = None,
    as_of: AsOfOption = None,
    image: ImageNameOption = None,
    whole: Annotated[bool, typer.Option("--all", help="Measure with all tests, not only the nearest ones.")] = False,
    max_minutes: BuildMinutesOption = 30,
    max_seconds: Annotated[float, typer.Option("--max-seconds", min=1, help="Maximum seconds for the tests.")] = 600,
    as_json: AsJson = False,
) -> None:
    """Show the tests that cover a function, the most specific first.

    Coverage is measured once and cached until a file changes. Without pytest, the test files that are nearest by their
    imports are shown instead. Ends with 1 if no test covers it.
    """
    from repoagent.app.testbed import find_target

    place = find_target(repo, target)
    bed = _prepare_testbed(repo, sandbox, as_of, (None, image), max_minutes)
    found = _find_covering_tests(bed, place, max_seconds, whole=whole)
    if as_json:
        from dataclasses import asdict

        _dump_json({"target": target, **asdict(found)})
    else:
        for test in found.tests:
            typer.echo(test)
        for line in _describe_measurement(found):
            typer.echo(line, err=True)
    raise typer.Exit(0 if found.tests else 1)


@app.command("test")
def run(
    tests: Annotated[list[str] | None, typer.Argument(help="Test files or ids; default: all.")] = None,
    covers: Annotated[
        str | None, typer.Option("--covering", metavar="PATH::FUNCTION", help="Also run the tests that cover this.")
    ] = None,
    repo: RepositoryOption = CURRENT_DIRECTORY,
    sandbox: SandboxNameOption = None,
    as_of: AsOfOption = None,
    image: ImageNameOption = None,
    test: TestCommandOption = None,
    patch: Annotated[Path | None, typer.Option("--patch", help="A diff to apply in the sandbox first.")] = None,
    max_minutes: BuildMinutesOption = 30,
    max_seconds: Annotated[float, typer.Option("--max-seconds", min=1, help="Maximum seconds for the tests.")] = 600,
    as_json: AsJson = False,
) -> None:
    """Run tests in a fresh sandbox. Ends with 0 if all pass, 1 if any fails, 5 if they could not be run."""
    from repoagent.app.testbed import find_target, run_tests
    from repoagent.domain import Ending

    place = find_target(repo, covers) if covers else None
    bed = _prepare_testbed(repo, sandbox, as_of, (test, image), max_minutes)
    chosen = [*(tests or []), *(_find_covering_tests(bed, place, max_seconds).tests if place else ())]
    if covers and not chosen:
        typer.echo(f"no test covers {covers}: `repoagent testbed covering --all` measures with all tests", err=True)
        raise typer.Exit(5)
    report = run_tests(bed, chosen, patch, max_seconds)
    if as_json:
        _dump_json(_convert_report(report))
    else:
        _show_report(report, bed)
    if report.ending is not Ending.COMPLETED:
        raise typer.Exit(5)
    raise typer.Exit(1 if report.failed else 0)


@app.command()
def shell(
    repo: RepositoryOption = CURRENT_DIRECTORY,
    sandbox: SandboxNameOption = None,
    as_of: AsOfOption = None,
    image: ImageNameOption = None,
    test: TestCommandOption = None,
    patch: Annotated[Path | None, typer.Option("--patch", help="A diff to apply in the sandbox first.")] = None,
    max_minutes: BuildMinutesOption = 30,
) -> None:
    """Open a shell in a fresh sandbox with the test environment; all changes are lost when you leave it."""
    from repoagent.app.testbed import open_shell

    bed = _prepare_testbed(repo, sandbox, as_of, (test, image), max_minutes)
    typer.echo(f"a copy of {bed.root} in {bed.engine.name}, without network; leave it with `exit`", err=True)
    raise typer.Exit(open_shell(bed, patch))


@app.command()
def check(
    repo: RepositoryOption = CURRENT_DIRECTORY,
    sandbox: SandboxNameOption = None,
    as_of: AsOfOption = None,
    image: ImageNameOption = None,
    patch: Annotated[Path | None, typer.Option("--patch", help="Show only complaints that this diff adds.")] = None,
    max_minutes: BuildMinutesOption = 30,
    max_seconds: Annotated[float, typer.Option("--max-seconds", min=1, help="Maximum seconds for each check.")] = 300,
    as_json: AsJson = False,
) -> None:
    """Run the type checkers and linters that the project declares. Ends with 0 if none complains, else with 1.

    With a patch, only complaints that it adds count. Ends with 5 if a check could not be run.
    """
    from repoagent.app.testbed import run_project_checks
    from repoagent.domain import Ending

    bed = _prepare_testbed(repo, sandbox, as_of, (None, image), max_minutes, checks=True)
    found = run_project_checks(bed, patch, max_seconds)
    if as_json:
        _dump_json({name: {**_convert_report(one.report), "new": sorted(one.new)} for name, one in found.items()})
    else:
        _show_checks(found)
    if any(one.report.ending is not Ending.COMPLETED for one in found.values()):
        raise typer.Exit(5)
    raise typer.Exit(1 if any(one.new for one in found.values()) else 0)


@app.command("images")
def list_images(sandbox: SandboxNameOption = None, as_json: AsJson = False) -> None:
    """List the cached environments and their base images, most recently used first."""
    from collections import Counter
    from dataclasses import asdict
    from datetime import datetime

    kept = _choose_engine(sandbox).list_cached()
    if as_json:
        _dump_json([asdict(each) for each in kept])
        return
    carried = Counter(each.below for each in kept)
    for each in kept:
        used = datetime.fromtimestamp(each.used).astimezone().strftime("%Y-%m-%d %H:%M") if each.used else "unknown"
        carries = f", carries {carried[each.key]}" if carried[each.key] else ""
        on = f", on {each.below}" if each.below else ""
        typer.echo(f"{each.kind:11}  {each.key}  {each.bytes / 1e6:8.0f} MB  used {used}{carries}{on}")
    typer.echo(_summarise_images(kept))


@app.command()
def prune(
    keep: Annotated[float, typer.Option("--keep-gb", min=0, help="Size of the cache after pruning.")] = 10.0,
    sandbox: SandboxNameOption = None,
    as_json: AsJson = False,
) -> None:
    """Remove the least recently used environments until the cache fits into a size."""
    from repoagent.app.testbed import prune_images as prune_to

    removed = prune_to(_choose_engine(sandbox), int(keep * 1e9))
    if as_json:
        _dump_json([each.key for each in removed])
        return
    for each in removed:
        typer.echo(f"removed {each.key}")
    typer.echo(f"removed: {_summarise_images(removed)}")


def _summarise_images(kept: Sequence[CachedImage]) -> str:
    environments = sum(each.kind == "environment" for each in kept)
    size = sum(each.bytes for each in kept) / 1e9
    return f"{environments} environments and {len(kept) - environments} base images, {size:.1f} GB"


def _choose_engine(sandbox: str | None) -> Engine:
    from repoagent.sandbox import choose_engine

    return choose_engine(None if sandbox in {None, "auto"} else sandbox)


def _prepare_testbed(
    repo: Path,
    sandbox: str | None,
    as_of: str | None,
    named: tuple[str | None, str | None],
    minutes: float,
    *,
    fresh: bool = False,
    checks: bool = False,
) -> Testbed:
    from repoagent.app.testbed import prepare_testbed
    from repoagent.testbed.build_plan import UserOverrides

    test, image = (value or "" for value in named)
    wanted = UserOverrides(test, image)
    return prepare_testbed(
        repo, _choose_engine(sandbox), as_of, wanted, minutes * 60, _print_event, fresh=fresh, checks=checks
    )


def _find_covering_tests(bed: Testbed, target: CoverageTarget, seconds: float, *, whole: bool = False) -> CoveringTests:
    from repoagent.app import testbed

    return testbed.find_covering_tests(bed, target, seconds, whole=whole, say=lambda line: typer.echo(line, err=True))


def _describe_measurement(found: CoveringTests) -> list[str]:
    """Say how the covering tests were found: by measurement or by imports, and of which test files."""
    if not found.measured:
        return ["selected by their imports: coverage can only be measured where pytest runs the tests"]
    of = f"of the {len(found.asked)} nearest test files" if found.asked else "of all test files"
    notes = [f"{len(found.tests)} tests {of}"]
    return notes if found.ended else [*notes, "the run did not finish, so there may be more (`--max-seconds`)"]


def _print_event(event: Event) -> None:
    from repoagent.cli.printable import make_printable
    from repoagent.cli.progress import describe_event

    for line in describe_event(event):
        typer.echo(make_printable(line), err=True)


def _show_report(report: Report, bed: Testbed) -> None:
    from repoagent.cli.printable import make_printable
    from repoagent.testbed.failure import summarise_failure
    from repoagent.testbed.results.severity import sort_worst_first

    failed = report.failed
    for outcome in sort_worst_first(report.outcomes):
        if outcome.id in failed:
            typer.echo(make_printable(f"{outcome.status.upper():6} {outcome.id}"))
    if report.failed or not report.outcomes:
        typer.echo(make_printable(summarise_failure(report, report.failed, bed.root), keep="\n"))
    counts = f"{len(report.passed)} passed, {len(report.failed)} failed"
    typer.echo(f"{report.ending}: {counts}, {report.seconds:.1f} s")


def _show_checks(found: Mapping[str, CheckReport]) -> None:
    from repoagent.cli.printable import make_printable

    for name, one in found.items():
        for outcome in one.report.outcomes:
            if outcome.id in one.new:
                typer.echo(make_printable(outcome.message or outcome.id))
        typer.echo(f"{name}: {one.report.ending}, {len(one.new)} complaints, {one.report.seconds:.1f} s")
    if not found:
        typer.echo("The project declares no check.")


def _convert_plan(found: BuildPlans, way: BuildPlan) -> dict[str, object]:
    codebase = found.find_codebase(way)
    kind = {"language": codebase.language, "tool": codebase.tool, "tests": len(codebase.test_files)}
    return {"name": way.name, **kind, "why": list(way.why), "key": way.recipe.key}


def _convert_report(report: Report) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(report), "passed": sorted(report.passed), "failed": sorted(report.failed)}


def _print_values(values: dict[str, object], as_json: bool) -> None:
    if as_json:
        _dump_json(values)
        return
    for name, value in values.items():
        typer.echo(f"{name}: {value}")


def _dump_json(value: object) -> None:
    import json

    typer.echo(json.dumps(value, indent=2))
