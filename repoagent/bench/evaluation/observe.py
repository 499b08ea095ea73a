"""Run the tests of an instance on its base with a patch, in the test bed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from repoagent.app.parts import origin_of
from repoagent.bench.evaluation.naming import Reported
from repoagent.bench.instance import Instance, changed_files, files_with_tests
from repoagent.bench.sources import checked_out, file_at, source_of
from repoagent.bench.task import Judged, Task
from repoagent.domain import Ending, Patch, Report, Status
from repoagent.errors import ToolError, UserError
from repoagent.sandbox import Engine, Sandbox, choose
from repoagent.sandbox.base import Limits
from repoagent.testbed.runner import Testbed
from repoagent.testbed.ways import Named
from repoagent.trace import Trace
from repoagent.workspace import Source, Workspace

_PATCH = ".repoagent-candidate.patch"
_LOG = 4000


@dataclass(frozen=True)
class Observed:
    """A test run; it has no report where the patch did not apply."""

    report: Report | None
    complaint: str = ""


@dataclass(frozen=True)
class Bench:
    """An instance with its built environment, and the hidden test files that are written before a run."""

    instance: Instance
    bed: Testbed
    hidden: Mapping[str, bytes | None]
    """Files of the tests of the fix; None for those that it deletes."""
    tests: tuple[str, ...]
    seconds: float
    """Maximum of one test run."""

    def observe(self, patch: str) -> Observed:
        """Apply `patch` in a fresh sandbox, write the hidden tests, and run them."""
        with self.bed.open() as sandbox:
            complaint = _applied(sandbox, patch) if patch.strip() else ""
            if complaint:
                return Observed(None, complaint)
            sandbox.write(dict(self.hidden))
            return Observed(self.bed.run(sandbox, self.tests, self.seconds))

    def reported(self, report: Report) -> Reported:
        """Index the outcomes of a report by the benchmark's names."""
        texts = [content.decode("utf-8", "replace") for content in self.hidden.values() if content]
        return Reported.of(report.outcomes, texts)

    def judge(self, patch: str, excluded: tuple[str, ...] = ()) -> Judged:
        """Run the tests on `patch` and return the verdict; the tests in `excluded` do not count."""
        return self.judged(self.observe(patch), excluded)

    def judged(self, observed: Observed, excluded: tuple[str, ...] = ()) -> Judged:
        """Return the verdict of a finished test run; the tests in `excluded` do not count."""
        report = observed.report
        if report is None:
            return Judged(False, setup=self.bed.setup, log=observed.complaint[-_LOG:])
        reported = self.reported(report)
        to_pass = self.instance.fail_to_pass or tuple(sorted(reported.outcomes))
        to_keep = tuple(name for name in self.instance.pass_to_pass if name not in set(excluded))
        passing = {name for name in (*to_pass, *to_keep) if reported.status(name) is Status.PASSED}
        skipped = {name for name in to_keep if reported.status(name) is Status.SKIPPED}
        right = report.ending is Ending.COMPLETED and passing >= set(to_pass)
        return Judged(
            applied=True,
            ending=report.ending,
            fixed=tuple(name for name in to_pass if name in passing),
            unfixed=tuple(name for name in to_pass if name not in passing),
            kept=tuple(name for name in to_keep if name in passing),
            broken=tuple(name for name in to_keep if name not in passing | skipped),
            excluded=excluded,
            setup=self.bed.setup,
            seconds=report.seconds,
            log="" if right else report.log[-_LOG:],
        )


@contextmanager
def bench_for(task: Task, folder: Path, engine: Engine | None = None) -> Iterator[Bench]:
    """Build the environment of the task's instance from its base. Raises UserError where it has no tests of the fix."""
    instance, settings = task.instance, task.settings
    if not instance.judged:
        raise UserError(f"{instance.id} has no tests of the fix, so that no patch can be evaluated")
    source = source_of(instance, Path(task.mirrors) if task.mirrors else None, folder)
    engine = engine or choose(None if settings.sandbox == "auto" else settings.sandbox)
    trace = Trace(folder / "evaluation.jsonl")
    engine.prepare(lambda line: trace.emit("sandbox.progress", line=line))
    with checked_out(source) as tree:
        bed = Testbed.prepare(
            engine,
            tree.root,
            origin=origin_of(source),
            named=Named(instance.test_command),
            trace=trace,
            timeout=settings.build_minutes * 60,
        )
        limits = Limits(memory_mib=settings.memory_mib, cpus=settings.cpus, pids=settings.pids)
        hidden, tests = _hidden(instance, source, tree), files_to_run(instance)
        yield Bench(instance, replace(bed, limits=limits), hidden, tests, settings.test_seconds)


def files_to_run(instance: Instance) -> tuple[str, ...]:
    """List the test files to run: those of the test patch, of the instance, and of the names of its tests."""
    named = [name.partition("::")[0] for name in (*instance.fail_to_pass, *instance.pass_to_pass) if "::" in name]
    return tuple(dict.fromkeys((*files_with_tests(instance.test_patch), *instance.tests, *named)))


def _hidden(instance: Instance, source: Source, tree: Workspace) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for path in instance.tests if instance.tests_from else ():
        found[path] = file_at(source, instance.tests_from, path)
    if not instance.test_patch.strip():
        return found
    try:
        edits = tree.edits(Patch(instance.test_patch, changed_files(instance.test_patch)))
    except ToolError as error:
        raise UserError(f"the test patch of {instance.id} does not fit its base: {error}") from error
    return found | {e.path: None if e.after is None else e.after.encode("utf-8", "surrogateescape") for e in edits}


def _applied(sandbox: Sandbox, patch: str) -> str:
    """Apply a patch as the official harness does, strictly and then with some fuzz.

    Returns the complaint of git where neither works, else an empty string.
    """
    sandbox.write({_PATCH: patch.encode("utf-8", "surrogateescape")})
    ways = (("git", "apply", "--verbose", _PATCH), ("patch", "--batch", "--fuzz=5", "-p1", "-i", _PATCH))
    complaint = ""
    for way in ways:
        finished = sandbox.run(way, timeout=120)
        if finished.exit_code == 0:
            break
        complaint = complaint or finished.output or "the patch does not apply"
    else:
        return complaint
    sandbox.write({_PATCH: None})
    return ""
