"""What is true of the untouched code: which tests pass, and whether the issue can be shown to be real."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import accumulate

from langgraph.runtime import Runtime

from repoagent.domain import Ending, Location, Oracle, Report, Strength, dump
from repoagent.edits import EditRefused
from repoagent.edits.syntax import Function, defined, lines_of, without_docstring
from repoagent.graph.agenda import is_named, planned_targets, targets
from repoagent.graph.examine import attach_testbed, run_fresh, open_with_edits, make_script_runner
from repoagent.graph.mutating import make_collection_arguments
from repoagent.graph.services import Services
from repoagent.graph.state import State
from repoagent.graph.update import Update
from repoagent.index.build import Index
from repoagent.ranking import Baseline
from repoagent.evidence.screening import single_tests
from repoagent.localise import localise
from repoagent.localise.spectrum import Spectrum
from repoagent.evidence.reproduction.documented import Documented, documented
from repoagent.evidence.reproduction.oracle import Run as RunScript
from repoagent.evidence.reproduction.oracle import reproduce as find_oracle
from repoagent.evidence.reproduction.project import Project, project_of
from repoagent.evidence.reproduction.tracing import executed_lines
from repoagent.evidence.reproduction.written import Suspect, written
from repoagent.testbed import covering
from repoagent.testbed.covering import CoverageMap
from repoagent.testbed.failure import distil
from repoagent.testbed.runner import BaselineRun, Run, Testbed
from repoagent.testbed.selection import relevant_tests

_FILES = 8
"""Test files that judge each candidate."""
_NEAR = 0.2
"""The part of the time left that they may take on the untouched code."""
_FEW = 0.1
"""The same for those that are chosen of them."""
_CALLING = 300
"""Tests that are chosen one by one."""
_EACH = 0.03
"""The part of the time left that the tests of one candidate may take, but for …"""
_LEAST_EACH = 10.0
"""… so many seconds."""
_SHARE = 0.3
"""The part of the time left that all tests may take on the untouched code: with the patch they take as long again."""
_OF_DOCUMENTATION = re.compile(r"\bdoc(?:string|umentation|umented|s\b)|\bexamples?\b", re.IGNORECASE)
_DOCUMENTED = 10
"""Suspects whose documentation is read."""
_SECONDS_DOCUMENTED = 10.0
"""Seconds that all documented examples of a function may take together."""


def baseline(state: State, runtime: Runtime[Services]) -> Update:
    """Run the tests near the suspects on the untouched code, twice where they fail."""
    services = runtime.context
    if state.environment is None:
        return {}
    services.budget.check()
    testbed = attach_testbed(services, state.environment, state.test_command)
    files = () if state.test_command else _near(state, testbed, services)
    near, calls = _noted(testbed, files, services)
    if near.report.ending in _SPOILT and (able := _unspoilt(testbed, files, services)):
        files = able
        near, calls = _noted(testbed, files, services)
    if is_held_up(near) and (known := _singly(testbed, files, services)):
        return _never_ending(files, known)
    wide: Update = {}
    fewer = _fewer(files, near, calls, state.locations, services)
    few = _ran(testbed, fewer, services) if fewer else near
    if fewer and (few.passing or not near.passing):
        every = _related(_evidence(near, services), calls, state, services)
        wide = {"wide_files": files, "before_wide": every} if near.passing else {}
        files, near = fewer, few
    if near.report.ending is Ending.TIMED_OUT and (known := _singly(testbed, files, services)):
        return _never_ending(files, known)
    found = _evidence(near, services)
    before = _related(found, calls, state, services)
    notes = (*_notes(near), *_apart(found.failing - before.failing))
    update: Update = {"test_files": files, "before": before, "notes": notes, **wide}
    return {**update, "before_all": before} if files and set(files) == set(testbed.codebase.test_files) else update


def _related(before: Baseline, calls: CoverageMap | None, state: State, services: Services) -> Baseline:
    """The evidence without tests that fail for other reasons: those that the issue does not name, and that call no
    function of the plan, where it is known what they call. A patch that happens to mend one is no better for it."""
    if calls is None or not before.failing:
        return before
    places = [covering.Place(each.path, each.start, each.end) for each in planned_targets(state, services.index())]
    touching = {test for place in places for test in calls.covering(place)}
    known = {test for test, called in calls.tests if called}
    apart = {t for t in before.failing if t in known and t not in touching and not is_named(t, state.issue)}
    failing = before.failing - apart
    return replace(before, failing=failing, flaky=before.flaky | apart, failure_text=before.failure_text if failing else "")


def _apart(tests: Collection[str]) -> tuple[str, ...]:
    if not tests:
        return ()
    if len(tests) == 1:
        return (f"{min(tests)} fails on the untouched code, but calls nothing suspected: it counts for nothing.",)
    return (f"{len(tests)} tests fail on the untouched code, but call nothing suspected: they count for nothing.",)


def is_held_up(near: BaselineRun) -> bool:
    """Whether single tests held a run up, not their number: one was ended after its part of the time, or none passed
    before the time was over."""
    report = near.report
    long = min(report.seconds / 4, _LONG)
    ended = any(outcome.seconds > long for outcome in report.outcomes if outcome.id in report.failed)
    return report.ending is Ending.TIMED_OUT and (ended or (bool(report.failed) and not report.passed))


_LONG = 100.0
"""Seconds that no test takes which is not held up: a little less than the longest that the test bed grants one."""


def _never_ending(files: Sequence[str], known: Baseline) -> Update:
    return {"test_files": tuple(files), "before": known, "notes": ("A test never ends on the untouched code.",)}


def _near(state: State, testbed: Testbed, services: Services) -> tuple[str, ...]:
    """The test files that are most likely to notice a change of the suspects: those known to call them first."""
    suspects = state.locations[:_SUSPECTS]
    symbols = [location.symbol for location in suspects if location.symbol]
    paths, tests = [each.path for each in suspects], testbed.codebase.test_files
    near = relevant_tests(services.index(), paths, tests, _FILES, symbols)
    measured = covering.known(testbed) if covering.possible(testbed) and len(tests) > len(near) else None
    if measured is None:
        return near
    calling = measured.files_covering([covering.Place(each.path, each.start, each.end) for each in suspects])
    return tuple(dict.fromkeys((*calling, *near)))[:_FILES]


_SUSPECTS = 6
"""Suspects whose tests are looked for."""
_SPOILT = (Ending.CRASHED, Ending.NOT_COLLECTED)
"""How a run ends that says nothing of any test."""


def _unspoilt(testbed: Testbed, files: Sequence[str], services: Services) -> tuple[str, ...]:
    """Those of the files that can be run together: one that needs what is not there may end a runner before its first
    test. None of a single one."""
    half = (len(files) + 1) // 2
    kept: list[str] = []
    for part in (files[:half], files[half:]) if len(files) > 1 else ():
        spoilt = _ran(testbed, part, services).report.ending in _SPOILT
        kept += _unspoilt(testbed, part, services) if spoilt else part
    return tuple(kept)


def _noted(testbed: Testbed, files: Sequence[str], services: Services) -> tuple[BaselineRun, CoverageMap | None]:
    """How the tests near the suspects end, and what each of them calls, where that can be noted."""
    found: list[CoverageMap] = []

    def run(tests: Sequence[str], timeout: float) -> Report:
        report, calls = covering.noted(testbed, tests, timeout)
        found.append(calls)
        return report

    near = _ran(testbed, files, services, _NEAR, run if covering.possible(testbed) else None)
    return near, found[0] if found else None


def _ran(
    testbed: Testbed, files: Sequence[str], services: Services, share: float = _FEW, run: Run | None = None
) -> BaselineRun:
    found = testbed.baseline(files, services.within(services.options.test_timeout, share=share), run)
    passing, failing, ending = len(found.passing), len(found.failing), found.report.ending
    services.trace.emit("baseline.done", files=list(files), passing=passing, failing=failing, ending=ending)
    return found


def _fewer(
    files: Sequence[str],
    near: BaselineRun,
    calls: CoverageMap | None,
    suspects: Sequence[Location],
    services: Services,
) -> tuple[str, ...]:
    """The tests that call the suspects, or else the first of the files, where all of them take too long to be run for
    every candidate; else none.

    A run of few candidates that are well tested finds less than one of many that are tested by what lies nearest; what
    is left out judges the patch that is delivered.
    """
    limit = services.within(services.options.test_timeout, share=_EACH, least=_LEAST_EACH)
    if near.report.ending is Ending.COMPLETED and near.report.seconds <= limit:
        return ()
    if calls is not None and (chosen := _calling(calls, near, suspects, limit)):
        return chosen
    if len(files) < 2 or near.report.ending not in (Ending.COMPLETED, Ending.TIMED_OUT):
        return ()
    if near.report.ending is Ending.TIMED_OUT:
        return tuple(files[: max(1, len(files) // 4)])
    passed = {identity.partition("::")[0] for identity in near.passing}
    able = [path for path in files if path in passed] or files  # a file whose tests are all skipped judges nothing
    taken = accumulate(_seconds_of(path, near, len(files)) for path in able)
    return tuple(able[: max(1, sum(seconds <= limit for seconds in taken))])


def _calling(calls: CoverageMap, near: BaselineRun, suspects: Sequence[Location], limit: float) -> tuple[str, ...]:
    """Tests that call the suspects and end in time together, those first that call little else: half of the time for
    those of the first suspect, half of the rest for those of the second, and so on. Those that fail today are what a
    patch is to mend, and may take long for that very reason: their time does not count."""
    took = {outcome.id: outcome.seconds for outcome in near.report.outcomes if outcome.id not in near.outside}
    took |= dict.fromkeys(near.failing, 0.0)
    chosen: dict[str, None] = {}
    left = limit
    for suspect in suspects[:_SUSPECTS]:
        allowed = left / 2
        for test in calls.covering(covering.Place(suspect.path, suspect.start, suspect.end)):
            if test not in chosen and len(chosen) < _CALLING and took.get(test, limit) <= allowed:
                chosen[test] = None
                allowed -= took[test]
                left -= took[test]
    return tuple(chosen)


def _seconds_of(path: str, near: BaselineRun, count: int) -> float:
    """What a file's tests took, with its part of what all of them took beside; its part of all where that is not
    known."""
    own = sum(o.seconds for o in near.report.outcomes if o.id.partition("::")[0] == path)
    rest = near.report.seconds - sum(o.seconds for o in near.report.outcomes if "::" in o.id)
    return own + max(rest, 0.0) / count


def whole_suite(state: State, services: Services) -> Baseline | None:
    """What all tests say of the untouched code, to judge the final patch by them; None where, as far as those near the
    suspects tell, they would take more than the run has left for them."""
    if state.before_all or state.environment is None or not state.test_files:
        return state.before_all
    testbed = attach_testbed(services, state.environment, state.test_command)
    judged, before = (state.wide_files, state.before_wide) if state.before_wide else (state.test_files, state.before)
    near, every = (_bytes_of(files, services) for files in (judged, testbed.codebase.test_files))
    expected = before.seconds * every / max(near, 1)
    if expected > services.within(services.options.test_timeout, share=_SHARE):
        return None
    whole = testbed.baseline((), services.within(services.options.test_timeout, share=_SHARE))
    services.trace.emit("baseline.done", files=["all"], passing=len(whole.passing), failing=len(whole.failing))
    if whole.report.ending is not Ending.COMPLETED:
        return None
    found = _evidence(whole, services)
    return replace(found, failing=found.failing - state.before.flaky, flaky=found.flaky | state.before.flaky)


def _bytes_of(files: Sequence[str], services: Services) -> int:
    """How large test files are together: what they take is nearer to that than to their number."""
    paths = [services.workspace.root / path for path in files]
    return sum(path.stat().st_size for path in paths if path.is_file() and not path.is_symlink())


def reproduce(state: State, runtime: Runtime[Services]) -> Update:
    """Turn the issue's own example into a check that fails today."""
    services = runtime.context
    if state.environment is None:
        return {}
    run = make_script_runner(services, state.environment)
    brief = make_script_runner(services, state.environment, _SECONDS_DOCUMENTED)
    oracle = find_oracle(state.issue, run, project_of(services.index()))
    if oracle.strength in (Strength.WEAK, Strength.NONE):
        oracle = min(
            oracle, documented(_documented(state, services), brief), key=lambda o: o.strength is not Strength.STRONG
        )
    held = _held(state, services, brief) if oracle.strength is Strength.NONE else {}
    if oracle.strength is Strength.NONE:
        oracle = _written(state, services, run)
    services.session.write("oracle.json", dump(oracle))
    services.trace.emit("reproduced", strength=oracle.strength, source=oracle.source, observed=oracle.observed[-200:])
    return {"oracle": oracle, **held, **_narrowed(state, services, oracle)}


