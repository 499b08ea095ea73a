"""Build and test a work tree as it is, without a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from repoagent.errors import UserError
from repoagent.places import locate_cache_root
from repoagent.sandbox.base import CachedImage, Engine, Sandbox
from repoagent.sandbox.fresh import run_in_fresh
from repoagent.testbed.build_plan import BuildPlan, CommitInfo, UserOverrides
from repoagent.testbed.checks import find_new_complaints
from repoagent.testbed.ecosystems.base import Codebase
from repoagent.testbed.ecosystems.finding import detect_codebases, find_codebase, list_build_plans
from repoagent.testbed.runner import Testbed
from repoagent.trace import Event, Trace

if TYPE_CHECKING:
    from repoagent.domain import Report
    from repoagent.index.build import Index
    from repoagent.testbed.coverage import SourceSpan


@dataclass(frozen=True)
class BuildPlans:
    """The code bases of a repository, and the plans to build them."""

    codebases: tuple[Codebase, ...]
    plans: tuple[BuildPlan, ...]

    def find_codebase(self, way: BuildPlan) -> Codebase:
        """Find the code base that `way` builds."""
        return find_codebase(self.codebases, way.recipe.key)


def derive_build_plans(root: Path, sandbox: str | None, as_of: str | None, image: str = "") -> BuildPlans:
    """Derive build plans from the manifests; nothing of the repository is run."""
    from repoagent.sandbox import choose_engine

    engine = choose_engine(None if sandbox in {None, "auto"} else sandbox)
    found = detect_codebases(_resolve_directory(root), image)
    return BuildPlans(found, list_build_plans(found, describe_checkout(root, as_of), engine.list_pythons()))


def format_repoagent_toml(found: BuildPlans) -> str:
    """Format the first build plan as a `.repoagent.toml`, with its reasons as comments."""
    way = found.plans[0]
    codebase = found.find_codebase(way)
    packages = ", ".join(f'"{name}"' for name in way.recipe.base.packages)
    lines = [
        *(f"# {reason}" for reason in way.why),
        f'language = "{codebase.language}"',
        f'python = "{way.recipe.base.python}"',
        f"packages = [{packages}]",
        "# Commands that replace the installation that is worked out, run in the sandbox with network:",
        '# build = ["pip install -e .[test]"]',
        f"# Runs instead of {codebase.tool}, in the sandbox without network:",
        '# test = "python -m pytest"',
    ]
    return "\n".join(lines) + "\n"


def prepare_testbed(
    root: Path,
    engine: Engine,
    as_of: str | None,
    named: UserOverrides,
    timeout: float,
    listener: Callable[[Event], None],
    *,
    fresh: bool = False,
    checks: bool = False,
) -> Testbed:
    """Prepare the test bed of the repository in `root`; see `Testbed.prepare`."""
    trace = Trace(listeners=(listener,))
    return Testbed.prepare(
        engine,
        _resolve_directory(root),
        origin=describe_checkout(root, as_of),
        named=named,
        trace=trace,
        timeout=timeout,
        fresh=fresh,
        checks=checks,
    )


def run_tests(bed: Testbed, tests: Sequence[str], patch: Path | None, timeout: float) -> Report:
    """Run tests in a fresh sandbox after applying `patch` there. Raises UserError where it does not apply."""

    def run_patched(sandbox: Sandbox) -> Report:
        _apply_patch(patch, sandbox)
        return bed.run(sandbox, tests, timeout)

    return run_in_fresh(bed.open, run_patched, lambda _error: None)


@dataclass(frozen=True)
class CoveringTests:
    """The tests that cover a place, and how they were found."""

    tests: tuple[str, ...]
    """Test ids, most specific first; test files where nothing was measured."""
    measured: bool
    """Whether coverage was measured; otherwise the tests were selected by their imports."""
    asked: tuple[str, ...] = ()
    """The test files that were run to measure; empty for all."""
    ended: bool = True
    """Whether that run came to its end."""


@dataclass(frozen=True)
class CoverageTarget:
    """A function or class of a work tree."""

    place: SourceSpan
    symbol: str
    index: Index


def find_target(root: Path, target: str) -> CoverageTarget:
    """Find the function that PATH::FUNCTION or PATH:LINE names in the work tree. Raises UserError if none."""
    from repoagent.index.build import Index
    from repoagent.testbed.coverage import SourceSpan

    index = Index.build(_resolve_directory(root))
    path, separator, name = target.partition("::")
    if not separator:
        path, _, line = target.rpartition(":")
        symbol = index.find_enclosing(path, int(line)) if line.isdecimal() else None
    else:
        symbol = index.get_symbol(path, name)
    if symbol is None:
        near = f"; near it: {', '.join(index.suggest_names(name.rpartition('.')[2], 3))}" if name else ""
        raise UserError(f"there is no function {target!r}: write PATH::FUNCTION, PATH::Class.method or PATH:LINE{near}")
    return CoverageTarget(SourceSpan(symbol.path, symbol.start, symbol.end), symbol.qualified, index)


def find_covering_tests(
    bed: Testbed, target: CoverageTarget, timeout: float, *, whole: bool, say: Callable[[str], None]
) -> CoveringTests:
    """Find the tests that cover `target`.

    Cached coverage is used where the files have not changed; else the nearest tests, or with `whole` all tests, are
    run to measure it. `timeout` is in seconds; `say` is called with a line before that run.
    """
    from repoagent.testbed.coverage import can_measure_coverage, load_coverage, measure_coverage
    from repoagent.testbed.selection import select_relevant_tests

    near = select_relevant_tests(target.index, [target.place.path], bed.codebase.test_files, symbols=[target.symbol])
    if not can_measure_coverage(bed):
        return CoveringTests(near, measured=False)
    asked = () if whole else near
    found = load_coverage(bed, asked)
    if found is None:
        count = len(asked) or len(bed.codebase.test_files)
        say(f"running {count} test file{'s' * (count != 1)} to measure coverage")
        found = measure_coverage(bed, asked, timeout)
    return CoveringTests(found.find_tests(target.place), True, found.asked, found.ended)


def open_shell(bed: Testbed, patch: Path | None) -> int:
    """Open a shell in a fresh sandbox after applying `patch` there; returns the shell's exit code."""
    entry = bed.codebase.entry
    with bed.open() as sandbox:
        _apply_patch(patch, sandbox)
        return sandbox.interact(entry.wrap_command("exec /bin/bash"), environment=entry.variables)


