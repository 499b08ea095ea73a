"""The interface of a model: it answers chats, fills holes in code, and scores texts."""

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
    """The parameters of sampling an answer."""

    max_tokens: int
    temperature: float = 0.8
    top_p: float = 0.95
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Completion:
    """An answer of a model, and what it cost."""

    text: str
    usage: Usage
    truncated: bool = False
    """Whether it was cut at `max_tokens`."""


@dataclass(frozen=True)
class Score:
    """The likelihood of a text under a model."""

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
        """The profile of this model: sampling, budgets, suitable generators."""

    def get_context_size(self) -> int:
        """Return the tokens of context that the server gives to one request."""

    def chat(self, messages: Sequence[Message], sampling: Sampling) -> Completion:
        """Answer a chat. Raises ModelFailed, or ContextFull when the prompt does not fit."""

    def infill(self, prefix: str, suffix: str, sampling: Sampling) -> Completion:
        """Generate the text between `prefix` and `suffix` (fill-in-the-middle). Raises ModelFailed, ContextFull."""

    def score(self, prefix: str, suffix: str, text: str) -> Score | None:
        """Compute the log-probability that exactly `text` stands between `prefix` and `suffix`.

        None where the server gives no probabilities. Raises ModelFailed, ContextFull.
        """

    def count_tokens(self, text: str) -> int:
        """Count the tokens in `text`: exact where the server can tokenize, else an upper estimate."""
