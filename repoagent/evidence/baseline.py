"""How the tests end on the untouched code: what a candidate must not break, and what it is to mend."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from repoagent.domain import Ending, Issue, Location, Report
from repoagent.evidence.choose_tests import is_named_in, select_fewer_tests, select_near_tests
from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.screening import run_single_tests
from repoagent.evidence.screening.choosing import make_collection_arguments
from repoagent.evidence.verdict import Baseline
from repoagent.evidence.workbench import Workbench
from repoagent.index.build import Index
from repoagent.testbed import coverage as covering
from repoagent.testbed.coverage import CoverageMap
from repoagent.testbed.failure import summarise_failure
from repoagent.testbed.runner import BaselineRun, RunUntouched, Testbed

_NEAR_SHARE = 0.2
"""The part of the time left that the near tests may take on the untouched code."""
_FEW_SHARE = 0.1
"""The same for those that are chosen of them."""
_WHOLE_SHARE = 0.3
"""The part of the time left that all tests may take on the untouched code: with the patch they take as long again."""
_HELD_UP_SECONDS = 100.0
"""Seconds that no test takes which is not held up: a little less than the longest that the test bed grants one."""
_HANGING = "A test never ends on the untouched code."
_UNUSABLE = (Ending.CRASHED, Ending.NOT_COLLECTED)
"""How a run ends that says nothing of any test."""


@dataclass(frozen=True)
class MeasuredBaseline:
    """What is known of the untouched code."""

    near: EvaluationContext
    """By the tests that judge each candidate."""
    wide: EvaluationContext | None = None
    """By more tests near the suspects, which judge the patch that is delivered; None where `near` has them all."""
    whole: EvaluationContext | None = None
    """By all tests of the project; None where they were not run."""
    notes: tuple[str, ...] = ()
    """What the user has to know, one sentence each."""


@dataclass(frozen=True)
class BaselineRequest:
    """What the tests are chosen by."""

    issue: Issue
    suspects: Sequence[Location]
    """All that may have to change, the most suspicious first."""
    targets: Sequence[Location]
    """Those of them that will be worked on first."""


def measure_baseline(
    request: BaselineRequest, context: EvaluationContext, workbench: Workbench, index: Index
) -> MeasuredBaseline:
    """Run the tests near the suspects on the untouched code, twice where they fail."""
    return _Measuring(
        request, replace(context, tests=()), workbench, index, workbench.attach_testbed(context)
    ).measure()


def measure_whole(context: EvaluationContext, judged: EvaluationContext, workbench: Workbench) -> Baseline | None:
    """What all tests say of the untouched code, to judge the final patch by them; None where, as far as those of
    `judged` tell, they would take more than the run has left for them.

    `context` is what judges each candidate: what is flaky there is so here.
    """
    testbed = workbench.attach_testbed(context)
    near, every = (_sum_sizes(files, workbench) for files in (judged.tests, testbed.codebase.test_files))
    expected = judged.baseline.seconds * every / max(near, 1)
    if expected > workbench.limit_seconds(workbench.test_timeout, share=_WHOLE_SHARE):
        return None
    whole = testbed.measure_baseline((), workbench.limit_seconds(workbench.test_timeout, share=_WHOLE_SHARE))
    workbench.trace.emit("baseline.done", files=["all"], passing=len(whole.passing), failing=len(whole.failing))
    if whole.report.ending is not Ending.COMPLETED:
        return None
    found = _make_baseline(whole, workbench)
    flaky = context.baseline.flaky
    return replace(found, failing=found.failing - flaky, flaky=found.flaky | flaky)


def describe_failure_today(context: EvaluationContext | None, issue: Issue) -> str:
    """What running the untouched code shows of the problem: the reproduction, or the failing tests that the issue
    names; empty where nothing does."""
    if context is None:
        return ""
    named = any(is_named_in(test, issue) for test in context.baseline.failing)
    return context.oracle.observed or (context.baseline.failure_text if named else "")


def is_held_up(near: BaselineRun) -> bool:
    """Whether single tests held a run up, not their number: one was ended after its part of the time, or none passed
    before the time was over."""
    report = near.report
    long = min(report.seconds / 4, _HELD_UP_SECONDS)
    ended = any(outcome.seconds > long for outcome in report.outcomes if outcome.id in report.failed)
    return report.ending is Ending.TIMED_OUT and (ended or (bool(report.failed) and not report.passed))


@dataclass(frozen=True)
class _Measuring:
    request: BaselineRequest
    context: EvaluationContext
    workbench: Workbench
    index: Index
    testbed: Testbed
    recorded: list[CoverageMap] = field(default_factory=list)
    """What each test calls, where that was recorded."""

    def measure(self) -> MeasuredBaseline:
        suspects = self.request.suspects
        files = () if self.context.test_command else select_near_tests(suspects, self.testbed, self.index)
        near = self._run_near(files)
        if near.report.ending in _UNUSABLE and (able := self._find_usable(files)):
            files = able
            near = self._run_near(files)
        if is_held_up(near) and (known := self._run_one_by_one(files)):
            return self._note_hanging(files, known)
        wide: EvaluationContext | None = None
        fewer = select_fewer_tests(files, near, self._calls, suspects, self.workbench)
        few = self._run(fewer) if fewer else near
        if fewer and (few.passing or not near.passing):
            every = self._drop_unrelated(_make_baseline(near, self.workbench))
            wide = replace(self.context, tests=files, baseline=every) if near.passing else None
            files, near = fewer, few
        if near.report.ending is Ending.TIMED_OUT and (known := self._run_one_by_one(files)):
            return self._note_hanging(files, known)
        found = _make_baseline(near, self.workbench)
        related = self._drop_unrelated(found)
        notes = (*_describe_run(near), *_describe_unrelated(found.failing - related.failing))
        judged = replace(self.context, tests=files, baseline=related)
        is_whole = bool(files) and set(files) == set(self.testbed.codebase.test_files)
        return MeasuredBaseline(judged, wide, replace(judged, tests=()) if is_whole else None, notes)

    @property
    def _calls(self) -> CoverageMap | None:
        return self.recorded[-1] if self.recorded else None

    def _run_near(self, files: Sequence[str]) -> BaselineRun:
        """How the tests near the suspects end; what each of them calls is recorded where that can be done."""

        def run(tests: Sequence[str], timeout: float) -> Report:
            report, calls = covering.run_with_coverage(self.testbed, tests, timeout)
            self.recorded.append(calls)
            return report

        return self._run(files, _NEAR_SHARE, run if covering.can_measure_coverage(self.testbed) else None)

    def _run(self, files: Sequence[str], share: float = _FEW_SHARE, run: RunUntouched | None = None) -> BaselineRun:
        seconds = self.workbench.limit_seconds(self.workbench.test_timeout, share=share)
        found = self.testbed.measure_baseline(files, seconds, run)
        passing, failing, ending = len(found.passing), len(found.failing), found.report.ending
        self.workbench.trace.emit("baseline.done", files=list(files), passing=passing, failing=failing, ending=ending)
        return found

    def _find_usable(self, files: Sequence[str]) -> tuple[str, ...]:
        """Those of the files that can be run together: one that needs what is not there may end a runner before its
        first test. None of a single one."""
        half = (len(files) + 1) // 2
        usable: list[str] = []
        for part in (files[:half], files[half:]) if len(files) > 1 else ():
            unusable = self._run(part).report.ending in _UNUSABLE
            usable += self._find_usable(part) if unusable else part
        return tuple(usable)

    def _run_one_by_one(self, files: Sequence[str]) -> Baseline | None:
        """What the tests say one by one, where one of them holds up all others; None where that cannot be found out."""
        arguments = make_collection_arguments(self.testbed, files)
        seconds = self.workbench.limit_seconds(self.workbench.test_timeout, share=_NEAR_SHARE)
        if not arguments:
            return None
        environment = self.testbed.environment
        passing, failing, took = run_single_tests(
            arguments, lambda: self.workbench.open_with_edits(environment, ()), seconds
        )
        self.workbench.trace.emit(
            "baseline.done", files=list(files), passing=len(passing), failing=len(failing), singly=True
        )
        return Baseline(passing, failing, frozenset(), took) if passing or failing else None

    def _note_hanging(self, files: Sequence[str], known: Baseline) -> MeasuredBaseline:
        context = replace(self.context, tests=tuple(files), baseline=known)
        return MeasuredBaseline(context, notes=(_HANGING,))

    def _drop_unrelated(self, before: Baseline) -> Baseline:
        """The baseline without tests that fail for other reasons: those that the issue does not name, and that call
        none of the targets, where it is known what they call. A patch that happens to mend one is no better for it."""
        calls = self._calls
        if calls is None or not before.failing:
            return before
        places = [covering.SourceSpan(each.path, each.start, each.end) for each in self.request.targets]
        touching = {test for place in places for test in calls.find_tests(place)}
        known = {test for test, called in calls.tests if called}
        unrelated = {
            test
            for test in before.failing
            if test in known and test not in touching and not is_named_in(test, self.request.issue)
        }
        failing = before.failing - unrelated
        text = before.failure_text if failing else ""
        return replace(before, failing=failing, flaky=before.flaky | unrelated, failure_text=text)


def _make_baseline(found: BaselineRun, workbench: Workbench) -> Baseline:
    text = summarise_failure(found.report, found.failing, workbench.workspace.root) if found.failing else ""
    return Baseline(found.passing, found.failing, found.flaky, found.report.seconds, text)


def _sum_sizes(files: Sequence[str], workbench: Workbench) -> int:
    """How large test files are together, in bytes: what they take is nearer to that than to their number."""
    paths = [workbench.workspace.root / path for path in files]
    return sum(path.stat().st_size for path in paths if path.is_file() and not path.is_symlink())


def _describe_run(found: BaselineRun) -> tuple[str, ...]:
    notes = []
    if found.report.ending is not Ending.COMPLETED:
        notes.append(f"The project's tests are no judge here: run on the untouched code, they {found.report.ending}.")
    if any(outcome.timed_out for outcome in found.report.outcomes):
        notes.append(_HANGING)
    if found.outside:
        notes.append(f"{len(found.outside)} tests fail for want of a network or a package, and count for nothing.")
    if found.flaky:
        notes.append(f"{len(found.flaky)} tests end differently from run to run and count for nothing.")
    return tuple(notes)


def _describe_unrelated(tests: Collection[str]) -> tuple[str, ...]:
    if not tests:
        return ()
    if len(tests) == 1:
        return (f"{min(tests)} fails on the untouched code, but calls nothing suspected: it counts for nothing.",)
    return (f"{len(tests)} tests fail on the untouched code, but call nothing suspected: they count for nothing.",)
