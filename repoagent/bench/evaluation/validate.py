"""Validate an instance: with the reference patch its tests must pass here, and without it they must not."""

from __future__ import annotations

from dataclasses import replace

from repoagent.bench.evaluation.observe import Bench
from repoagent.bench.task import Judged, Validated
from repoagent.domain import Ending, Report, Status

TOLERATED = 0.1
"""Share of PASS_TO_PASS that may fail here with the reference patch too; with more, the environment is wrong."""


def validate(bench: Bench) -> Validated:
    """Run the tests on the untouched code and with the reference patch, and with the patch once more to confirm.

    On the untouched code the run may end in any way: the bug may be a hang, and new tests may not even be built.
    """
    before, after = bench.observe(""), bench.observe(bench.instance.patch)
    if before.report is None or after.report is None:
        return Validated(False, "the reference patch does not apply: " + after.complaint[-500:])
    if after.report.ending is not Ending.COMPLETED:
        return Validated(False, f"the tests with the reference patch: {after.report.ending}\n{after.report.log[-500:]}")
    bench = _informed(bench, before.report, after.report)
    first = bench.judged(after)
    if reason := _contradiction(first, bench.judged(before)):
        return Validated(False, reason, gold=first, empty=bench.judged(before))
    excluded = first.broken
    return Validated(
        runnable=True,
        excluded=excluded,
        gold=bench.judge(bench.instance.patch, excluded),
        empty=bench.judged(before, excluded),
        fail_to_pass=bench.instance.fail_to_pass,
        pass_to_pass=bench.instance.pass_to_pass,
    )


def _contradiction(gold: Judged, empty: Judged) -> str:
    named = len(gold.kept) + len(gold.broken)
    if gold.unfixed:
        return f"with the reference patch these still fail: {', '.join(gold.unfixed[:3])}"
    if not gold.fixed:
        return "no test fails without the reference patch and passes with it"
    if empty.resolved:
        return "the tests of the fix pass without it"
    if len(gold.broken) > TOLERATED * max(named, 1):
        return (
            f"{len(gold.broken)} of {named} tests fail with the reference patch: the environment is not the right one"
        )
    return ""


def _informed(bench: Bench, before: Report, after: Report) -> Bench:
    """Fill in the tests of an instance that does not name them: those that turned to passing, and those that stayed."""
    if bench.instance.fail_to_pass or not after.passed:
        return bench
    was = bench.reported(before)
    stayed = {name for name in after.passed if was.status(name) is Status.PASSED}
    turned = tuple(sorted(after.passed - stayed))
    named = replace(bench.instance, fail_to_pass=turned, pass_to_pass=tuple(sorted(stayed)))
    return replace(bench, instance=named) if turned else bench
