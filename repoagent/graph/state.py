"""What the graph knows: plain data only, written to the checkpoint after every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Annotated, Any, ClassVar, TypeVar

from repoagent import domain
from repoagent.domain import (
    Candidate,
    CompletedWork,
    Issue,
    Location,
    MutationScore,
    Oracle,
    Plan,
    Regression,
    Spec,
    Strength,
    WorkItem,
)
from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.verdict import Baseline
from repoagent.ranking import merge_candidates
from repoagent.sandbox.base import Environment

T = TypeVar("T")


def _keep_first(known: str, fresh: str) -> str:
    return known or fresh


def _merge(known: Mapping[str, Candidate], fresh: Mapping[str, Candidate]) -> dict[str, Candidate]:
    """All candidates; what a checkpoint gave back is hashable again first."""
    return merge_candidates(restore_tuples(known), restore_tuples(fresh))


def _append_new(known: Sequence[str], fresh: Sequence[str]) -> tuple[str, ...]:
    return (*known, *(note for note in fresh if note not in known))


@dataclass
class State:
    """The state of one run. Everything is frozen or replaced as a whole."""

    issue: Issue
    evaluation: EvaluationContext | None = None
    """What candidates are judged by; None until there is an environment, and where none can be built."""
    wide: EvaluationContext | None = None
    """More tests near the suspects, which judge the patch that is delivered; None where `evaluation` has them all."""
    whole: EvaluationContext | None = None
    """All tests of the project; None where they were not run, or take too long."""
    is_measured: bool = False
    """Whether the baseline is that of the plan and the test command that count."""
    baseline_notes: tuple[str, ...] = ()
    """What the user has to know of it, one sentence each."""
    locations: tuple[Location, ...] = ()
    spec: Spec = field(default_factory=lambda: Spec((), ()))
    plan: Plan = field(default_factory=lambda: Plan(()))
    is_approved: bool = False
    """Whether spec and plan are the user's by now, who may have edited them."""
    work: tuple[WorkItem, ...] = ()
    """What to draft next."""
    history: tuple[CompletedWork, ...] = ()
    """What was drafted."""
    iteration: int = 0
    """Rounds of drafting and testing."""
    candidates: Annotated[dict[str, Candidate], _merge] = field(default_factory=dict)
    """By id."""
    chosen: Candidate | None = None
    weight: MutationScore = field(default_factory=MutationScore)
    regression: Regression = field(default_factory=Regression)
    reviewed: tuple[str, ...] = ()
    """Candidates that had their last run."""
    spent: Annotated[str, _keep_first] = ""
    """Which budget ran out, empty while none has."""
    notes: Annotated[tuple[str, ...], _append_new] = ()
    """What else the user has to know, one sentence each."""

    @property
    def oracle(self) -> Oracle:
        """What reproduces the issue."""
        return self.evaluation.oracle if self.evaluation else _NO_ORACLE

    @property
    def strength(self) -> Strength:
        return self.oracle.strength

    @property
    def has_oracle(self) -> bool:
        """Whether any run could show that a candidate is right."""
        return self.evaluation is not None and self.evaluation.has_oracle


_NO_ORACLE = Oracle(Strength.NONE)


@dataclass(frozen=True)
class DraftOrder:
    """What one `draft` step is sent: no more of the state than it needs, for it is written down with each step."""

    issue: Issue
    spec: Spec
    observed_failure: str
    item: WorkItem
    iteration: int
    evaluation: EvaluationContext | None = None
    """For a generator whose candidates only runs can choose among."""
    suspects: tuple[Location, ...] = ()
    """For what the issue proposes: where it may belong."""


@dataclass(frozen=True)
class TestOrder:
    """What one `validate` step is sent."""

    __test__: ClassVar[bool] = False  # not a test, whatever pytest thinks of its name

    candidate: Candidate
    evaluation: EvaluationContext
    is_proven: bool = False
    """Whether another candidate is verified already, so that nobody asks what one breaks that mends nothing."""


STORED_CLASSES = tuple(
    (kind.__module__, kind.__name__)
    for kind in (
        *(value for value in vars(domain).values() if isinstance(value, type) and value.__module__ == domain.__name__),
        *(DraftOrder, Environment, Baseline, EvaluationContext, State, TestOrder),
    )
)
"""The classes that a checkpoint may hold; nothing else is ever made from its bytes."""


def restore_tuples(value: T) -> T:
    """`value` with its tuples, which a checkpoint gives back as lists: unhashable, and equal to no tuple."""
    return _restore(value)  # type: ignore[no-any-return]  # of the same class as it came


def _restore(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(map(_restore, value))
    if isinstance(value, dict):
        return {name: _restore(item) for name, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _restore(getattr(value, each.name)) for each in fields(value)})
    return value
