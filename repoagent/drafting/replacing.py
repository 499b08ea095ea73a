"""Ask for search/replace blocks over all planned places at once: what rewriting one function cannot say, such as a
change at module level, or one in several files.

For models that hold to the format: of a 7B model's blocks 56 % apply, of a 32B's 84 % (SoRFT, table 4), before a ladder
of less and less exact matches; so the profile says who is asked, and how often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repoagent.domain import Edit
from repoagent.drafting.base import Drafted, Task, collect_edits, room
from repoagent.drafting.blocks import edits_in
from repoagent.drafting.passages import Passages
from repoagent.llm.base import Completion, Message, Model, Sampling
from repoagent.prompting import Replace, Shown, render, trim_issue
from repoagent.prompting import ReplaceAgain as Again

_ANSWER = 1500
"""Tokens of an answer."""


@dataclass(frozen=True)
class Replacer:
    """Search/replace blocks."""

    name: str = "replace"

    def samples(self, model: Model) -> int:
        return model.profile.replaces

    def draft(self, task: Task, model: Model) -> Drafted:
        files = task.files
        if not files:
            return Drafted(refused=("there is nothing to be shown",))
        limit = answer_limit(model)
        prompt, files = replace_prompt(task, model, room(model, limit))
        messages = (Message("user", prompt),)

        def ask(index: int) -> Completion:
            temperature = model.profile.temperature if index or task.turn else 0.0
            return model.chat(messages, Sampling(limit, temperature, model.profile.top_p, task.seed + index))

        attempts = [lambda i=i: ask(i) for i in range(task.samples)]
        return collect_edits(attempts, lambda _, answer: edits_from(answer, files, task.listed))


@dataclass(frozen=True)
class ReplaceAgain:
    """A second attempt that knows the first one's failure."""

    attempt: str
    """What the model wrote."""
    failure: str
    """The distilled failure."""
    name: str = "replace again"

    def samples(self, model: Model) -> int:
        return min(model.profile.retries, 1)

    def draft(self, task: Task, model: Model) -> Drafted:
        if not task.files:
            return Drafted(refused=("there is nothing to be shown",))
        limit, again = answer_limit(model), render(Again(self.failure))
        most = room(model, limit) - model.count(self.attempt) - model.count(again)
        prompt, files = replace_prompt(task, model, most)
        turns = (Message("user", prompt), Message("assistant", self.attempt), Message("user", again))
        sampling = Sampling(limit, 0.2, model.profile.top_p, task.seed)
        return collect_edits(
            [lambda: model.chat(turns, sampling)], lambda _, answer: edits_from(answer, files, task.listed)
        )


def answer_limit(model: Model) -> int:
    """Tokens that an answer may have."""
    return min(_ANSWER, model.context() // 3)


def edits_from(answer: Completion, files: Sequence[Passages], listed: frozenset[str]) -> tuple[Edit, ...]:
    """The edits in an answer of a model that was shown `files`; raises EditRefused."""
    texts = {file.path: file.source for file in files}
    meant = {file.path: [range(first, last + 1) for first, last in file.spans] for file in files}
    return edits_in(answer.text, texts, meant, listed)


def replace_prompt(task: Task, model: Model, most: int) -> tuple[str, tuple[Passages, ...]]:
    """The prompt in at most so many tokens, and the files that it shows: as many of the first as there is room for."""
    issue = trim_issue(task.issue, max(most // 3, 200), model.count)
    for number in range(len(task.files), 1, -1):
        prompt = _prompt(task, task.files[:number], issue)
        if model.count(prompt) <= most:
            return prompt, task.files[:number]
    return _prompt(task, task.files[:1], issue), task.files[:1]


def _prompt(task: Task, files: Sequence[Passages], issue: str) -> str:
    shown = tuple(Shown(file.path, file.texts) for file in files)
    return render(Replace(issue, task.spec.proposed, task.evidence[:800], shown, task.issue.title[:300]))
