"""Ask for search/replace blocks over all planned places at once: what rewriting one function cannot say, such as a
change at module level, or one in several files.

For models that hold to the format: of a 7B model's blocks 56 % apply, of a 32B's 84 % (SoRFT, table 4), before a ladder
of less and less exact matches; so the profile says who is asked, and how often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from repoagent.domain import Edit, WorkItem
from repoagent.generators.base import (
    DraftTask,
    GeneratorContext,
    Proposals,
    Scope,
    Traits,
    ask_for_edits,
    make_task,
    prompt_token_budget,
)
from repoagent.generators.blocks import parse_edits
from repoagent.generators.excerpts import FileExcerpts, collect_file_excerpts
from repoagent.llm.base import Completion, Message, Model, Sampling
from repoagent.prompting import Replace, ReplaceAgain, Shown, render, trim_issue

_ANSWER = 1500
"""Tokens of an answer."""


@dataclass(frozen=True)
class Replacer:
    """Search/replace blocks."""

    name: str = "replace"
    traits = Traits(Scope.PLAN)

    def sample_count(self, model: Model) -> int:
        return model.profile.replaces

    def propose(self, item: WorkItem, context: GeneratorContext) -> Proposals:
        return self.draft(_make_task(item, context), context.model)

    def draft(self, task: DraftTask, model: Model) -> Proposals:
        """Ask for blocks, greedily once and then by sampling."""
        if not task.files:
            return Proposals(refused=("there is nothing to be shown",))
        limit = limit_answer_tokens(model)
        prompt, files = write_prompt(task, model, prompt_token_budget(model, limit))
        messages = (Message("user", prompt),)

        def ask(index: int) -> Completion:
            temperature = model.profile.temperature if index or task.round else 0.0
            return model.chat(messages, Sampling(limit, temperature, model.profile.top_p, task.seed + index))

        attempts = [lambda i=i: ask(i) for i in range(task.samples)]
        return ask_for_edits(attempts, lambda _, answer: read_edits(answer, files, task.listed))


@dataclass(frozen=True)
class ReplaceRetrier:
    """A second attempt at search/replace blocks that knows the first one's failure."""

    name: str = "replace again"
    traits = Traits(Scope.FAILURE, retries="replace")

    def sample_count(self, model: Model) -> int:
        return min(model.profile.retries, 1)

    def propose(self, item: WorkItem, context: GeneratorContext) -> Proposals:
        return self.draft(_make_task(item, context), context.model)

    def draft(self, task: DraftTask, model: Model) -> Proposals:
        """Ask once more for all blocks."""
        attempt = task.previous
        if attempt is None or not task.files:
            return Proposals(refused=("there is nothing to be shown",))
        limit, again = limit_answer_tokens(model), render(ReplaceAgain(attempt.failure))
        left = prompt_token_budget(model, limit) - model.count_tokens(attempt.answer) - model.count_tokens(again)
        prompt, files = write_prompt(task, model, left)
        turns = (Message("user", prompt), Message("assistant", attempt.answer), Message("user", again))
        sampling = Sampling(limit, 0.2, model.profile.top_p, task.seed)
        attempts = [lambda: model.chat(turns, sampling)]
        return ask_for_edits(attempts, lambda _, answer: read_edits(answer, files, task.listed))


def _make_task(item: WorkItem, context: GeneratorContext) -> DraftTask:
    """The task, with what is shown of each file that may be changed."""
    places = (item.target, *item.others)
    files = collect_file_excerpts(context.index, context.workbench.workspace.read, places, context.issue.text)
    return replace(make_task(item, context), files=files, listed=frozenset(context.index.files))


def limit_answer_tokens(model: Model) -> int:
    """Tokens that an answer may have."""
    return min(_ANSWER, model.get_context_size() // 3)


def read_edits(answer: Completion, files: Sequence[FileExcerpts], listed: frozenset[str]) -> tuple[Edit, ...]:
    """The edits in an answer of a model that was shown `files`; raises EditRefused."""
    texts = {file.path: file.source for file in files}
    meant = {file.path: [range(first, last + 1) for first, last in file.spans] for file in files}
    return parse_edits(answer.text, texts, meant, listed)


def write_prompt(task: DraftTask, model: Model, most: int) -> tuple[str, tuple[FileExcerpts, ...]]:
    """The prompt in at most so many tokens, and the files that it shows: as many of the first as there is room for."""
    issue = trim_issue(task.issue, max(most // 3, 200), model.count_tokens)
    for number in range(len(task.files), 1, -1):
        prompt = _render_prompt(task, task.files[:number], issue)
        if model.count_tokens(prompt) <= most:
            return prompt, task.files[:number]
    return _render_prompt(task, task.files[:1], issue), task.files[:1]


def _render_prompt(task: DraftTask, files: Sequence[FileExcerpts], issue: str) -> str:
    shown = tuple(Shown(file.path, file.texts, file.fence) for file in files)
    title, evidence = task.issue.title[:300], task.observed_failure[:800]
    return render(Replace(issue, task.spec.proposed, evidence, shown, title, task.language))
