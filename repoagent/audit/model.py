"""A model whose calls are written to the audit log: what was asked, and what was answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from repoagent.audit.log import AuditLog
from repoagent.errors import RepoagentError
from repoagent.llm.base import Completion, Message, Model, Sampling, Score
from repoagent.llm.profiles import Profile


class AuditedModel:
    """A `Model` that passes calls to another one and writes them to the audit log."""

    def __init__(self, model: Model, log: AuditLog) -> None:
        self._model = model
        self._log = log

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
        asked = [f"{message.role}: {message.content}" for message in messages]
        return self._call_and_log("chat", asked, sampling, lambda: self._model.chat(messages, sampling))

    def infill(self, prefix: str, suffix: str, sampling: Sampling) -> Completion:
        return self._call_and_log(
            "infill", [prefix, suffix], sampling, lambda: self._model.infill(prefix, suffix, sampling)
        )

    def score(self, prefix: str, suffix: str, text: str) -> Score | None:
        try:
            answer = self._model.score(prefix, suffix, text)
        except RepoagentError as error:
            self._log_failure("score", [prefix, suffix, text], error)
            raise
        if answer:
            self._log.write(
                "model.called",
                call="score",
                model=self.name,
                asked=[prefix, suffix, text],
                answered=f"{answer.logprob}",
            )
        return answer

    def _call_and_log(
        self, call: str, asked: list[str], sampling: Sampling, ask: Callable[[], Completion]
    ) -> Completion:
        try:
            answer = ask()
        except RepoagentError as error:
            self._log_failure(call, asked, error)
            raise
        self._log.write(
            "model.called",
            call=call,
            model=self.name,
            asked=asked,
            answered=answer.text,
            temperature=sampling.temperature,
            seed=sampling.seed,
            prompt_tokens=answer.usage.prompt_tokens,
            completion_tokens=answer.usage.completion_tokens,
        )
        return answer

    def _log_failure(self, call: str, asked: list[str], error: RepoagentError) -> None:
        self._log.write("model.failed", call=call, model=self.name, asked=asked, error=str(error))
