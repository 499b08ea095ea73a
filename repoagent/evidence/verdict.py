"""Read what the runs said about a candidate against what they said about the untouched code."""

from __future__ import annotations

from dataclasses import dataclass

from repoagent.domain import Answer, Ending, Oracle, Report, Strength, Verdict


@dataclass(frozen=True)
class Baseline:
    """What is known of the untouched code."""

    passing: frozenset[str] = frozenset()
    failing: frozenset[str] = frozenset()
    flaky: frozenset[str] = frozenset()
    """Tests that did not end the same way twice; they count for nothing."""
    seconds: float = 0.0
    """How long they took together."""
    failure_text: str = ""
    """How the failing tests fail, distilled for a model."""
    passing_examples: Oracle = Oracle(Strength.NONE)  # noqa: RUF009 - frozen
    """Documented examples that the untouched code holds to."""


def read_verdict(oracle: Answer, report: Report | None, before: Baseline, failure: str) -> Verdict:
    """The verdict; `report` is None where no test was run, because there is none or the oracle had failed already."""
    if report is None:
        return Verdict(oracle=oracle, failure=failure)
    if report.ending is not Ending.COMPLETED:
        return Verdict(oracle=oracle, ending=report.ending, failure=failure)
    counted = report.passed - before.flaky
    return Verdict(
        oracle=oracle,
        fixed=tuple(sorted(before.failing & counted)),
        broken=tuple(sorted(before.passing - before.flaky - report.passed)),
        passed=len(counted),
        failure=failure,
    )
