"""What generated code may change: rules of the repository, and rules that hold everywhere."""

from __future__ import annotations

from repoagent.policy.changes import Change
from repoagent.policy.judge import Judgement, judge
from repoagent.policy.rules import PATH, Policy, parse

__all__ = ["PATH", "Change", "Judgement", "Policy", "judge", "parse"]
