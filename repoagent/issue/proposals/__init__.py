"""Changes that an issue itself proposes, as text: diffs, pairs of "before" and "after", whole functions.

Nothing is applied and nothing is believed here: what is found becomes a candidate like any other, behind the same gate.
On SWE-bench Lite 13 of 300 issues hold the exact patch, 23 a part of it, and 15 a misleading one (Agentless' notes).
"""

from __future__ import annotations

from repoagent.issue.proposals.find import find_proposals
from repoagent.issue.proposals.model import ProposedChange, ProposedHunk

__all__ = ["ProposedChange", "ProposedHunk", "find_proposals"]
