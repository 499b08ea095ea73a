"""Show a model what became of its attempt, once.

Pays for mechanical mistakes only at 1.5B (4 % of failures recovered by showing test output, 30 % at 32B; Aider's
edit leaderboard),
so the profile says which exceptions are worth it. The conversation starts anew from the original code: what a small
model has said
before it repeats.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from repoagent.drafting.answers import code_in
from repoagent.drafting.base import Drafted, Task, collect
from repoagent.drafting.rewrite import rewrite_prompt, splice
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
        attempt = code_in(self.attempt, task.name).strip()
        messages = (
            Message("user", rewrite_prompt(task, model)),
            Message("assistant", f"```python\n{attempt}\n```"),
            Message("user", render(Retry(self.failure, task.name))),
        )
        limit = model.count(task.body) * 3 // 2 + 160

        def ask() -> Completion:
            return model.chat(messages, Sampling(limit, 0.2, model.profile.top_p, task.seed))

        return collect(task, [ask], lambda _, answer: splice(task, answer))


def worth_retrying(failure: str, profile: Profile) -> bool:
    """Whether a failure names an exception that the profile's models can mend when they see it."""
    return "*" in profile.retry_on or any(re.search(rf"\b{name}\b", failure) for name in profile.retry_on)
