"""Publish a session's patch on GitHub: check it against the repository's policy, push it to a branch of its own, and
open a draft pull request that says what was verified and what was not."""

from __future__ import annotations

from repoagent.publish.delivery import Delivery
from repoagent.publish.pull import PublishResult, publish

__all__ = ["Delivery", "PublishResult", "publish"]
