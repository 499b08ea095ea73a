"""Validate an instance: with the reference patch its tests must pass here, and without it they must not."""

from __future__ import annotations

from dataclasses import replace

from repoagent.bench.evaluation.observe import PreparedInstance
from repoagent.bench.task import Evaluation, InstanceValidation
from repoagent.domain import Ending, Report, Status

MAX_BROKEN_SHARE = 0.1
"""Share of PASS_TO_PASS that may fail here with the reference patch too; with more, the environment is wrong."""


def validate_instance(bench: PreparedInstance) -> InstanceValidation:
    """Run the tests on the untouched code and with the reference patch, and with the patch once more to confirm.

    On the untouched code the run may end in any way: the bug may be a hang, and new tests may not even be built.
    """
    before, after = bench.run_tests(""), bench.run_tests(bench.instance.patch)
    if before.report is None or after.report is None:
        return InstanceValidation(False, "the reference patch does not apply: " + after.complaint[-500:])
    if after.report.ending is not Ending.COMPLETED:
        return InstanceValidation(
            False, f"the tests with the reference patch: {after.report.ending}\n{after.report.log[-500:]}"
        )
    bench = _fill_in_tests(bench, before.report, after.report)
    first = bench.evaluate_run(after)
    if reason := _find_contradiction(first, bench.evaluate_run(before)):
        return InstanceValidation(False, reason, gold=first, empty=bench.evaluate_run(before))
    excluded = first.broken
    return InstanceValidation(
        runnable=True,
        excluded=excluded,
        gold=bench.evaluate_patch(bench.instance.patch, excluded),
        empty=bench.evaluate_run(before, excluded),
        fail_to_pass=bench.instance.fail_to_pass,
        pass_to_pass=bench.instance.pass_to_pass,
    )


def _find_contradiction(gold: Evaluation, empty: Evaluation) -> str:
    named = len(gold.kept) + len(gold.broken)
    if gold.unfixed:
        return f"with the reference patch these still fail: {', '.join(gold.unfixed[:3])}"
    if not gold.fixed:
        return "no test fails without the reference patch and passes with it"
    if empty.is_resolved:
        return "the tests of the fix pass without it"
    if len(gold.broken) > MAX_BROKEN_SHARE * max(named, 1):
        return (
            f"{len(gold.broken)} of {named} tests fail with the reference patch: the environment is not the right one"
        )
    return ""


def _fill_in_tests(bench: PreparedInstance, before: Report, after: Report) -> PreparedInstance:
    """Fill in the tests of an instance that does not name them: those that turned to passing, and those that stayed."""
    if bench.instance.fail_to_pass or not after.passed:
        return bench
    was = bench.index_outcomes(before)
    stayed = {name for name in after.passed if was.find_status(name) is Status.PASSED}
    turned = tuple(sorted(after.passed - stayed))
    named = replace(bench.instance, fail_to_pass=turned, pass_to_pass=tuple(sorted(stayed)))
    return replace(bench, instance=named) if turned else bench
