"""A model that gives scripted answers: for tests, and for replaying recorded answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from repoagent.domain import Usage
from repoagent.errors import ContextFull, ModelFailed
from repoagent.llm.base import Completion, Message, Sampling, Score
from repoagent.llm.profiles import Profile, find_profile

ScriptedReply = str | Completion | Exception
"""An answer; an exception is raised."""

ScriptedReplies = Iterable[ScriptedReply] | Callable[[str], ScriptedReply]
"""Answers in their order, or a function of the prompt."""


@dataclass(frozen=True)
class ScriptedCall:
    """One request to a ScriptedModel."""

    kind: Literal["chat", "infill", "score"]
    prompt: str
    """The turns of a chat one under the other; of an infill the prefix, `<HOLE>` and the suffix; of
    a score all of the text."""
    sampling: Sampling


class ScriptedModel:
    """Answers from a script and records its calls. Safe to use from several threads."""

    def __init__(
        self,
        replies: ScriptedReplies = (),
        infills: ScriptedReplies = (),
        scores: Callable[[str], float] | None = None,
        *,
        name: str = "scripted",
        context: int | None = None,
        profile: Profile | None = None,
    ) -> None:
        """`replies` answer chats, `infills` fill holes, `scores` gives the log-probability of a text.

        ModelFailed is raised after the last answer of a script.
        """
        self._name = name
        self._profile = profile or find_profile(name)
        self._context = context
        self._scripts = {"chat": _make_script(replies), "infill": _make_script(infills)}
        self._scores = scores
        self._lock = Lock()
        self.calls: list[ScriptedCall] = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def profile(self) -> Profile:
        return self._profile

    def get_context_size(self) -> int:
        return self._context or self._profile.context

    def count_tokens(self, text: str) -> int:
        """Count one token for each four characters begun."""
        return -(-len(text) // 4)

    def chat(self, messages: Sequence[Message], sampling: Sampling) -> Completion:
        prompt = "\n\n".join(message.content for message in messages)
        return self._run_script(ScriptedCall("chat", prompt, sampling))

    def infill(self, prefix: str, suffix: str, sampling: Sampling) -> Completion:
        return self._run_script(ScriptedCall("infill", f"{prefix}<HOLE>{suffix}", sampling))

    def score(self, prefix: str, suffix: str, text: str) -> Score | None:
        if self._scores is None:
            return None
        with self._lock:
            self.calls.append(ScriptedCall("score", f"{prefix}{text}{suffix}", Sampling(0)))
        return Score(self._scores(text), Usage(calls=1, completion_tokens=self.count_tokens(text)))

    def _run_script(self, call: ScriptedCall) -> Completion:
        with self._lock:
            self.calls.append(call)
            reply = self._scripts[call.kind](call.prompt)
        if isinstance(reply, Exception):
            raise reply
        read = self.count_tokens(call.prompt)
        if read > self.get_context_size():
            raise ContextFull(f"the prompt has {read:,} tokens, the scripted model takes {self.get_context_size():,}")
        if isinstance(reply, Completion):
            return reply
        return Completion(reply, Usage(calls=1, prompt_tokens=read, completion_tokens=self.count_tokens(reply)))


def _make_script(replies: ScriptedReplies) -> Callable[[str], ScriptedReply]:
    if callable(replies):
        return replies
    rest = iter(replies)
    return lambda _prompt: next(rest, ModelFailed("the scripted model has no answer left: give it one more reply"))
