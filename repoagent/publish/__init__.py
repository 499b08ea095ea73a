"""A patch of a session, brought to GitHub: checked against the repository's policy, pushed to a branch of its own, and
opened as a draft pull request that says what was verified and what was not."""

from __future__ import annotations

from repoagent.publish.delivery import Delivery
from repoagent.publish.pull import Published, publish

__all__ = ["Delivery", "Published", "publish"]