def _written(state: State, services: Services, run: RunScript) -> Oracle:
    """What a model that can writes from the issue."""
    index, project = services.index(), project_of(services.index())
    chosen = targets(state.locations, index)[: services.model.profile.functions]
    suspects = [_suspect(location, services, project) for location in chosen]
    return written(state.issue, suspects, run, services.model, services.options.seed, project.packages)


def _suspect(location: Location, services: Services, project: Project) -> Suspect:
    lines = lines_of(services.index().source(location.path))[location.start - 1 : location.end]
    outer, _, name = location.symbol.rpartition(".")
    module = services.index().module_name(location.path)
    importing = f"from {module} import {(outer or name).partition('.')[0]}" if module else ""
    return Suspect(location.path, name, "".join(lines).rstrip(), importing)


def _held(state: State, services: Services, run: RunScript) -> Update:
    """Where nothing shows the problem: the documented examples that hold today, which must hold afterwards."""
    found = documented(_documented(state, services), run, today="passed")
    return {"before": replace(state.before, passing_examples=found)} if found.strength is not Strength.NONE else {}


def _documented(state: State, services: Services) -> list[Documented]:
    """The functions that the issue names, where it speaks of documentation: elsewhere an example may be out of date."""
    if not _OF_DOCUMENTATION.search(state.issue.text):
        return []
    index = services.index()
    suspects = targets(state.locations, index)[:_DOCUMENTED]
    named = [location for location in suspects if location.symbol.rpartition(".")[2] in state.issue.text]
    return [function for location in named if (function := describe_function(index, location))]


