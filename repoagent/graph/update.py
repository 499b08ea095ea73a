"""What a node returns: the fields of the state that are new."""

from __future__ import annotations

from typing import TypedDict

from repoagent.domain import Candidate, Location, Oracle, Plan, Regression, Spec, Weight
from repoagent.graph.state import Assignment
from repoagent.ranking import Baseline
from repoagent.sandbox.base import Environment


class Update(TypedDict, total=False):
    """A part of `State`."""

    environment: Environment
    test_files: tuple[str, ...]
    before: Baseline
    wide_files: tuple[str, ...]
    before_wide: Baseline
    before_all: Baseline
    test_command: str
    locations: tuple[Location, ...]
    executed: dict[str, tuple[int, ...]]
    spec: Spec
    plan: Plan
    oracle: Oracle
    assignments: tuple[Assignment, ...]
    worked: tuple[str, ...]
    round: int
    candidates: dict[str, Candidate]
    chosen: Candidate | None
    weight: Weight
    regression: Regression
    reviewed: tuple[str, ...]
    spent: str
    notes: tuple[str, ...]
