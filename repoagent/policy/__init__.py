"""What generated code may change: rules of the repository, and rules that hold everywhere."""

from __future__ import annotations

from repoagent.policy.changes import FileChange
from repoagent.policy.judge import Judgement, judge_changes
from repoagent.policy.rules import POLICY_PATH, Policy, parse_policy

__all__ = ["POLICY_PATH", "FileChange", "Judgement", "Policy", "judge_changes", "parse_policy"]
