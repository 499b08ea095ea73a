"""The place where things are run on the repository, with a change or without: it knows sandboxes and time, and neither
a model nor the state of a search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from repoagent.domain import Edit
from repoagent.errors import SandboxFailed
from repoagent.evidence.context import EvaluationContext
from repoagent.sandbox.base import Engine, Environment, Sandbox, SandboxLimits
from repoagent.sandbox.fresh import run_in_fresh
from repoagent.testbed.build_plan import CommitInfo, UserOverrides
from repoagent.testbed.ecosystems.finding import detect_codebases
from repoagent.testbed.runner import Testbed
from repoagent.trace import Trace
from repoagent.workspace import Workspace

T = TypeVar("T")


@dataclass(frozen=True)
class Workbench:
    """Opens sandboxes with a copy of the repository, and says how long something in them may take."""

    engine: Engine
    workspace: Workspace
    trace: Trace
    limits: SandboxLimits
    seconds_left: Callable[[], float | None]
    """Of the whole run; None without a limit."""
    check_budget: Callable[[], None]
    """Raises BudgetExceeded when nothing more may be spent."""
    named: UserOverrides = field(default_factory=UserOverrides)
    """What the user names of how the project is tested."""
    origin: CommitInfo = field(default_factory=CommitInfo)
    """What is known of the commit, for the build."""
    build_timeout: float = 900.0
    """Seconds that building the test environment may take."""
    test_timeout: float = 120.0
    """Seconds that one run of the tests may take."""

    def limit_seconds(self, seconds: float, *, share: float = 1.0, least: float = 5.0) -> float:
        """So many seconds, or as many as this `share` of what is left for the run; but, to end in an orderly way, not
        less than `least`."""
        left = self.seconds_left()
        return seconds if left is None else min(seconds, max(left * share, least))

    def prepare_testbed(self) -> Testbed:
        """Find the environment for the repository, or build it. Raises UserError and EnvironmentFailed."""
        return Testbed.prepare(
            self.engine,
            self.workspace.root,
            origin=self.origin,
            named=self.named,
            trace=self.trace,
            timeout=self.limit_seconds(self.build_timeout),
        )

    def attach_testbed(self, context: EvaluationContext) -> Testbed:
        """The test bed of an environment that was built before, perhaps by a process that is dead."""
        root = self.workspace.root
        found = detect_codebases(root)
        return Testbed.attach(self.engine, context.environment, root, found, context.test_command, self.limits)

    @contextmanager
    def open_with_edits(self, environment: Environment, edits: Sequence[Edit]) -> Iterator[Sandbox]:
        """A fresh copy of the repository with `edits` made."""
        with self.engine.open(environment, self.workspace.root, self.limits) as sandbox:
            sandbox.write({edit.path: _encode(edit.after) for edit in edits})
            yield sandbox

    def run_fresh(self, environment: Environment, edits: Sequence[Edit], act: Callable[[Sandbox], T]) -> T:
        """What `act` says of a fresh copy of the repository with `edits` made; a sandbox that dies is replaced once.

        So is an environment that is no longer there, by the one that the same manifests make.
        """

        def mend(error: SandboxFailed) -> None:
            self.trace.emit("sandbox.replaced", reason=str(error))
            if self.engine.find(environment.key) is None:  # removed to save space, or with the engine's whole store
                self.prepare_testbed()

        return run_in_fresh(lambda: self.open_with_edits(environment, edits), act, mend)


def _encode(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")
