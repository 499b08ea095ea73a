"""Show a model what became of its attempt, once.

Pays for mechanical mistakes only at 1.5B (4 % of failures recovered by showing test output, 30 % at 32B; Aider's
edit leaderboard), so the profile says which exceptions are worth it. The conversation starts anew from the original
code: what a small model has said before it repeats.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from repoagent.domain import Attempt, WorkItem
from repoagent.edits import EditRefused
from repoagent.generators.base import (
    DraftTask,
    GeneratorContext,
    Proposals,
    Scope,
    Traits,
    ask_for_texts,
    make_task,
    prompt_token_budget,
)
from repoagent.generators.rewrite import limit_answer_tokens, splice_answer, write_prompt
from repoagent.llm.base import Message, Model, Sampling
from repoagent.prompting import Retry, render


@dataclass(frozen=True)
class Retrier:
    """A second attempt at a whole definition that knows the first one's failure."""

    name: str = "retry"
    traits = Traits(Scope.FAILURE, retries="rewrite")

    def sample_count(self, model: Model) -> int:
        return min(model.profile.retries, 1)

    def propose(self, item: WorkItem, context: GeneratorContext) -> Proposals:
        return self.draft(make_task(item, context), context.model)

    def draft(self, task: DraftTask, model: Model) -> Proposals:
        """Ask once more; refused where the first answer was no whole definition."""
        attempt = task.previous
        try:
            if attempt is None or not _is_whole(task, attempt.answer):
                return Proposals(refused=("only a whole definition is asked for again",))
            messages = _write_messages(task, attempt, model)
        except EditRefused as refusal:
            return Proposals(refused=(str(refusal),))
        sampling = Sampling(limit_answer_tokens(task, model), 0.2, model.profile.top_p, task.seed)
        attempts = [lambda: model.chat(messages, sampling)]
        return ask_for_texts(task, attempts, lambda _, answer: splice_answer(task, answer))


def _is_whole(task: DraftTask, answer: str) -> bool:
    """Whether an answer defines what was asked for, in its code or as a whole."""
    language = task.language
    texts = (answer, language.extract_code(answer, task.name))
    return any(language.has_definition(text, task.name) for text in texts)


def _write_messages(task: DraftTask, attempt: Attempt, model: Model) -> tuple[Message, ...]:
    language = task.language
    code = f"```{language.fences[0]}\n{language.extract_code(attempt.answer, task.name).strip()}\n```"
    again = render(Retry(attempt.failure, task.kind, task.name, language))
    left = (
        prompt_token_budget(model, limit_answer_tokens(task, model))
        - model.count_tokens(code)
        - model.count_tokens(again)
    )
    return (
        Message("user", write_prompt(task, model, left)),
        Message("assistant", code),
        Message("user", again),
    )


def is_worth_retrying(failure: str, exceptions: Sequence[str]) -> bool:
    """Whether a failure names one of `exceptions`, which the model can mend when it sees them; `*` stands for any."""
    if not failure.strip():
        return False
    return "*" in exceptions or any(re.search(rf"\b{name}\b", failure) for name in exceptions)
