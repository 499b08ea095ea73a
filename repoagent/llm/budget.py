"""Limit what a run may ask of its model, in tokens, calls and time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import TypeVar

from repoagent.domain import Usage
from repoagent.errors import BudgetExceeded, ModelFailed
from repoagent.llm.base import Completion, Message, Model, Sampling, Score
from repoagent.llm.profiles import Profile
from repoagent.trace import Trace

A = TypeVar("A", Completion, Score | None)


class Budget:
    """Sums the cost of calls, and refuses the call that would exceed a limit. Safe to use from several threads."""

    def __init__(
        self,
        *,
        max_tokens: int | None = None,
        max_calls: int | None = None,
        deadline: float | None = None,
        spent: Usage = Usage(),  # noqa: B008 - frozen
    ) -> None:
        """`max_tokens` counts prompts and answers, `deadline` is a `time.monotonic()`, None means no limit.

        `spent` is what a resumed run used before.
        """
        self._max_tokens = max_tokens
        self._max_calls = max_calls
        self._deadline = deadline
        self._usage = spent
        self._reserved_tokens = 0
        self._reserved_calls = 0
        self._lock = Lock()

    @property
    def usage(self) -> Usage:
        """All usage so far, that of resumed runs included."""
        with self._lock:
            return self._usage

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the deadline, never negative; None without a deadline."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def extend_deadline(self, seconds: float) -> None:
        """Move the deadline by `seconds`: the time that a person took for a review does not count."""
        if self._deadline is not None:
            self._deadline += seconds

    def check(self) -> None:
        """Raise BudgetExceeded when a limit is reached."""
        with self._lock:
            self._check_unlocked()

    def reserve_tokens(self, max_tokens: int) -> int:
        """Reserve `max_tokens` for one answer; returns how many of them are granted.

        Reserved tokens count as used, so that parallel calls cannot exceed the budget together. Raises BudgetExceeded.
        """
        with self._lock:
            self._check_unlocked()
            granted = max_tokens
            if self._max_tokens is not None:
                granted = min(max_tokens, self._max_tokens - self._usage.tokens - self._reserved_tokens)
            self._reserved_tokens += granted
            self._reserved_calls += 1
            return granted

    def record_usage(self, granted: int, usage: Usage) -> None:
        """Replace the reserved tokens of a call by its real usage."""
        with self._lock:
            self._reserved_tokens -= granted
            self._reserved_calls -= 1
            self._usage += usage

    def _check_unlocked(self) -> None:
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise BudgetExceeded("the time allowed for this run is over")
        if self._max_tokens is not None and self._usage.tokens + self._reserved_tokens >= self._max_tokens:
            raise BudgetExceeded(f"the {self._max_tokens:,} tokens allowed for this run are spent")
        if self._max_calls is not None and self._usage.calls + self._reserved_calls >= self._max_calls:
            raise BudgetExceeded(f"the {self._max_calls:,} model calls allowed for this run are spent")


class BudgetedModel:
    """A model whose calls are limited by a budget and reported to a trace (`model.called`, `model.failed`)."""

    def __init__(self, model: Model, budget: Budget, trace: Trace | None = None) -> None:
        self._model = model
        self._trace = trace or Trace()
        self.budget = budget

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def profile(self) -> Profile:
        return self._model.profile

    def get_context_size(self) -> int:
        return self._model.get_context_size()

    def count_tokens(self, text: str) -> int:
        return self._model.count_tokens(text)

    def chat(self, messages: Sequence[Message], sampling: Sampling) -> Completion:
        """As the model's; raises BudgetExceeded before it is asked when the budget is spent."""
        return self._call_within_budget(
            "chat", sampling.max_tokens, lambda granted: self._model.chat(messages, _cap_tokens(sampling, granted))
        )

    def infill(self, prefix: str, suffix: str, sampling: Sampling) -> Completion:
        """As the model's; raises BudgetExceeded before it is asked when the budget is spent."""
        return self._call_within_budget(
            "infill",
            sampling.max_tokens,
            lambda granted: self._model.infill(prefix, suffix, _cap_tokens(sampling, granted)),
        )

    def score(self, prefix: str, suffix: str, text: str) -> Score | None:
        """As the model's; raises BudgetExceeded before it is asked when the budget is spent."""
        return self._call_within_budget(
            "score", self.count_tokens(text) + 1, lambda _: self._model.score(prefix, suffix, text)
        )

    def _call_within_budget(self, kind: str, max_tokens: int, call: Callable[[int], A]) -> A:
        granted = self.budget.reserve_tokens(max_tokens)
        usage = Usage(calls=1)
        try:
            answer = call(granted)
            usage = answer.usage if answer else Usage()
        except ModelFailed as error:
            self._trace.emit("model.failed", call=kind, error=str(error))
            raise
        finally:
            self.budget.record_usage(granted, usage)
        if answer is None:
            return answer
        self._trace.emit(
            "model.called",
            call=kind,
            prompt=usage.prompt_tokens,
            cached=usage.cached_tokens,
            completion=usage.completion_tokens,
            seconds=round(usage.seconds, 3),
            truncated=isinstance(answer, Completion) and answer.truncated,
        )
        return answer


def _cap_tokens(sampling: Sampling, max_tokens: int) -> Sampling:
    return replace(sampling, max_tokens=max_tokens)
