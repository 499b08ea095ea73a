"""Makes one request of equal questions that are asked at the same time.

llama.cpp keeps what it has read for one slot: four equal prompts in four slots are read four times, which without a GPU
takes longer than all four answers. Asked for four answers to one prompt, it reads once and copies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from threading import Event, Lock

from repoagent.llm.base import Completion, Message, Sampling

WINDOW_SECONDS = 0.1
"""How long a question waits for others like it; a small part of what reading a prompt takes."""

Ask = Callable[[Sequence[Message], Sampling, int], list[Completion]]
"""Draws so many answers to a chat."""


class Together:
    """Asks equal chats together. Safe to use from several threads, which is the point of it."""

    def __init__(self, ask: Ask, most: int, window: float = WINDOW_SECONDS) -> None:
        """`ask` is given no more than `most` at once; `window` is in seconds."""
        self._ask = ask
        self._most = most
        self._window = window
        self._lock = Lock()
        self._open: dict[tuple[tuple[Message, ...], Sampling], _Group] = {}

    def chat(self, messages: Sequence[Message], sampling: Sampling) -> Completion:
        """One answer of those drawn for everybody who asks the same now; seeds may differ, the first one's is used."""
        key = (tuple(messages), replace(sampling, seed=None))
        group, place = self._join(key)
        if place == 0:
            group.full.wait(self._window)
            self._answer(key, group, sampling)
        return group.answers.result()[place]

    def _join(self, key: tuple[tuple[Message, ...], Sampling]) -> tuple[_Group, int]:
        with self._lock:
            group = self._open.get(key)
            if group is None or group.size == self._most:
                group = self._open[key] = _Group()
            group.size += 1
            if group.size == self._most:
                group.full.set()
            return group, group.size - 1

    def _answer(self, key: tuple[tuple[Message, ...], Sampling], group: _Group, sampling: Sampling) -> None:
        with self._lock:
            size = group.size
            group.size = self._most  # nobody joins any more
            if self._open.get(key) is group:
                del self._open[key]
        try:
            group.answers.set_result(self._ask(key[0], sampling, size))
        except BaseException as error:
            group.answers.set_exception(error)
            raise


@dataclass
class _Group:
    """Those who ask the same, and what they are told."""

    size: int = 0
    full: Event = field(default_factory=Event)
    answers: Future[list[Completion]] = field(default_factory=Future)
