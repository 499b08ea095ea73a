"""Change source text without breaking it: splice a rewritten definition, fill a hole, keep the rest."""

from repoagent.edits.errors import EditRefused
from repoagent.edits.normal import meaning
from repoagent.edits.splice import splice_definition

__all__ = ["EditRefused", "meaning", "splice_definition"]
