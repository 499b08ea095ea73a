"""`repoagent testbed`: find out how a repository is built and tested, and do it, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repoagent.cli.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repoagent.app.testbed import Checked, Covering, Target, Ways
    from repoagent.domain import Report
    from repoagent.sandbox.base import Engine, Kept
    from repoagent.testbed.runner import Testbed
    from repoagent.testbed.ways import Setup
    from repoagent.trace import Event

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Root = Annotated[Path, typer.Option("--repo", help="The repository's work tree.")]
SandboxName = Annotated[str | None, typer.Option("--sandbox", help="docker, bubblewrap or auto.")]
Command = Annotated[str | None, typer.Option("--test", help="Shell command that runs the tests.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Use the packages of this day, written as 2021-05-01.")]
Minutes = Annotated[float, typer.Option("--max-minutes", min=1, help="Maximum minutes for building the environment.")]

ImageName = Annotated[
    str | None, typer.Option("--image", metavar="NAME", help="A container image with everything the tests need.")
]

HERE = Path()


@app.command()
def detect(
    repo: Root = HERE,
    sandbox: SandboxName = None,
    as_of: AsOf = None,
    image: ImageName = None,
    toml: Annotated[
        bool, typer.Option("--toml", help="Print the first build plan as a .repoagent.toml to edit.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the possible build plans of the repository, with reasons; nothing is run."""
    from repoagent.app.testbed import described, ways_of

    found = ways_of(repo, sandbox, as_of, image or "")
    if as_json:
        _print_json([_way_as_data(found, way) for way in found.ways])
        return
    if toml:
        typer.echo(described(found), nl=False)
        return
    for number, way in enumerate(found.ways, 1):
        typer.echo(f"{number}. {way.name}")
        for reason in way.why:
            typer.echo(f"     {reason}")
    for codebase in found.found:
        typer.echo(f"Tests in {codebase.language}: {codebase.tool}, {len(codebase.test_files)} files")


