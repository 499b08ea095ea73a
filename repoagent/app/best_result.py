"""Report the best result of a run, also of one that was stopped before it wrote its report."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from repoagent.app.prior_usage import PriorUsage
from repoagent.domain import Candidate, Oracle, Result, Spec, Strength, load
from repoagent.session import Session
from repoagent.trace import read_events


def find_best_result(session: Session) -> Result | None:
    """Return the report of a finished run, else one made from the stored candidates; None where there are none.

    The patch of a stopped run is never called verified, because its final check from scratch was not made.
    """
    from repoagent.ranking import find_best

    if session.has_artefact("report.json"):
        return load(Result, session.read("report.json"))
    chosen = find_best(list(_read_candidates(session)), _read_oracle(session).strength)
    return _make_result(session, chosen) if chosen else None


def _make_result(session: Session, chosen: Candidate) -> Result:
    spent = PriorUsage.from_events(read_events(session.path / "events.jsonl"))
    verdict = chosen.verdict
    passed = verdict.passed if verdict else 0
    claims = (f"{passed} tests pass and none that passed before is broken.",) if verdict and verdict.harmless else ()
    return Result(
        session=session.id,
        outcome="unverified",
        confidence=None,
        summary=f"The best candidate so far changes {chosen.patch.changed_lines} lines of {chosen.target.path}.",
        verified=claims if passed else (),
        unverified=("The run was stopped before its patch was checked a last time, from scratch.",),
        patch=chosen.patch.text,
        usage=spent.usage,
        seconds=round(spent.seconds, 1),
        model=session.record.model,
        sandbox="",
        candidates=len(tuple(_read_candidates(session))),
        distinct=len(tuple(_read_candidates(session))),
        chosen=chosen.id,
        passed=passed if verdict and verdict.harmless else 0,
        broken=len(verdict.broken) if verdict else 0,
        spec=Spec((), ()),
    )


def _read_candidates(session: Session) -> Iterator[Candidate]:
    for path in sorted((session.path / "candidates").glob("*.json")):
        try:
            yield load(Candidate, path.read_bytes())
        except (ValidationError, OSError):
            continue  # one that was being written when the run was stopped


def _read_oracle(session: Session) -> Oracle:
    return load(Oracle, session.read("oracle.json")) if session.has_artefact("oracle.json") else Oracle(Strength.NONE)
