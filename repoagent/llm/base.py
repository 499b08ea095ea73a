"""What a model is to the rest of the program: something that answers a chat, and fills a hole in code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from repoagent.domain import Usage
from repoagent.llm.profiles import Profile


@dataclass(frozen=True)
class Message:
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Sampling:
    """How an answer is drawn."""

    max_tokens: int
    temperature: float = 0.8
    top_p: float = 0.95
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Completion:
    """An answer."""

    text: str
    usage: Usage
    truncated: bool = False
    """Whether it was cut at `max_tokens`."""


@dataclass(frozen=True)
class Score:
    """How likely a model finds a text."""

    logprob: float
    """The logarithm of its probability, in nats."""
    usage: Usage


class Model(Protocol):
    """A code model behind some server. Safe to call from several threads at once."""

    @property
    def name(self) -> str:
        """As the server names it, for reports."""

    @property
    def profile(self) -> Profile:
        """What this model is good for."""

    def context(self) -> int:
        """Tokens of context that the server really gives to one request."""

    def chat(self, messages: Sequence[Message], sampling: Sampling) -> Completion:
        """Answer a chat. Raises ModelFailed, or ContextFull when the prompt does not fit."""

    def infill(self, prefix: str, suffix: str, sampling: Sampling) -> Completion:
        """The text between `prefix` and `suffix` (fill-in-the-middle). Raises ModelFailed, ContextFull."""

    def score(self, prefix: str, suffix: str, text: str) -> Score | None:
        """How likely the model finds it that `text`, and no more, stands between `prefix` and `suffix`; None where its
        server does not tell. Raises ModelFailed, ContextFull."""

    def count(self, text: str) -> int:
        """Tokens in `text`: exact where the server can tokenize, else an upper estimate."""
