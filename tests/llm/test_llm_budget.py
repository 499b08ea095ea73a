"""What a run may ask of its model."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from repoagent.domain import Usage
from repoagent.errors import BudgetExceeded, ModelFailed
from repoagent.llm.base import Completion, Message, Sampling
from repoagent.llm.budget import Budget, BudgetedModel
from repoagent.llm.scripted import ScriptedModel
from repoagent.trace import Event, Trace

HELLO = [Message("user", "hello")]


def spending(prompt: int, completion: int) -> Completion:
    """An answer that cost so much."""
    return Completion("yes", Usage(1, prompt, 0, completion, 0.5))


def test_usage_of_all_calls_is_summed_from_several_threads() -> None:
    model = BudgetedModel(ScriptedModel(lambda _: spending(10, 5), lambda _: spending(1, 1)), Budget())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: model.chat(HELLO, Sampling(8)), range(50)))
    model.infill("a", "b", Sampling(8))
    assert model.budget.usage == Usage(51, 501, 0, 251, 25.5)


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (Budget(max_tokens=15, spent=Usage(prompt_tokens=15)), "15 tokens"),
        (Budget(max_calls=2, spent=Usage(calls=2)), "2 model calls"),
        (Budget(deadline=time.monotonic() - 1), "time"),
    ],
)
def test_a_spent_budget_is_refused_before_the_model_is_asked(budget: Budget, reason: str) -> None:
    scripted = ScriptedModel(["yes"])
    with pytest.raises(BudgetExceeded, match=reason):
        BudgetedModel(scripted, budget).chat(HELLO, Sampling(8))
    assert not scripted.calls


def test_an_answer_gets_no_more_tokens_than_are_left() -> None:
    scripted = ScriptedModel(["yes"])
    BudgetedModel(scripted, Budget(max_tokens=100, spent=Usage(prompt_tokens=70))).chat(HELLO, Sampling(512))
    assert scripted.calls[0].sampling.max_tokens == 30


def test_answers_under_way_count_as_spent() -> None:
    budget = Budget(max_tokens=100)
    assert (budget.reserve_tokens(80), budget.reserve_tokens(80)) == (80, 20)
    with pytest.raises(BudgetExceeded):
        budget.reserve_tokens(80)
    budget.record_usage(80, Usage(calls=1, completion_tokens=10))
    assert budget.reserve_tokens(80) == 70


def test_calls_are_told_to_the_trace() -> None:
    events: list[Event] = []
    trace = Trace(listeners=(events.append,))
    model = BudgetedModel(ScriptedModel([spending(10, 5), ModelFailed("gone")]), Budget(), trace)
    model.chat(HELLO, Sampling(8))
    with pytest.raises(ModelFailed):
        model.chat(HELLO, Sampling(8))
    assert [event.kind for event in events] == ["model.called", "model.failed"]
    called, failed = (event.data for event in events)
    assert (called["call"], called["prompt"], called["completion"], called["seconds"]) == ("chat", 10, 5, 0.5)
    assert failed["error"] == "gone"


def test_a_failed_call_counts_as_a_call_and_frees_its_tokens() -> None:
    model = BudgetedModel(ScriptedModel([ModelFailed("gone")]), Budget(max_tokens=100))
    with pytest.raises(ModelFailed):
        model.chat(HELLO, Sampling(100))
    assert model.budget.usage == Usage(calls=1)
    assert model.budget.reserve_tokens(100) == 100


def test_a_script_at_its_end_says_so_and_remembers_what_was_asked() -> None:
    scripted = ScriptedModel(["one"], infills=lambda prompt: prompt.upper())
    assert scripted.chat(HELLO, Sampling(8)).text == "one"
    assert scripted.infill("a", "b", Sampling(8)).text == "A<HOLE>B"
    with pytest.raises(ModelFailed, match="one more reply"):
        scripted.chat(HELLO, Sampling(8))
    assert [(call.kind, call.prompt) for call in scripted.calls] == [
        ("chat", "hello"),
        ("infill", "a<HOLE>b"),
        ("chat", "hello"),
    ]
