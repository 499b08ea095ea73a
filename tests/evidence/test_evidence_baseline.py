"""Tests that hang are told from tests that are many: the first are shown one by one, the second are thinned out."""

from __future__ import annotations

import pytest

from repoagent.domain import Ending, Outcome, Report, Status
from repoagent.evidence.baseline import is_held_up
from repoagent.testbed.runner import BaselineRun

ENDED = Outcome("t::ended", Status.FAILED, 50.0, "The test took more than 50 s and was ended.")
RUNNING = Outcome("t::running", Status.ERROR, message="The test did not end in time.")
FAILING = Outcome("t::failing", Status.FAILED, 0.2)
MANY = tuple(Outcome(f"t::{n}", Status.PASSED, 0.1) for n in range(500))


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((*MANY, ENDED, RUNNING), True),
        ((RUNNING,), True),
        ((FAILING, RUNNING), True),
        ((*MANY, FAILING, RUNNING), False),
        (MANY, False),
        ((), False),
    ],
)
def test_only_single_tests_that_hold_a_run_up_count_as_hanging(outcomes: tuple[Outcome, ...], expected: bool) -> None:
    def near(ending: Ending) -> BaselineRun:
        return BaselineRun(Report(ending, outcomes, 150.0), frozenset(), frozenset(), frozenset())

    assert is_held_up(near(Ending.TIMED_OUT)) is expected
    assert not is_held_up(near(Ending.COMPLETED))
