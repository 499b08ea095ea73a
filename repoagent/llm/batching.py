"""Merge equal prompts that are sent at the same time into one request for several answers.

llama.cpp caches a prompt for one slot only: four equal prompts in four slots are read four times, which without a GPU
takes longer than all four answers. One request for four answers to a prompt makes it read once and copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from threading import Event, Lock

from repoagent.llm.base import Completion, Message, Sampling

WINDOW_SECONDS = 0.1
"""How long a prompt waits for equal ones; a small part of the time to read it."""

ChatRequester = Callable[[Sequence[Message], Sampling, int], list[Completion]]
"""Request so many answers to a chat."""


class RequestBatcher:
    """Batches equal chats of several threads into one request."""

    def __init__(self, ask: ChatRequester, max_batch: int, window: float = WINDOW_SECONDS) -> None:
        """`ask` is called for at most `max_batch` answers; `window` is in seconds."""
        self._ask = ask
        self._max_batch = max_batch
        self._window = window
        self._lock = Lock()
        self._open: dict[tuple[tuple[Message, ...], Sampling], _PromptGroup] = {}

    def chat(self, messages: Sequence[Message], sampling: Sampling) -> Completion:
        """Return one of the answers sampled for all callers with the same prompt; the first one's seed is used."""
        key = (tuple(messages), replace(sampling, seed=None))
        group, place = self._join_group(key)
        if place == 0:
            group.full.wait(self._window)
            self._answer_group(key, group, sampling)
        return group.answers.result()[place]

    def _join_group(self, key: tuple[tuple[Message, ...], Sampling]) -> tuple[_PromptGroup, int]:
        with self._lock:
            group = self._open.get(key)
            if group is None or group.size == self._max_batch:
                group = self._open[key] = _PromptGroup()
            group.size += 1
            if group.size == self._max_batch:
                group.full.set()
            return group, group.size - 1

    def _answer_group(self, key: tuple[tuple[Message, ...], Sampling], group: _PromptGroup, sampling: Sampling) -> None:
        with self._lock:
            size = group.size
            group.size = self._max_batch  # nobody joins any more
            if self._open.get(key) is group:
                del self._open[key]
        try:
            group.answers.set_result(self._ask(key[0], sampling, size))
        except BaseException as error:
            group.answers.set_exception(error)
            raise


@dataclass
class _PromptGroup:
    """The callers with the same prompt, and their answers."""

    size: int = 0
    full: Event = field(default_factory=Event)
    answers: Future[list[Completion]] = field(default_factory=Future)
