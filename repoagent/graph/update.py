"""What a node returns: the fields of the state that are new."""

from __future__ import annotations

from typing import TypedDict

from repoagent.domain import Candidate, CompletedWork, Location, MutationScore, Plan, Regression, Spec, WorkItem
from repoagent.evidence.context import EvaluationContext


class Update(TypedDict, total=False):
    """A part of `State`."""

    evaluation: EvaluationContext | None
    wide: EvaluationContext | None
    whole: EvaluationContext | None
    is_measured: bool
    baseline_notes: tuple[str, ...]
    locations: tuple[Location, ...]
    spec: Spec
    plan: Plan
    is_approved: bool
    work: tuple[WorkItem, ...]
    history: tuple[CompletedWork, ...]
    iteration: int
    candidates: dict[str, Candidate]
    chosen: Candidate | None
    weight: MutationScore
    regression: Regression
    reviewed: tuple[str, ...]
    spent: str
    notes: tuple[str, ...]
