"""Git: the repository the code comes from, the clean copy that is worked on, and delivery of a patch."""

from __future__ import annotations

from repoagent.workspace.paths import PathRefused
from repoagent.workspace.source import SourceRepository, resolve_source
from repoagent.workspace.tree import Workspace

__all__ = ["PathRefused", "SourceRepository", "Workspace", "resolve_source"]
