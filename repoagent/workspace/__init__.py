"""Git: the repository the code comes from, the clean copy that is worked on, and delivery of a patch."""

from __future__ import annotations

from repoagent.workspace.paths import PathRefused
from repoagent.workspace.source import Source, resolve
from repoagent.workspace.tree import Workspace

__all__ = ["PathRefused", "Source", "Workspace", "resolve"]
