"""Request several completions at the same time, with failures as values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from repoagent.errors import BudgetExceeded, ModelFailed
from repoagent.llm.base import Completion

CompletionResult = Completion | ModelFailed | BudgetExceeded
"""A completion, or why there is none."""

_MAX_PARALLEL = 4
"""Requests in flight: as many as the embedded server has slots. Other servers queue or batch them."""


def complete_all(attempts: Sequence[Callable[[], Completion]]) -> list[CompletionResult]:
    """Call all `attempts` and return their completions in order, with the error in the place of a failed one.

    The first is called alone, so that the server has cached the common prompt before the others need it; where the
    budget does not allow that one, no other is called.
    """
    from concurrent.futures import ThreadPoolExecutor

    asked = [_complete(attempt) for attempt in attempts[:1]]
    if any(isinstance(answer, BudgetExceeded) for answer in asked):
        return asked
    with ThreadPoolExecutor(_MAX_PARALLEL) as pool:
        return [*asked, *pool.map(_complete, attempts[1:])]


def _complete(attempt: Callable[[], Completion]) -> CompletionResult:
    try:
        return attempt()
    except (ModelFailed, BudgetExceeded) as error:
        return error
