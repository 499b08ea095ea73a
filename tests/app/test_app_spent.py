from __future__ import annotations

from repoagent.app.prior_usage import PriorUsage
from repoagent.domain import Usage
from repoagent.trace import Event


def call(at: float, prompt: int) -> Event:
    return Event("model.called", {"prompt": prompt, "cached": 1, "completion": 2, "seconds": 0.5}, at)


def test_time_of_all_processes_counts_and_time_between_them_and_for_reading_does_not() -> None:
    events = [
        Event("run.started", {}, 100.0),
        Event("run.paused", {}, 110.0),
        Event("run.continued", {}, 500.0),
        call(505.0, 10),
        Event("run.started", {}, 1000.0),  # the first process was killed at 505
        call(1007.0, 20),
    ]
    assert PriorUsage.from_events(events) == PriorUsage(Usage(2, 30, 2, 4, 1.0), 10.0 + 5.0 + 7.0)


def test_nothing_was_spent_before_the_first_event() -> None:
    assert PriorUsage.from_events([]) == PriorUsage(Usage(), 0.0)
