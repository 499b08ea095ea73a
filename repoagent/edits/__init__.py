"""Change source text without breaking it: splice a rewritten function, fill a hole, keep all that did not change."""

from repoagent.edits.errors import EditRefused
from repoagent.edits.normal import meaning
from repoagent.edits.splice import splice_function

__all__ = ["EditRefused", "meaning", "splice_function"]
