"""Issues from anywhere: GitHub, a file, standard input; cleaned of what a person would not see."""

from __future__ import annotations

from repoagent.intake.reader import read_issue, repository_of

__all__ = ["read_issue", "repository_of"]
