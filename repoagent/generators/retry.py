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
from repoagent.generators.base import Drafted, Task, collect, room
from repoagent.generators.rewrite import answer_limit, rewrite_prompt, splice
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

    def samples(self, model: Model) -> int:
        return min(model.profile.retries, 1)

    def draft(self, task: Task, model: Model) -> Drafted:
        if not re.search(rf"\b(def|class)\s+{re.escape(task.name)}\b", self.attempt):
            return Drafted(refused=("only a whole definition is asked for again",))
        try:
            messages = self._messages(task, model)
        except EditRefused as refusal:
            return Drafted(refused=(str(refusal),))
        sampling = Sampling(answer_limit(task, model), 0.2, model.profile.top_p, task.seed)
        return collect(task, [lambda: model.chat(messages, sampling)], lambda _, answer: splice(task, answer))

    def _messages(self, task: Task, model: Model) -> tuple[Message, ...]:
        attempt = f"```python\n{code_in(Completion(self.attempt, Usage()), task.name).strip()}\n```"
        again = render(Retry(self.failure, task.kind, task.name))
        most = room(model, answer_limit(task, model)) - model.count(attempt) - model.count(again)
        return (
            Message("user", rewrite_prompt(task, model, most)),
            Message("assistant", attempt),
            Message("user", again),
        )


def worth_retrying(failure: str, profile: Profile) -> bool:
    """Whether a failure names an exception that the profile's models can mend when they see it."""
    if not failure.strip():
        return False
    return "*" in profile.retry_on or any(re.search(rf"\b{name}\b", failure) for name in profile.retry_on)
