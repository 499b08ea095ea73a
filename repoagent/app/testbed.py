"""Build and test a work tree as it is, without a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from repoagent.errors import UserError
from repoagent.places import cache_root
from repoagent.sandbox.base import Engine, Kept, Sandbox
from repoagent.sandbox.fresh import in_fresh
from repoagent.testbed.checks import new_complaints
from repoagent.testbed.ecosystems.base import Codebase
from repoagent.testbed.ecosystems.finding import codebase_of, codebases, setups_of
from repoagent.testbed.runner import Testbed
from repoagent.testbed.ways import Named, Origin, Setup
from repoagent.trace import Event, Trace

if TYPE_CHECKING:
    from repoagent.domain import Report
    from repoagent.index.build import Index
    from repoagent.testbed.covering import Place


@dataclass(frozen=True)
class Ways:
    """The code bases of a repository, and the plans to build them."""

    found: tuple[Codebase, ...]
    ways: tuple[Setup, ...]

    def codebase(self, way: Setup) -> Codebase:
        """Find the code base that `way` builds."""
        return codebase_of(self.found, way.recipe.key)


def ways_of(root: Path, sandbox: str | None, as_of: str | None, image: str = "") -> Ways:
    """Derive build plans from the manifests; nothing of the repository is run."""
    from repoagent.sandbox import choose

    engine = choose(None if sandbox in {None, "auto"} else sandbox)
    found = codebases(_directory(root), image)
    return Ways(found, setups_of(found, origin(root, as_of), engine.pythons()))


def described(found: Ways) -> str:
    """Format the first build plan as a `.repoagent.toml`, with its reasons as comments."""
    way = found.ways[0]
    codebase = found.codebase(way)
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


def prepare(
    root: Path,
    engine: Engine,
    as_of: str | None,
    named: Named,
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
        _directory(root),
        origin=origin(root, as_of),
        named=named,
        trace=trace,
        timeout=timeout,
        fresh=fresh,
        checks=checks,
    )


def run_tests(bed: Testbed, tests: Sequence[str], patch: Path | None, timeout: float) -> Report:
    """Run tests in a fresh sandbox after applying `patch` there. Raises UserError where it does not apply."""

    def run_patched(sandbox: Sandbox) -> Report:
        _apply(patch, sandbox)
        return bed.run(sandbox, tests, timeout)

    return in_fresh(bed.open, run_patched, lambda _error: None)


@dataclass(frozen=True)
class Covering:
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
class Target:
    """A function or class of a work tree."""

    place: Place
    symbol: str
    index: Index


def target_of(root: Path, target: str) -> Target:
    """Find the function that PATH::FUNCTION or PATH:LINE names in the work tree. Raises UserError if none."""
    from repoagent.index.build import Index
    from repoagent.testbed.covering import Place

    index = Index.build(_directory(root))
    path, separator, name = target.partition("::")
    if not separator:
        path, _, line = target.rpartition(":")
        symbol = index.enclosing(path, int(line)) if line.isdecimal() else None
    else:
        symbol = index.symbol(path, name)
    if symbol is None:
        near = f"; near it: {', '.join(index.nearest(name.rpartition('.')[2], 3))}" if name else ""
        raise UserError(f"there is no function {target!r}: write PATH::FUNCTION, PATH::Class.method or PATH:LINE{near}")
    return Target(Place(symbol.path, symbol.start, symbol.end), symbol.qualified, index)


def covering(bed: Testbed, target: Target, timeout: float, *, whole: bool, say: Callable[[str], None]) -> Covering:
    """Find the tests that cover `target`.

    Cached coverage is used where the files have not changed; else the nearest tests, or with `whole` all tests, are
    run to measure it. `timeout` is in seconds; `say` is called with a line before that run.
    """
    from repoagent.testbed.covering import known, measure, possible
    from repoagent.testbed.selection import relevant_tests

    near = relevant_tests(target.index, [target.place.path], bed.codebase.test_files, symbols=[target.symbol])
    if not possible(bed):
        return Covering(near, measured=False)
    asked = () if whole else near
    found = known(bed, asked)
    if found is None:
        count = len(asked) or len(bed.codebase.test_files)
        say(f"running {count} test file{'s' * (count != 1)} to measure coverage")
        found = measure(bed, asked, timeout)
    return Covering(found.covering(target.place), True, found.asked, found.ended)


def work_in(bed: Testbed, patch: Path | None) -> int:
    """Open a shell in a fresh sandbox after applying `patch` there; returns the shell's exit code."""
    entry = bed.codebase.entry
    with bed.open() as sandbox:
        _apply(patch, sandbox)
        return sandbox.interact(entry.command("exec /bin/bash"), environment=entry.variables)


