"""Sum what a run has used so far, in all its processes, from its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from repoagent.domain import Usage
from repoagent.trace import Event


@dataclass(frozen=True)
class PriorUsage:
    """Tokens and time that earlier processes of the same run have used."""

    usage: Usage
    seconds: float

    @staticmethod
    def from_events(events: Sequence[Event]) -> PriorUsage:
        """Sum up the events; time spent waiting for a person, and between processes, does not count."""
        usage = sum((_read_usage(event) for event in events if event.kind == "model.called"), Usage())
        steps = [(a, b) for a, b in pairwise(events) if b.kind != "run.started" and a.kind != "run.paused"]
        return PriorUsage(usage, sum(after.at - before.at for before, after in steps))


def _read_usage(event: Event) -> Usage:
    numbers = [event.data.get(name) or 0 for name in ("prompt", "cached", "completion")]
    prompt, cached, completion = (int(n) if isinstance(n, int | float) else 0 for n in numbers)
    return Usage(1, prompt, cached, completion, float(str(event.data.get("seconds") or 0)))
