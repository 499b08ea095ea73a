"""What the nodes work with: everything alive, made once by `repoagent.app` and handed to the graph as its context."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from repoagent.evidence.workbench import Workbench
from repoagent.index.build import Index
from repoagent.llm.base import Model
from repoagent.llm.budget import Budget
from repoagent.sandbox.base import Engine, SandboxLimits
from repoagent.search_options import SearchOptions
from repoagent.session import Session
from repoagent.testbed.build_plan import CommitInfo, UserOverrides
from repoagent.trace import Trace
from repoagent.workspace import Workspace


@dataclass(frozen=True)
class RunChoices:
    """What the user asked for, as far as the graph cares."""

    samples: int | None = None
    """Samples of each generator for each function; None leaves it to the model's profile."""
    named: UserOverrides = field(default_factory=UserOverrides)
    """What the user names of how the project is tested."""
    ask: bool = False
    """Whether to stop after planning, for a person to read and edit spec and plan."""
    seed: int = 0
    build_timeout: float = 900.0
    """Seconds that building the test environment may take."""
    test_timeout: float = 120.0
    """Seconds that one run of the tests may take."""
    mutation_seconds: float = 60.0
    """Seconds that the mutation of one function may take."""
    parallel: int = 1
    """Candidates tested at once."""


@dataclass(frozen=True)
class Services:
    """The parts of one run."""

    model: Model
    """Budgeted: a call raises BudgetExceeded when the tokens or the time are spent."""
    engine: Engine
    workspace: Workspace
    index: Callable[[], Index]
    """The index of the workspace, built on the first call."""
    session: Session
    trace: Trace
    budget: Budget
    elapsed: Callable[[], float]
    """Seconds this run has taken, in all its processes."""
    options: RunChoices
    limits: SandboxLimits
    origin: CommitInfo = field(default_factory=CommitInfo)
    """What is known of the commit, for the build."""

    @cached_property
    def workbench(self) -> Workbench:
        """Where things are run."""
        return Workbench(
            engine=self.engine,
            workspace=self.workspace,
            trace=self.trace,
            limits=self.limits,
            seconds_left=lambda: self.budget.seconds_left,
            check_budget=self.budget.check,
            named=self.options.named,
            origin=self.origin,
            build_timeout=self.options.build_timeout,
            test_timeout=self.options.test_timeout,
        )

    @property
    def search_options(self) -> SearchOptions:
        """The thresholds of the search, as the model's profile has them."""
        return self.model.profile.search
