"""What candidates are judged by, as plain data that survives a crash."""

from __future__ import annotations

from dataclasses import dataclass

from repoagent.domain import Oracle, Strength
from repoagent.evidence.verdict import Baseline
from repoagent.sandbox.base import Environment


@dataclass(frozen=True)
class EvaluationContext:
    """Where tests run, which ones, how they end on the untouched code, and what reproduces the issue."""

    environment: Environment
    test_command: str = ""
    """The shell command that runs the tests, the user's or the repository's own; empty for the project's runner."""
    tests: tuple[str, ...] = ()
    """Test files or ids; empty means all."""
    baseline: Baseline = Baseline()  # noqa: RUF009 - frozen
    oracle: Oracle = Oracle(Strength.NONE)  # noqa: RUF009 - frozen

    @property
    def has_oracle(self) -> bool:
        """Whether any run could show that a candidate is right."""
        return self.oracle.strength in (Strength.STRONG, Strength.CRASH) or bool(self.baseline.failing)
