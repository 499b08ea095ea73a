"""Run the tests of an instance on its base with a patch, in the test bed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from repoagent.app.parts import describe_origin
from repoagent.bench.evaluation.naming import OutcomeIndex
from repoagent.bench.instance import Instance, list_changed_files, list_test_files
from repoagent.bench.sources import check_out, get_source, read_file_at
from repoagent.bench.task import BenchTask, Evaluation
from repoagent.domain import Ending, Patch, Report, Status
from repoagent.errors import ToolError, UserError
from repoagent.sandbox import Engine, Sandbox, choose_engine
from repoagent.sandbox.base import SandboxLimits
from repoagent.testbed.build_plan import UserOverrides
from repoagent.testbed.runner import Testbed
from repoagent.trace import Trace
from repoagent.workspace import SourceRepository, Workspace

_PATCH_FILE = ".repoagent-candidate.patch"
_MAX_LOG = 4000


@dataclass(frozen=True)
class ObservedRun:
    """A test run; it has no report where the patch did not apply."""

    report: Report | None
    complaint: str = ""


@dataclass(frozen=True)
class PreparedInstance:
    """An instance with its built environment, and the hidden test files that are written before a run."""

    instance: Instance
    bed: Testbed
    hidden: Mapping[str, bytes | None]
    """Files of the tests of the fix; None for those that it deletes."""
    tests: tuple[str, ...]
    seconds: float
    """Maximum of one test run."""

    def run_tests(self, patch: str) -> ObservedRun:
        """Apply `patch` in a fresh sandbox, write the hidden tests, and run them."""
        with self.bed.open() as sandbox:
            complaint = _apply_patch(sandbox, patch) if patch.strip() else ""
            if complaint:
                return ObservedRun(None, complaint)
            sandbox.write(dict(self.hidden))
            return ObservedRun(self.bed.run(sandbox, self.tests, self.seconds))

    def index_outcomes(self, report: Report) -> OutcomeIndex:
        """Index the outcomes of a report by the benchmark's names."""
        texts = [content.decode("utf-8", "replace") for content in self.hidden.values() if content]
        return OutcomeIndex.from_outcomes(report.outcomes, texts)

    def evaluate_patch(self, patch: str, excluded: tuple[str, ...] = ()) -> Evaluation:
        """Run the tests on `patch` and return the verdict; the tests in `excluded` do not count."""
        return self.evaluate_run(self.run_tests(patch), excluded)

    def evaluate_run(self, observed: ObservedRun, excluded: tuple[str, ...] = ()) -> Evaluation:
        """Return the verdict of a finished test run; the tests in `excluded` do not count."""
        report = observed.report
        if report is None:
            return Evaluation(False, setup=self.bed.plan_name, log=observed.complaint[-_MAX_LOG:])
        reported = self.index_outcomes(report)
        to_pass = self.instance.fail_to_pass or tuple(sorted(reported.outcomes))
        to_keep = tuple(name for name in self.instance.pass_to_pass if name not in set(excluded))
        passing = {name for name in (*to_pass, *to_keep) if reported.find_status(name) is Status.PASSED}
        skipped = {name for name in to_keep if reported.find_status(name) is Status.SKIPPED}
        right = report.ending is Ending.COMPLETED and passing >= set(to_pass)
        return Evaluation(
            applied=True,
            ending=report.ending,
            fixed=tuple(name for name in to_pass if name in passing),
            unfixed=tuple(name for name in to_pass if name not in passing),
            kept=tuple(name for name in to_keep if name in passing),
            broken=tuple(name for name in to_keep if name not in passing | skipped),
            excluded=excluded,
            setup=self.bed.plan_name,
            seconds=report.seconds,
            log="" if right else report.log[-_MAX_LOG:],
        )


@contextmanager
def prepare_instance(task: BenchTask, folder: Path, engine: Engine | None = None) -> Iterator[PreparedInstance]:
    """Build the environment of the task's instance from its base. Raises UserError where it has no tests of the fix."""
    instance, settings = task.instance, task.settings
    if not instance.has_tests:
        raise UserError(f"{instance.id} has no tests of the fix, so that no patch can be evaluated")
    source = get_source(instance, Path(task.mirrors) if task.mirrors else None, folder)
    engine = engine or choose_engine(None if settings.sandbox == "auto" else settings.sandbox)
    trace = Trace(folder / "evaluation.jsonl")
    engine.prepare(lambda line: trace.emit("sandbox.progress", line=line))
    with check_out(source) as tree:
        bed = Testbed.prepare(
            engine,
            tree.root,
            origin=describe_origin(source),
            named=UserOverrides(instance.test_command),
            trace=trace,
            timeout=settings.build_minutes * 60,
        )
        limits = SandboxLimits(memory_mib=settings.memory_mib, cpus=settings.cpus, pids=settings.pids)
        hidden, tests = _read_hidden_files(instance, source, tree), list_files_to_run(instance)
        yield PreparedInstance(instance, replace(bed, limits=limits), hidden, tests, settings.test_seconds)


def list_files_to_run(instance: Instance) -> tuple[str, ...]:
    """List the test files to run: those of the test patch, of the instance, and of the names of its tests."""
    named = [name.partition("::")[0] for name in (*instance.fail_to_pass, *instance.pass_to_pass) if "::" in name]
    return tuple(dict.fromkeys((*list_test_files(instance.test_patch), *instance.tests, *named)))


def _read_hidden_files(instance: Instance, source: SourceRepository, tree: Workspace) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for path in instance.tests if instance.tests_from else ():
        found[path] = read_file_at(source, instance.tests_from, path)
    if not instance.test_patch.strip():
        return found
    try:
        edits = tree.parse_edits(Patch(instance.test_patch, list_changed_files(instance.test_patch)))
    except ToolError as error:
        raise UserError(f"the test patch of {instance.id} does not fit its base: {error}") from error
    return found | {e.path: None if e.after is None else e.after.encode("utf-8", "surrogateescape") for e in edits}


def _apply_patch(sandbox: Sandbox, patch: str) -> str:
    """Apply a patch as the official harness does, strictly and then with some fuzz.

    Returns the complaint of git where neither works, else an empty string.
    """
    sandbox.write({_PATCH_FILE: patch.encode("utf-8", "surrogateescape")})
    ways = (("git", "apply", "--verbose", _PATCH_FILE), ("patch", "--batch", "--fuzz=5", "-p1", "-i", _PATCH_FILE))
    complaint = ""
    for way in ways:
        finished = sandbox.run(way, timeout=120)
        if finished.exit_code == 0:
            break
        complaint = complaint or finished.output or "the patch does not apply"
    else:
        return complaint
    sandbox.write({_PATCH_FILE: None})
    return ""
