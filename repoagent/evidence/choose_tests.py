"""Which tests judge the candidates of a run: those that would notice a change of the suspects, in the time there is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from repoagent.domain import Ending, Issue, Location
from repoagent.evidence.workbench import Workbench
from repoagent.index.build import Index
from repoagent.testbed import coverage as covering
from repoagent.testbed.coverage import CoverageMap
from repoagent.testbed.runner import BaselineRun, Testbed
from repoagent.testbed.selection import select_relevant_tests

_FILES = 8
"""Test files that judge each candidate."""
SUSPECTS = 6
"""Suspects whose tests are looked for."""
_MAX_SINGLE_TESTS = 300
"""Tests that are chosen one by one."""
_CANDIDATE_SHARE = 0.03
"""The part of the time left that the tests of one candidate may take, but for …"""
_MIN_CANDIDATE_SECONDS = 10.0
"""… so many seconds."""
_MIN_NAME = 6
"""Characters of a test's name that is not in an issue by chance."""


def select_near_tests(suspects: Sequence[Location], testbed: Testbed, index: Index) -> tuple[str, ...]:
    """The test files that are most likely to notice a change of the suspects: those known to call them first."""
    chosen = suspects[:SUSPECTS]
    symbols = [location.symbol for location in chosen if location.symbol]
    paths, tests = [each.path for each in chosen], testbed.codebase.test_files
    near = select_relevant_tests(index, paths, tests, _FILES, symbols)
    measured = (
        covering.load_coverage(testbed) if covering.can_measure_coverage(testbed) and len(tests) > len(near) else None
    )
    if measured is None:
        return near
    calling = measured.rank_test_files([covering.SourceSpan(each.path, each.start, each.end) for each in chosen])
    return tuple(dict.fromkeys((*calling, *near)))[:_FILES]


def select_fewer_tests(
    files: Sequence[str],
    near: BaselineRun,
    calls: CoverageMap | None,
    suspects: Sequence[Location],
    workbench: Workbench,
) -> tuple[str, ...]:
    """The tests that call the suspects, or else the first of the files, where all of them take too long to be run for
    every candidate; else none.

    A run of few candidates that are well tested finds less than one of many that are tested by what lies nearest; what
    is left out judges the patch that is delivered.
    """
    limit = workbench.limit_seconds(workbench.test_timeout, share=_CANDIDATE_SHARE, least=_MIN_CANDIDATE_SECONDS)
    if near.report.ending is Ending.COMPLETED and near.report.seconds <= limit:
        return ()
    if calls is not None and (chosen := _select_calling_tests(calls, near, suspects, limit)):
        return chosen
    if len(files) < 2 or near.report.ending not in (Ending.COMPLETED, Ending.TIMED_OUT):
        return ()
    if near.report.ending is Ending.TIMED_OUT:
        return tuple(files[: max(1, len(files) // 4)])
    passed = {identity.partition("::")[0] for identity in near.passing}
    able = [path for path in files if path in passed] or files  # a file whose tests are all skipped judges nothing
    taken = accumulate(_estimate_seconds(path, near, len(files)) for path in able)
    return tuple(able[: max(1, sum(seconds <= limit for seconds in taken))])


def is_named_in(test: str, issue: Issue) -> bool:
    """Whether an issue names a test, or its file."""
    names = (test.partition("::")[0], test.rpartition("::")[2].partition("[")[0])
    return any(len(name) >= _MIN_NAME and name in issue.text for name in names)


def _select_calling_tests(
    calls: CoverageMap, near: BaselineRun, suspects: Sequence[Location], limit: float
) -> tuple[str, ...]:
    """Tests that call the suspects and end in time together, those first that call little else: half of the time for
    those of the first suspect, half of the rest for those of the second, and so on. Those that fail today are what a
    patch is to mend, and may take long for that very reason: their time does not count."""
    took = {outcome.id: outcome.seconds for outcome in near.report.outcomes if outcome.id not in near.outside}
    took |= dict.fromkeys(near.failing, 0.0)
    chosen: dict[str, None] = {}
    left = limit
    for suspect in suspects[:SUSPECTS]:
        allowed = left / 2
        for test in calls.find_tests(covering.SourceSpan(suspect.path, suspect.start, suspect.end)):
            if test not in chosen and len(chosen) < _MAX_SINGLE_TESTS and took.get(test, limit) <= allowed:
                chosen[test] = None
                allowed -= took[test]
                left -= took[test]
    return tuple(chosen)


def _estimate_seconds(path: str, near: BaselineRun, count: int) -> float:
    """What a file's tests took, with its part of what all of them took beside; its part of all where that is not
    known."""
    own = sum(o.seconds for o in near.report.outcomes if o.id.partition("::")[0] == path)
    rest = near.report.seconds - sum(o.seconds for o in near.report.outcomes if "::" in o.id)
    return own + max(rest, 0.0) / count
