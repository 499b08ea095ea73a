"""What the graph knows: plain data only, written to the checkpoint after every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Annotated, Any, ClassVar, TypeVar

from repoagent import domain
from repoagent.domain import Candidate, Issue, Location, Oracle, Patch, Plan, Regression, Spec, Strength, Weight
from repoagent.ranking import Baseline, merge_candidates
from repoagent.sandbox.base import Environment

T = TypeVar("T")


def _either(known: str, fresh: str) -> str:
    return known or fresh


def _joined(known: Sequence[str], fresh: Sequence[str]) -> tuple[str, ...]:
    return (*known, *(note for note in fresh if note not in known))


@dataclass(frozen=True)
class Assignment:
    """One piece of drafting: which generator works on which function, and how much it may try."""

    generator: str
    target: Location
    samples: int
    turn: int = 0
    """How often the same was tried before."""
    attempt: str = ""
    """For a retry: the function as it was tried."""
    failure: str = ""
    parent: str = ""
    bases: tuple[Patch, ...] = ()
    """For a mutation, the candidate that is mutated instead of the untouched code; for a combination, both parts."""
    others: tuple[Location, ...] = ()
    """Further places that the generator may change together with the target."""


@dataclass
class State:
    """The state of one run. Everything is frozen or replaced as a whole."""

    issue: Issue
    environment: Environment | None = None
    """None until it is built, and where it cannot be."""
    test_files: tuple[str, ...] = ()
    """The tests that judge candidates; empty means all."""
    before: Baseline = field(default_factory=Baseline)
    """What the tests say of the untouched code."""
    wide_files: tuple[str, ...] = ()
    """More tests near the suspects, which judge the patch that is delivered."""
    before_wide: Baseline | None = None
    """What they say of the untouched code; None where `test_files` are all."""
    before_all: Baseline | None = None
    """The same for all tests of the project; None where they take too long."""
    test_command: str = ""
    """The shell command that runs the tests, the user's or the repository's own; empty for pytest."""
    locations: tuple[Location, ...] = ()
    executed: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """The lines of functions that the reproduction executes, by path; empty where that is not known."""
    spec: Spec = field(default_factory=lambda: Spec((), ()))
    plan: Plan = field(default_factory=lambda: Plan(()))
    oracle: Oracle = field(default_factory=lambda: Oracle(Strength.NONE))
    assignments: tuple[Assignment, ...] = ()
    """What to draft next."""
    worked: tuple[str, ...] = ()
    """Functions that were drafted for."""
    round: int = 0
    candidates: Annotated[dict[str, Candidate], merge_candidates] = field(default_factory=dict)
    """By id."""
    chosen: Candidate | None = None
    weight: Weight = field(default_factory=Weight)
    regression: Regression = field(default_factory=Regression)
    reviewed: tuple[str, ...] = ()
    """Candidates that had their last run."""
    spent: Annotated[str, _either] = ""
    """Which budget ran out, empty while none has."""
    notes: Annotated[tuple[str, ...], _joined] = ()
    """What the user has to know, one sentence each."""

    @property
    def strength(self) -> Strength:
        return self.oracle.strength


@dataclass(frozen=True)
class Ground:
    """What candidates are judged by."""

    environment: Environment
    oracle: Oracle
    before: Baseline
    tests: tuple[str, ...]
    """Test files; empty means all."""
    test_command: str


def ground_of(state: State) -> Ground | None:
    """What the candidates of a run are judged by; None where nothing can be run."""
    if state.environment is None:
        return None
    return Ground(state.environment, state.oracle, state.before, state.test_files, state.test_command)


@dataclass(frozen=True)
class DraftOrder:
    """What one `draft` step is sent: no more of the state than it needs, for it is written down with each step."""

    issue: Issue
    spec: Spec
    evidence: str
    assignment: Assignment
    round: int
    ground: Ground | None = None
    """For a mutation, whose candidates are screened as they are drafted."""
    suspects: tuple[Location, ...] = ()
    """For what the issue proposes: where it may belong."""


@dataclass(frozen=True)
class TestOrder:
    """What one `validate` step is sent."""

    __test__: ClassVar[bool] = False  # not a test, whatever pytest thinks of its name

    candidate: Candidate
    environment: Environment
    oracle: Oracle
    before: Baseline
    tests: tuple[str, ...]
    test_command: str
    proven: bool = False
    """Whether another candidate is verified already, so that nobody asks what one breaks that mends nothing."""


STORED_CLASSES = tuple(
    (kind.__module__, kind.__name__)
    for kind in (
        *(value for value in vars(domain).values() if isinstance(value, type) and value.__module__ == domain.__name__),
        *(Assignment, DraftOrder, Environment, Baseline, Ground, State, TestOrder),
    )
)
"""The classes that a checkpoint may hold; nothing else is ever made from its bytes."""


def restore_tuples(value: T) -> T:
    """`value` with its tuples, which a checkpoint gives back as lists: unhashable, and equal to no tuple."""
    return _tupled(value)  # type: ignore[no-any-return]  # of the same class as it came


def _tupled(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(map(_tupled, value))
    if isinstance(value, dict):
        return {name: _tupled(item) for name, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _tupled(getattr(value, each.name)) for each in fields(value)})
    return value
