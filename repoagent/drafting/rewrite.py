"""Ask for the whole function, corrected, and splice it in.

The edit format of choice up to 7B: always applies, needs no line numbers (Aider's edit leaderboard: 100 %
well-formed answers in the
whole format at every size). One greedy answer, the others sampled: small models find the right one in some of
several samples.
"""

from __future__ import annotations

from dataclasses import dataclass

from repoagent.drafting.answers import code_in
from repoagent.drafting.base import Drafted, Task, collect
from repoagent.edits import splice_function
from repoagent.llm.base import Completion, Message, Model, Sampling
from repoagent.prompting import Rewrite, render, trim_issue

_LONGEST = 900
"""Tokens of a function that a model is asked to write again; longer ones are filled in, not rewritten."""


@dataclass(frozen=True)
class Rewriter:
    """Whole-function rewriting."""

    name: str = "rewrite"

    def samples(self, model: Model) -> int:
        return model.profile.rewrites

    def draft(self, task: Task, model: Model) -> Drafted:
        length = model.count(task.body)
        if not task.target.symbol or length > _LONGEST:
            return Drafted(
                refused=(f"{task.target} is too long to be rewritten ({length} tokens)",) if length > _LONGEST else ()
            )
        messages = (Message("user", rewrite_prompt(task, model)),)
        limit = length * 3 // 2 + 160

        def ask(index: int) -> Completion:
            temperature = 0.0 if index == 0 else model.profile.temperature
            return model.chat(messages, Sampling(limit, temperature, model.profile.top_p, task.seed + index))

        attempts = [lambda i=i: ask(i) for i in range(task.samples)]
        return collect(task, attempts, lambda _, answer: splice(task, answer))


def splice(task: Task, answer: str) -> str:
    """The file with the function that `answer` holds; raises EditRefused."""
    return splice_function(task.source, task.target.symbol, code_in(answer, task.name))


def rewrite_prompt(task: Task, model: Model) -> str:
    """The prompt, within the token budget of the model's profile: the issue is trimmed first, then the context."""
    budget = model.profile.prompt_budget - model.count(task.body) - _FRAME
    context = task.context if model.count(task.context) <= budget // 3 else ""
    return render(
        Rewrite(
            issue=trim_issue(task.issue.text, max(budget // 2, 200), model.count),
            title=task.issue.title,
            proposed=task.spec.proposed,
            evidence=task.evidence[:800],
            path=task.target.path,
            symbol=task.target.symbol,
            name=task.name,
            context=context,
            documentation=task.documentation[:_DOCUMENTATION],
            source=task.body,
        )
    )


_FRAME = 200
"""Tokens of the prompt's own words."""
_DOCUMENTATION = 900
"""Characters of the docstring that are shown."""
