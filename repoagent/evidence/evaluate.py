"""Test one candidate, in a sandbox as good as new: the reproduction first, then the tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from repoagent.domain import Answer, Edit, Ending, Oracle, Report, Strength, Verdict
from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.reproduction.oracle import judge
from repoagent.evidence.reproduction.script import MARK, run_script
from repoagent.evidence.verdict import Baseline, read_verdict
from repoagent.evidence.workbench import Workbench
from repoagent.sandbox.base import CommandResult, Sandbox
from repoagent.testbed.failure import summarise_failure
from repoagent.testbed.runner import Testbed

QUICK_SECONDS = 10.0
"""Seconds of tests that are run even where the reproduction fails already, to know what a fallback would break."""
_GRACE = 60.0
"""Seconds that a run may go beyond its time, to test what it delivers."""
_MIN_DEADLINE = 20.0


def evaluate(
    edits: Sequence[Edit],
    context: EvaluationContext,
    workbench: Workbench,
    *,
    quick: float = QUICK_SECONDS,
    least: float = 5.0,
) -> tuple[Verdict, Report | None]:
    """The verdict on `edits`, and the run of the tests if there was one.

    `quick` are the seconds of tests that are run even where the reproduction fails already, `least` those that the
    tests are granted however little time is left. Raises SandboxFailed where a second sandbox dies as well.
    """
    timeout = workbench.limit_seconds(workbench.test_timeout, least=least)
    evaluator = CandidateEvaluator(context, workbench.attach_testbed(context), timeout, quick)
    return workbench.run_fresh(context.environment, edits, evaluator)


def estimate_seconds(baseline: Baseline) -> float:
    """Seconds in which a patch that hangs nowhere is tested, by how long the untouched code took."""
    return min(5.0 + 2 * baseline.seconds, _GRACE)


@dataclass(frozen=True)
class CandidateEvaluator:
    """Judges what lies in a sandbox."""

    context: EvaluationContext
    testbed: Testbed
    timeout: float
    """Seconds that one run of the tests may take at most."""
    quick: float = QUICK_SECONDS
    """Seconds of tests that are run even where the reproduction fails already."""

    def __call__(self, sandbox: Sandbox) -> tuple[Verdict, Report | None]:
        """The verdict, and the run of the tests if there was one."""
        verdict, report = self._evaluate(sandbox)
        return self._check_examples(verdict, sandbox), report

    def _check_examples(self, verdict: Verdict, sandbox: Sandbox) -> Verdict:
        """The verdict, with documented examples that held before and do not any more among what is broken."""
        held = self.context.baseline.passing_examples
        if held.strength is Strength.NONE or judge(held, run_script(sandbox, held.script, held.seconds)) == "passed":
            return verdict
        return replace(verdict, broken=(*verdict.broken, held.source))

    def _evaluate(self, sandbox: Sandbox) -> tuple[Verdict, Report | None]:
        baseline = self.context.baseline
        answer, observed = self._run_oracle(sandbox)
        is_weak = self.context.oracle.strength is Strength.WEAK
        if answer == "failed" and not is_weak and baseline.seconds > self.quick:
            return read_verdict(answer, None, baseline, observed), None
        if not baseline.passing and not baseline.failing:
            return read_verdict(answer, None, baseline, observed), None
        report = self.testbed.run(sandbox, self.context.tests, self._deadline)
        return read_verdict(answer, report, baseline, observed or self._describe_failure(report)), report

    def _run_oracle(self, sandbox: Sandbox) -> tuple[Answer, str]:
        """What the reproduction says, and what it printed where it does not pass."""
        oracle = self.context.oracle
        if oracle.strength is Strength.NONE:
            return "unknown", ""
        finished = run_script(sandbox, oracle.script, oracle.seconds)
        answer = judge(oracle, finished)
        return answer, "" if answer == "passed" else _describe_output(oracle, finished)

    @property
    def _deadline(self) -> float:
        """A candidate that takes much longer than the untouched code hangs, or as good as."""
        return min(self.timeout, max(_MIN_DEADLINE, 5 * self.context.baseline.seconds))

    def _describe_failure(self, report: Report) -> str:
        if report.ending is not Ending.COMPLETED:
            return f"the tests {report.ending}\n{report.log[-600:]}"
        return summarise_failure(report, report.failed & self.context.baseline.passing, self.testbed.root)


def _describe_output(oracle: Oracle, finished: CommandResult) -> str:
    expected = f"\nexpected instead:\n{_strip_marks(oracle.expected)[:300]}" if oracle.expected else ""
    ending = "did not end in time; " if finished.timed_out else ""
    return f"the example of the issue {ending}prints:\n{_strip_marks(finished.output)[-500:]}{expected}"


def _strip_marks(output: str) -> str:
    """What a script printed, without our announcements, which say nothing to a model."""
    return "\n".join(line for line in output.splitlines() if line and not line.startswith(MARK))
