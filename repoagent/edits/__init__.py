"""Change source text, whatever language it is in: replace passages, combine changes, keep the rest as it was."""

from repoagent.edits.errors import EditRefused

__all__ = ["EditRefused"]
