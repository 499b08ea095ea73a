"""What is run for a candidate, and what is not worth the time any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from repoagent.domain import Ending, Issue, Outcome, Report, Status
from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.evaluate import QUICK_SECONDS, CandidateEvaluator
from repoagent.evidence.reproduction.script import BEGIN
from repoagent.evidence.verdict import Baseline
from repoagent.graph.state import State
from repoagent.graph.wiring import send_tests
from repoagent.sandbox.base import CommandResult, Environment, Sandbox
from repoagent.sandbox.fake import FakeSandbox
from repoagent.testbed.runner import Testbed
from tests.graph.test_graph_result import GOOD, STRONG, WRONG, state

ENVIRONMENT = Environment("key", "image")
PASSES = Report(Ending.COMPLETED, (Outcome("t::a", Status.PASSED),), 5.0)
BEFORE = Baseline(frozenset({"t::a"}), frozenset(), frozenset(), 5.0)
CONTEXT = EvaluationContext(ENVIRONMENT, tests=("t",), baseline=BEFORE, oracle=STRONG)


def examined(quick: float) -> tuple[int, str]:
    """How often the tests were run for a candidate whose reproduction fails, and what the reproduction said."""
    runs: list[Sequence[str]] = []

    def run(_sandbox: Sandbox, tests: Sequence[str], _timeout: float) -> Report:
        runs.append(tests)
        return PASSES

    testbed = cast(Testbed, SimpleNamespace(run=run, root="."))
    sandbox = FakeSandbox(lambda _command, _files: CommandResult(0, f"{BEGIN}\n'1000B'\n", 0.1), {}, ENVIRONMENT)
    verdict, _ = CandidateEvaluator(CONTEXT, testbed, 60.0, quick)(sandbox)
    return len(runs), verdict.oracle


def test_where_the_reproduction_fails_short_tests_are_run_unless_nobody_asks() -> None:
    assert examined(QUICK_SECONDS) == (1, "failed")
    assert examined(0.0) == (0, "failed")


@pytest.mark.parametrize(("verdict", "proven"), [(GOOD, True), (WRONG, False), (None, False)])
def test_an_order_says_whether_something_is_verified_already(verdict: object, proven: bool) -> None:
    made = state(GOOD, STRONG)
    known = {"c": replace(made.candidates["c"], verdict=verdict)}  # type: ignore[arg-type]  # a verdict or none
    known["d"] = replace(made.candidates["c"], id="d", verdict=None)
    waiting = State(Issue("t", "b"), evaluation=CONTEXT, candidates=known)
    sent = send_tests(waiting)
    assert not isinstance(sent, str)
    assert [each.arg.is_proven for each in sent if each.arg.candidate.id == "d"] == [proven]