def describe_function(index: Index, location: Location) -> Documented | None:
    """A function with its documentation; None where it has none, cannot be imported, or is none."""
    module, source = index.module_name(location.path), index.source(location.path)
    try:
        _, text = without_docstring(source, location.symbol, location.start)
        function = defined(source, location.symbol, location.start).node
    except EditRefused:
        return None
    if not isinstance(function, Function):
        return None
    parameters = tuple(argument.arg for argument in function.args.args)
    return Documented(module, location.symbol, parameters, text) if text and module else None


def _narrowed(state: State, services: Services, oracle: Oracle) -> Update:
    """The suspects by what the failing example executes; what it does not reach comes last."""
    if oracle.strength is Strength.NONE or state.environment is None:
        return {}
    lines = run_fresh(
        services, state.environment, (), lambda box: executed_lines(box, oracle.script, oracle.seconds)
    )
    index = services.index()
    spectrum = Spectrum((known,)) if (known := {path: lines[path] for path in lines if path in index.files}) else None
    if spectrum is None:
        return {}
    locations = localise(state.issue, index, len(state.locations), spectrum=spectrum)
    services.trace.emit("narrowed", files=len(known), functions=[str(location) for location in locations[:5]])
    return {"locations": locations, "executed": {path: tuple(sorted(found)) for path, found in known.items()}}


