"""Equal questions asked together."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from repoagent.domain import Usage
from repoagent.errors import ModelFailed
from repoagent.llm.base import Completion, Message, Sampling
from repoagent.llm.batching import RequestBatcher

WINDOW = 0.5
"""Long enough for the threads of a test to come together on a busy machine."""


class Asked:
    """Remembers how many answers it was asked for at a time."""

    def __init__(self, error: Exception | None = None) -> None:
        self.numbers: list[int] = []
        self._error = error

    def __call__(self, messages: Sequence[Message], sampling: Sampling, number: int) -> list[Completion]:
        self.numbers.append(number)
        if self._error:
            raise self._error
        return [Completion(f"{messages[0].content}{i}", Usage(calls=1)) for i in range(number)]


def at_once(together: RequestBatcher, prompts: Sequence[str]) -> list[str]:
    """What is answered to prompts that are asked at the same moment, each with a seed of its own."""
    barrier = Barrier(len(prompts))

    def ask(seed: int) -> str:
        barrier.wait()
        return together.chat([Message("user", prompts[seed])], Sampling(8, seed=seed)).text

    with ThreadPoolExecutor(len(prompts)) as pool:
        return list(pool.map(ask, range(len(prompts))))


@pytest.mark.parametrize(
    ("prompts", "most", "numbers"),
    [
        (["a"] * 4, 4, [4]),
        (["a"] * 6, 4, [2, 4]),
        (["a", "a", "b"], 4, [1, 2]),
        (["a"] * 3, 1, [1, 1, 1]),
    ],
)
def test_equal_questions_become_one_request(prompts: list[str], most: int, numbers: list[int]) -> None:
    asked = Asked()
    answers = at_once(RequestBatcher(asked, most, WINDOW), prompts)
    assert sorted(asked.numbers) == numbers
    assert [answer[0] for answer in answers] == prompts, "nobody gets the answer to another question"


def test_every_answer_is_given_once() -> None:
    assert sorted(at_once(RequestBatcher(Asked(), 4, WINDOW), ["a"] * 4)) == ["a0", "a1", "a2", "a3"]


def test_a_failure_reaches_everybody_who_asked() -> None:
    together = RequestBatcher(Asked(ModelFailed("gone")), 4)
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(together.chat, [Message("user", "a")], Sampling(8)) for _ in range(3)]
    assert [str(future.exception()) for future in futures] == ["gone"] * 3


def test_a_question_after_the_answer_is_a_new_request() -> None:
    asked = Asked()
    together = RequestBatcher(asked, 4)
    for _ in range(2):
        together.chat([Message("user", "a")], Sampling(8))
    assert asked.numbers == [1, 1]