def _apply(patch: Path | None, sandbox: Sandbox) -> None:
    if patch is None:
        return
    sandbox.write({_PATCH: patch.read_bytes()})
    applied = sandbox.run(("git", "apply", "--verbose", _PATCH), timeout=60)
    sandbox.write({_PATCH: None})
    if applied.exit_code:
        raise UserError(f"{patch} does not apply to this work tree:\n{applied.output[-1000:]}")


@dataclass(frozen=True)
class Checked:
    """The report of one of the project's own checks."""

    report: Report
    new: frozenset[str]
    """The complaints that count: all, or with a patch those that it adds."""


def run_checks(bed: Testbed, patch: Path | None, timeout: float) -> dict[str, Checked]:
    """Run the project's own checks; returns them by name. Raises UserError where `patch` does not apply."""
    with bed.open() as sandbox:
        before = bed.checks(sandbox, timeout)
        if patch is None:
            return {name: Checked(report, report.failed) for name, report in before.items()}
        _apply(patch, sandbox)
        after = bed.checks(sandbox, timeout)
    return {name: Checked(report, new_complaints(before[name], report)) for name, report in after.items()}


_PATCH = ".repoagent-candidate.patch"


def prune(engine: Engine, allowed: int) -> tuple[Kept, ...]:
    """Remove the least recently used images until the rest takes at most `allowed` bytes; returns the removed ones.

    An image that a kept one builds on is counted and kept as well, however long ago it was used itself.
    """
    found = {kept.key: kept for kept in engine.kept()}
    stays: set[str] = set()
    total = 0
    for kept in found.values():
        needed = [each for each in _down_from(kept, found) if each.key not in stays]
        total += sum(each.bytes for each in needed)
        if total <= allowed:
            stays |= {each.key for each in needed}
    removed = [kept for kept in found.values() if kept.key not in stays]
    removed.sort(key=lambda kept: -len(_down_from(kept, found)))
    for kept in removed:
        engine.discard(kept.key)
    left = {kept.key for kept in engine.kept()} if removed else set()
    return tuple(kept for kept in removed if kept.key not in left)


def _down_from(kept: Kept, found: Mapping[str, Kept]) -> list[Kept]:
    """List an image and all images that it builds on."""
    below = found.get(kept.below)
    return [kept, *(_down_from(below, found) if below else [])]


def origin(root: Path, as_of: str | None) -> Origin:
    """Describe the commit that is checked out in `root`; `as_of` replaces its date."""
    from repoagent.app.parts import origin_of
    from repoagent.workspace import resolve

    try:
        found = origin_of(resolve(str(root), None, None, cache_root()))
    except UserError:  # no repository, or one without a commit: the files are all that is known
        found = Origin()
    if not as_of:
        return found
    try:
        day = datetime.fromisoformat(as_of)
    except ValueError:
        raise UserError(f"--as-of {as_of!r} is not a day: write it as 2021-05-01") from None
    return Origin(found.version, day if day.tzinfo else day.replace(tzinfo=UTC))


def _directory(root: Path) -> Path:
    if not root.is_dir():
        raise UserError(f"{root} is not a directory: `--repo` names the work tree of a repository")
    return root.resolve()