def _apply_patch(patch: Path | None, sandbox: Sandbox) -> None:
    if patch is None:
        return
    sandbox.write({_PATCH_FILE: patch.read_bytes()})
    applied = sandbox.run(("git", "apply", "--verbose", _PATCH_FILE), timeout=60)
    sandbox.write({_PATCH_FILE: None})
    if applied.exit_code:
        raise UserError(f"{patch} does not apply to this work tree:\n{applied.output[-1000:]}")


@dataclass(frozen=True)
class CheckReport:
    """The report of one of the project's own checks."""

    report: Report
    new: frozenset[str]
    """The complaints that count: all, or with a patch those that it adds."""


def run_project_checks(bed: Testbed, patch: Path | None, timeout: float) -> dict[str, CheckReport]:
    """Run the project's own checks; returns them by name. Raises UserError where `patch` does not apply."""
    with bed.open() as sandbox:
        before = bed.run_checks(sandbox, timeout)
        if patch is None:
            return {name: CheckReport(report, report.failed) for name, report in before.items()}
        _apply_patch(patch, sandbox)
        after = bed.run_checks(sandbox, timeout)
    return {name: CheckReport(report, find_new_complaints(before[name], report)) for name, report in after.items()}


_PATCH_FILE = ".repoagent-candidate.patch"


def prune_images(engine: Engine, allowed: int) -> tuple[CachedImage, ...]:
    """Remove the least recently used images until the rest takes at most `allowed` bytes; returns the removed ones.

    An image that a kept one builds on is counted and kept as well, however long ago it was used itself.
    """
    found = {kept.key: kept for kept in engine.list_cached()}
    stays: set[str] = set()
    total = 0
    for kept in found.values():
        needed = [each for each in _list_base_images(kept, found) if each.key not in stays]
        total += sum(each.bytes for each in needed)
        if total <= allowed:
            stays |= {each.key for each in needed}
    removed = [kept for kept in found.values() if kept.key not in stays]
    removed.sort(key=lambda kept: -len(_list_base_images(kept, found)))
    for kept in removed:
        engine.discard(kept.key)
    left = {kept.key for kept in engine.list_cached()} if removed else set()
    return tuple(kept for kept in removed if kept.key not in left)


def _list_base_images(kept: CachedImage, found: Mapping[str, CachedImage]) -> list[CachedImage]:
    """List an image and all images that it builds on."""
    below = found.get(kept.below)
    return [kept, *(_list_base_images(below, found) if below else [])]


def describe_checkout(root: Path, as_of: str | None) -> CommitInfo:
    """Describe the commit that is checked out in `root`; `as_of` replaces its date."""
    from repoagent.app.parts import describe_origin
    from repoagent.workspace import resolve_source

    try:
        found = describe_origin(resolve_source(str(root), None, None, locate_cache_root()))
    except UserError:  # no repository, or one without a commit: the files are all that is known
        found = CommitInfo()
    if not as_of:
        return found
    try:
        day = datetime.fromisoformat(as_of)
    except ValueError:
        raise UserError(f"--as-of {as_of!r} is not a day: write it as 2021-05-01") from None
    return CommitInfo(found.version, day if day.tzinfo else day.replace(tzinfo=UTC))


def _resolve_directory(root: Path) -> Path:
    if not root.is_dir():
        raise UserError(f"{root} is not a directory: `--repo` names the work tree of a repository")
    return root.resolve()