@app.command()
def build(
    repo: Root = HERE,
    sandbox: SandboxName = None,
    as_of: AsOf = None,
    image: ImageName = None,
    test: Command = None,
    max_minutes: Minutes = 30,
    fresh: Annotated[bool, typer.Option("--fresh", help="Rebuild the environment even if it is cached.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build an environment in which the tests run; ends with 5 if none can be built."""
    import time

    started = time.monotonic()
    bed = _prepared(repo, sandbox, as_of, (test, image), max_minutes, fresh=fresh)
    seconds = round(time.monotonic() - started, 2)
    _told({"setup": bed.setup, "sandbox": bed.engine.name, "key": bed.environment.key, "seconds": seconds}, as_json)


@app.command("covering")
def covering(
    target: Annotated[str, typer.Argument(metavar="PATH::FUNCTION|PATH:LINE", help="The function or line to cover.")],
    repo: Root = HERE,
    sandbox: SandboxName = None,
    as_of: AsOf = None,
    image: ImageName = None,
    whole: Annotated[bool, typer.Option("--all", help="Measure with all tests, not only the nearest ones.")] = False,
    max_minutes: Minutes = 30,
    max_seconds: Annotated[float, typer.Option("--max-seconds", min=1, help="Maximum seconds for the tests.")] = 600,
    as_json: AsJson = False,
) -> None:
    """Show the tests that cover a function, the most specific first.

    Coverage is measured once and cached until a file changes. Without pytest, the test files that are nearest by their
    imports are shown instead. Ends with 1 if no test covers it.
    """
    from repoagent.app.testbed import target_of

    place = target_of(repo, target)
    bed = _prepared(repo, sandbox, as_of, (None, image), max_minutes)
    found = _covering(bed, place, max_seconds, whole=whole)
    if as_json:
        from dataclasses import asdict

        _print_json({"target": target, **asdict(found)})
    else:
        for test in found.tests:
            typer.echo(test)
        for line in _how_known(found):
            typer.echo(line, err=True)
    raise typer.Exit(0 if found.tests else 1)


@app.command("test")
def run(
    tests: Annotated[list[str] | None, typer.Argument(help="Test files or ids; default: all.")] = None,
    covers: Annotated[
        str | None, typer.Option("--covering", metavar="PATH::FUNCTION", help="Also run the tests that cover this.")
    ] = None,
    repo: Root = HERE,
    sandbox: SandboxName = None,
    as_of: AsOf = None,
    image: ImageName = None,
    test: Command = None,
    patch: Annotated[Path | None, typer.Option("--patch", help="A diff to apply in the sandbox first.")] = None,
    max_minutes: Minutes = 30,
    max_seconds: Annotated[float, typer.Option("--max-seconds", min=1, help="Maximum seconds for the tests.")] = 600,
    as_json: AsJson = False,
) -> None:
    """Run tests in a fresh sandbox. Ends with 0 if all pass, 1 if any fails, 5 if they could not be run."""
    from repoagent.app.testbed import run_tests, target_of
    from repoagent.domain import Ending

    place = target_of(repo, covers) if covers else None
    bed = _prepared(repo, sandbox, as_of, (test, image), max_minutes)
    chosen = [*(tests or []), *(_covering(bed, place, max_seconds).tests if place else ())]
    if covers and not chosen:
        typer.echo(f"no test covers {covers}: `repoagent testbed covering --all` measures with all tests", err=True)
        raise typer.Exit(5)
    report = run_tests(bed, chosen, patch, max_seconds)
    if as_json:
        _print_json(_as_data(report))
    else:
        _show(report, bed)
    if report.ending is not Ending.COMPLETED:
        raise typer.Exit(5)
    raise typer.Exit(1 if report.failed else 0)


@app.command()
def shell(
    repo: Root = HERE,
    sandbox: SandboxName = None,
    as_of: AsOf = None,
    image: ImageName = None,
    test: Command = None,
    patch: Annotated[Path | None, typer.Option("--patch", help="A diff to apply in the sandbox first.")] = None,
    max_minutes: Minutes = 30,
) -> None:
    """Open a shell in a fresh sandbox with the test environment; all changes are lost when you leave it."""
    from repoagent.app.testbed import work_in

    bed = _prepared(repo, sandbox, as_of, (test, image), max_minutes)
    typer.echo(f"a copy of {bed.root} in {bed.engine.name}, without network; leave it with `exit`", err=True)
    raise typer.Exit(work_in(bed, patch))


@app.command()
def check(
    repo: Root = HERE,
    sandbox: SandboxName = None,
    as_of: AsOf = None,
    image: ImageName = None,
    patch: Annotated[Path | None, typer.Option("--patch", help="Show only complaints that this diff adds.")] = None,
    max_minutes: Minutes = 30,
    max_seconds: Annotated[float, typer.Option("--max-seconds", min=1, help="Maximum seconds for each check.")] = 300,
    as_json: AsJson = False,
) -> None:
    """Run the type checkers and linters that the project declares. Ends with 0 if none complains, else with 1.

    With a patch, only complaints that it adds count. Ends with 5 if a check could not be run.
    """
    from repoagent.app.testbed import run_checks
    from repoagent.domain import Ending

    bed = _prepared(repo, sandbox, as_of, (None, image), max_minutes, checks=True)
    found = run_checks(bed, patch, max_seconds)
    if as_json:
        _print_json({name: {**_as_data(one.report), "new": sorted(one.new)} for name, one in found.items()})
    else:
        _show_checks(found)
    if any(one.report.ending is not Ending.COMPLETED for one in found.values()):
        raise typer.Exit(5)
    raise typer.Exit(1 if any(one.new for one in found.values()) else 0)


@app.command("images")
def images(sandbox: SandboxName = None, as_json: AsJson = False) -> None:
    """List the cached environments and their base images, most recently used first."""
    from collections import Counter
    from dataclasses import asdict
    from datetime import datetime

    kept = _engine(sandbox).kept()
    if as_json:
        _print_json([asdict(each) for each in kept])
        return
    carried = Counter(each.below for each in kept)
    for each in kept:
        used = datetime.fromtimestamp(each.used).astimezone().strftime("%Y-%m-%d %H:%M") if each.used else "unknown"
        carries = f", carries {carried[each.key]}" if carried[each.key] else ""
        on = f", on {each.below}" if each.below else ""
        typer.echo(f"{each.kind:11}  {each.key}  {each.bytes / 1e6:8.0f} MB  used {used}{carries}{on}")
    typer.echo(_summed(kept))


@app.command()
def prune(
    keep: Annotated[float, typer.Option("--keep-gb", min=0, help="Size of the cache after pruning.")] = 10.0,
    sandbox: SandboxName = None,
    as_json: AsJson = False,
) -> None:
    """Remove the least recently used environments until the cache fits into a size."""
    from repoagent.app.testbed import prune as prune_to

    removed = prune_to(_engine(sandbox), int(keep * 1e9))
    if as_json:
        _print_json([each.key for each in removed])
        return
    for each in removed:
        typer.echo(f"removed {each.key}")
    typer.echo(f"removed: {_summed(removed)}")


def _summed(kept: Sequence[Kept]) -> str:
    environments = sum(each.kind == "environment" for each in kept)
    size = sum(each.bytes for each in kept) / 1e9
    return f"{environments} environments and {len(kept) - environments} base images, {size:.1f} GB"


def _engine(sandbox: str | None) -> Engine:
    from repoagent.sandbox import choose

    return choose(None if sandbox in {None, "auto"} else sandbox)


def _prepared(
    repo: Path,
    sandbox: str | None,
    as_of: str | None,
    named: tuple[str | None, str | None],
    minutes: float,
    *,
    fresh: bool = False,
    checks: bool = False,
) -> Testbed:
    from repoagent.app.testbed import prepare
    from repoagent.testbed.ways import Named

    test, image = (value or "" for value in named)
    wanted = Named(test, image)
    return prepare(repo, _engine(sandbox), as_of, wanted, minutes * 60, _say, fresh=fresh, checks=checks)


def _covering(bed: Testbed, target: Target, seconds: float, *, whole: bool = False) -> Covering:
    from repoagent.app import testbed

    return testbed.covering(bed, target, seconds, whole=whole, say=lambda line: typer.echo(line, err=True))


def _how_known(found: Covering) -> list[str]:
    """Say how the covering tests were found: by measurement or by imports, and of which test files."""
    if not found.measured:
        return ["selected by their imports: coverage can only be measured where pytest runs the tests"]
    of = f"of the {len(found.asked)} nearest test files" if found.asked else "of all test files"
    notes = [f"{len(found.tests)} tests {of}"]
    return notes if found.ended else [*notes, "the run did not finish, so there may be more (`--max-seconds`)"]


def _say(event: Event) -> None:
    from repoagent.cli.plain import plain
    from repoagent.cli.progress import told

    for line in told(event):
        typer.echo(plain(line), err=True)


def _show(report: Report, bed: Testbed) -> None:
    from repoagent.cli.plain import plain
    from repoagent.testbed.failure import distil
    from repoagent.testbed.results.worst import worst_first

    failed = report.failed
    for outcome in worst_first(report.outcomes):
        if outcome.id in failed:
            typer.echo(plain(f"{outcome.status.upper():6} {outcome.id}"))
    if report.failed or not report.outcomes:
        typer.echo(plain(distil(report, report.failed, bed.root), keep="\n"))
    counts = f"{len(report.passed)} passed, {len(report.failed)} failed"
    typer.echo(f"{report.ending}: {counts}, {report.seconds:.1f} s")


def _show_checks(found: Mapping[str, Checked]) -> None:
    from repoagent.cli.plain import plain

    for name, one in found.items():
        for outcome in one.report.outcomes:
            if outcome.id in one.new:
                typer.echo(plain(outcome.message or outcome.id))
        typer.echo(f"{name}: {one.report.ending}, {len(one.new)} complaints, {one.report.seconds:.1f} s")
    if not found:
        typer.echo("The project declares no check.")


def _way_as_data(found: Ways, way: Setup) -> dict[str, object]:
    codebase = found.codebase(way)
    kind = {"language": codebase.language, "tool": codebase.tool, "tests": len(codebase.test_files)}
    return {"name": way.name, **kind, "why": list(way.why), "key": way.recipe.key}


def _as_data(report: Report) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(report), "passed": sorted(report.passed), "failed": sorted(report.failed)}


def _told(values: dict[str, object], as_json: bool) -> None:
    if as_json:
        _print_json(values)
        return
    for name, value in values.items():
        typer.echo(f"{name}: {value}")


def _print_json(value: object) -> None:
    import json

    typer.echo(json.dumps(value, indent=2))