def _singly(testbed: Testbed, files: Sequence[str], services: Services) -> Baseline | None:
    """What the tests say one by one, where one of them holds up all others; None where that cannot be found out."""
    arguments = make_collection_arguments(testbed, files)
    seconds = services.within(services.options.test_timeout, share=_NEAR)
    if not arguments:
        return None
    passing, failing, took = single_tests(arguments, lambda: open_with_edits(services, testbed.environment, ()), seconds)
    services.trace.emit("baseline.done", files=list(files), passing=len(passing), failing=len(failing), singly=True)
    return Baseline(passing, failing, frozenset(), took) if passing or failing else None


def _evidence(found: BaselineRun, services: Services) -> Baseline:
    shown = distil(found.report, found.failing, services.workspace.root) if found.failing else ""
    return Baseline(found.passing, found.failing, found.flaky, found.report.seconds, shown)


def _notes(found: BaselineRun) -> tuple[str, ...]:
    notes = []
    if found.report.ending is not Ending.COMPLETED:
        notes.append(f"The project's tests are no judge here: run on the untouched code, they {found.report.ending}.")
    if found.outside:
        notes.append(f"{len(found.outside)} tests fail for want of a network or a package, and count for nothing.")
    if found.flaky:
        notes.append(f"{len(found.flaky)} tests end differently from run to run and count for nothing.")
    return tuple(notes)
