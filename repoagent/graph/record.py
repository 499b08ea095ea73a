"""Keep candidates where a person finds them, and tell who listens."""

from __future__ import annotations

from dataclasses import replace

from repoagent.domain import Candidate, Report, Status, dump
from repoagent.graph.services import Services


def record_candidate(candidate: Candidate, services: Services, report: Report | None = None) -> None:
    """Write a candidate, its patch and what its tests said into the session."""
    services.session.write(f"candidates/{candidate.id}.json", dump(candidate))
    services.session.write(f"candidates/{candidate.id}.diff", candidate.patch.text)
    if report:
        services.session.write(f"candidates/{candidate.id}.tests.json", dump(_drop_passed_tests(report)))
    if verdict := candidate.verdict:
        services.trace.emit(
            "candidate.judged",
            id=candidate.id,
            generator=candidate.generator,
            target=str(candidate.target),
            gate=list(verdict.gate),
            oracle=verdict.oracle,
            passed=verdict.passed,
            fixed=len(verdict.fixed),
            broken=len(verdict.broken),
            ending=verdict.ending,
        )


def _drop_passed_tests(report: Report) -> Report:
    """The report without the tests that passed, of which there may be thousands for each candidate."""
    return replace(report, outcomes=tuple(o for o in report.outcomes if o.status is not Status.PASSED))
