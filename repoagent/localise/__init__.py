"""Where a fix may have to go: from the issue's text and the index alone, without a model."""

from __future__ import annotations

from repoagent.localise.rank import localise

__all__ = ["localise"]
