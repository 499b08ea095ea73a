"""Show a model what became of its attempt, once.

Pays for mechanical mistakes only at 1.5B (4 % of failures recovered by showing test output, 30 % at 32B; Aider's
edit leaderboard), so the profile says which exceptions are worth it. The conversation starts anew from the original
code: what a small model has said before it repeats.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from repoagent.answers import code_in
from repoagent.domain import Usage
from repoagent.generators.base import Proposals, DraftTask, ask_for_texts, prompt_token_budget
from repoagent.generators.rewrite import limit_answer_tokens, write_prompt, splice_answer
from repoagent.edits import EditRefused
from repoagent.llm.base import Completion, Message, Model, Sampling
from repoagent.llm.profiles import Profile
from repoagent.prompting import Retry, render


@dataclass(frozen=True)
class Retrier:
    """A second attempt that knows the first one's failure."""

    attempt: str
    """What the model wrote."""
    failure: str
    """The distilled failure."""
    name: str = "retry"

    def sample_count(self, model: Model) -> int:
        return min(model.profile.retries, 1)

    def draft(self, task: DraftTask, model: Model) -> Proposals:
        if not re.search(rf"\b(def|class)\s+{re.escape(task.name)}\b", self.attempt):
            return Proposals(refused=("only a whole definition is asked for again",))
        try:
            messages = self._write_messages(task, model)
        except EditRefused as refusal:
            return Proposals(refused=(str(refusal),))
        sampling = Sampling(limit_answer_tokens(task, model), 0.2, model.profile.top_p, task.seed)
        return ask_for_texts(task, [lambda: model.chat(messages, sampling)], lambda _, answer: splice_answer(task, answer))

    def _write_messages(self, task: DraftTask, model: Model) -> tuple[Message, ...]:
        attempt = f"```python\n{code_in(Completion(self.attempt, Usage()), task.name).strip()}\n```"
        again = render(Retry(self.failure, task.kind, task.name))
        most = prompt_token_budget(model, limit_answer_tokens(task, model)) - model.count(attempt) - model.count(again)
        return (
            Message("user", write_prompt(task, model, most)),
            Message("assistant", attempt),
            Message("user", again),
        )


def is_worth_retrying(failure: str, profile: Profile) -> bool:
    """Whether a failure names an exception that the profile's models can mend when they see it."""
    if not failure.strip():
        return False
    return "*" in profile.retry_on or any(re.search(rf"\b{name}\b", failure) for name in profile.retry_on)
