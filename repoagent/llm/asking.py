"""Ask a model several things at once, and keep what answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from repoagent.errors import BudgetExceeded, ModelFailed
from repoagent.llm.base import Completion

Asked = Completion | ModelFailed | BudgetExceeded
"""What came of one question."""

_AT_ONCE = 4
"""Requests in flight: as many as the embedded server has slots. Other servers queue or batch them."""


def ask_all(attempts: Sequence[Callable[[], Completion]]) -> list[Asked]:
    """The answers in the order of `attempts`, with what was raised in the place of those that failed.

    The first is asked alone, so that the server has read the common prompt before the others need it; where the budget
    does not allow that one, no other is asked.
    """
    from concurrent.futures import ThreadPoolExecutor

    asked = [_asked(attempt) for attempt in attempts[:1]]
    if any(isinstance(answer, BudgetExceeded) for answer in asked):
        return asked
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [*asked, *pool.map(_asked, attempts[1:])]


def _asked(attempt: Callable[[], Completion]) -> Asked:
    try:
        return attempt()
    except (ModelFailed, BudgetExceeded) as error:
        return error
