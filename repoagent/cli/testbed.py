"""`repoagent testbed`: how a repository is built and tested, found out and tried, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repoagent.app.testbed import Checked, Covering, Target, Ways
    from repoagent.domain import Report
    from repoagent.sandbox.base import Engine, Kept
    from repoagent.testbed.runner import Testbed
    from repoagent.testbed.ways import Setup
    from repoagent.trace import Event

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Root = Annotated[Path, typer.Option("--repo", help="The repository's work tree, as it is.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SandboxName = Annotated[str | None, typer.Option("--sandbox", help="docker, bubblewrap or auto.")]
Command = Annotated[str | None, typer.Option("--test", help="Shell command that runs the tests.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="The day whose packages are used, as 2021-05-01.")]
Minutes = Annotated[float, typer.Option("--max-minutes", min=1, help="For all that must be built.")]

ImageName = Annotated[
    str | None, typer.Option("--image", metavar="NAME", help="A container image that has what the tests need.")
]

HERE = Path()


@app.command()
def detect(
    repo: Root = HERE,
    sandbox: SandboxName = None,
    as_of: AsOf = None,
    image: ImageName = None,
    toml: Annotated[bool, typer.Option("--toml", help="Print the first way as a .repoagent.toml to edit.")] = False,
    as_json: Json = False,
) -> None:
    """Show in which ways the repository may be built and tested, and why; nothing is run."""
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
    fresh: Annotated[bool, typer.Option("--fresh", help="Build anew what was built before.")] = False,
    as_json: Json = False,
) -> None:
    """Make an environment in which the tests run; ends with 5 where none can be made."""
    import time

    started = time.monotonic()
    bed = _prepared(repo, sandbox, as_of, (test, image), max_minutes, fresh=fresh)
    seconds = round(time.monotonic() - started, 2)
    _told({"setup": bed.setup, "sandbox": bed.engine.name, "key": bed.environment.key, "seconds": seconds}, as_json)


@app.command()
def covering(
    target: Annotated[str, typer.Argument(metavar="PATH::FUNCTION|PATH:LINE", help="What the tests should cover.")],
    repo: Root = HERE,
    sandbox: SandboxName = None,
    as_of: AsOf = None,
    image: ImageName = None,
    whole: Annotated[bool, typer.Option("--all", help="Run all tests to find out, not only near ones.")] = False,
    max_minutes: Minutes = 30,
    max_seconds: Annotated[float, typer.Option("--max-seconds", min=1, help="For the tests.")] = 600,
    as_json: Json = False,
) -> None:
    """Show the tests that cover a function, the most specific first.

    Measured once, then remembered until a file changes. Where pytest does not run the tests, the files are shown that
    are near by their imports. Ends with 1 where no test covers it.
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
    tests: Annotated[list[str] | None, typer.Argument(help="Files or ids; all without any.")] = None,
    covers: Annotated[
        str | None, typer.Option("--covering", metavar="PATH::FUNCTION", help="Those that cover it, beside the others.")
    ] = None,
    repo: Root = HERE,
    sandbox: SandboxName = None,
    as_of: AsOf = None,
    image: ImageName = None,
    test: Command = None,
    patch: Annotated[Path | None, typer.Option("--patch", help="A diff that is applied in the sandbox first.")] = None,
    max_minutes: Minutes = 30,
    max_seconds: Annotated[float, typer.Option("--max-seconds", min=1, help="For the tests.")] = 600,
    as_json: Json = False,
) -> None:
    """Run tests in a fresh sandbox. Ends with 0 where all pass, 1 where any fails, 5 where they could not be run."""
    from repoagent.app.testbed import run_tests, target_of
    from repoagent.domain import Ending

    place = target_of(repo, covers) if covers else None
    bed = _prepared(repo, sandbox, as_of, (test, image), max_minutes)
    chosen = [*(tests or []), *(_covering(bed, place, max_seconds).tests if place else ())]
    if covers and not chosen:
        typer.echo(f"no test covers {covers}: `repoagent testbed covering --all` looks through all of them", err=True)
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
    patch: Annotated[Path | None, typer.Option("--patch", help="A diff that is applied in the sandbox first.")] = None,
    max_minutes: Minutes = 30,
) -> None:
    """Work in a fresh sandbox, with the environment of the tests; what is done there is lost when it is left."""
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
    patch: Annotated[Path | None, typer.Option("--patch", help="Show only what is new with this diff.")] = None,
    max_minutes: Minutes = 30,
    max_seconds: Annotated[float, typer.Option("--max-seconds", min=1, help="For each check.")] = 300,
    as_json: Json = False,
) -> None:
    """Run the type checkers and linters that the project declares. Ends with 0 where none complains, else with 1.

    With a patch only complaints count that are not there without it. Ends with 5 where a check could not be run.
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


@app.command()
def images(sandbox: SandboxName = None, as_json: Json = False) -> None:
    """List the environments that are kept, and what they stand on, the one used last first."""
    from collections import Counter
    from dataclasses import asdict
    from datetime import datetime

    kept = _engine(sandbox).kept()
    if as_json:
        _print_json([asdict(each) for each in kept])
        return
    carried = Counter(each.below for each in kept)
    for each in kept:
        used = datetime.fromtimestamp(each.used).astimezone().strftime("%Y-%m-%d %H:%M") if each.used else "never noted"
        carries = f", carries {carried[each.key]}" if carried[each.key] else ""
        on = f", on {each.below}" if each.below else ""
        typer.echo(f"{each.kind:11}  {each.key}  {each.bytes / 1e6:8.0f} MB  used {used}{carries}{on}")
    typer.echo(_summed(kept))


@app.command()
def prune(
    keep: Annotated[float, typer.Option("--keep-gb", min=0, help="What may stay, used last first.")] = 10.0,
    sandbox: SandboxName = None,
    as_json: Json = False,
) -> None:
    """Remove the environments that were not used for longest, until the others and what they stand on fit."""
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
    return f"{environments} environments and {len(kept) - environments} images below them, {size:.1f} GB"


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
    """What the list does not say of itself."""
    if not found.measured:
        return ["near by their imports: which test calls what is only noted where pytest runs the tests"]
    of = f"of the {len(found.asked)} nearest test files" if found.asked else "of all test files"
    notes = [f"{len(found.tests)} tests {of}"]
    return notes if found.ended else [*notes, "the run did not come to its end: there may be more (`--max-seconds`)"]


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
