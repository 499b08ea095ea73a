"""What is tried next, and when it is enough: decided by what is known, and by nothing that is alive."""

from repoagent.search.policy import Decision, Stop, decide, next_item
from repoagent.search.situation import Situation

__all__ = ["Decision", "Situation", "Stop", "decide", "next_item"]
