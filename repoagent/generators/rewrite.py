"""Ask for the whole function or class, corrected, and splice it in; of a long one, for parts.

The edit format of choice up to 7B: always applies, needs no line numbers (Aider's edit leaderboard: 100 %
well-formed answers in the whole format at every size). One greedy answer, the others sampled: small models find the
right one in some of several samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from repoagent.domain import WorkItem
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
from repoagent.generators.rewrite_part import LONG, draft_parts
from repoagent.languages import Capability
from repoagent.llm.base import Completion, Message, Model, Sampling
from repoagent.prompting import Rewrite, render, trim_issue

_LONGEST = 900
"""Tokens of a definition that a model is asked to write again as a whole; from `LONG` on, parts of it are too."""


@dataclass(frozen=True)
class Rewriter:
    """Rewriting of whole definitions."""

    name: str = "rewrite"
    traits = Traits(Scope.FUNCTION, votes_without_runs=True)

    def sample_count(self, model: Model) -> int:
        return model.profile.rewrites

    def propose(self, item: WorkItem, context: GeneratorContext) -> Proposals:
        return self.draft(make_task(item, context), context.model)

    def draft(self, task: DraftTask, model: Model) -> Proposals:
        if not task.target.symbol:
            return Proposals()
        try:
            length = model.count_tokens(task.body)
        except EditRefused as refusal:
            return Proposals(refused=(str(refusal),))
        if length <= LONG or Capability.STATEMENT_RANGES not in task.language.capabilities:
            return _draft_whole(task, model)
        drafted = draft_parts(task, model)
        return (
            drafted + _draft_whole(replace(task, samples=task.samples // 2), model) if length <= _LONGEST else drafted
        )


def _draft_whole(task: DraftTask, model: Model) -> Proposals:
    limit = limit_answer_tokens(task, model)
    messages = (Message("user", write_prompt(task, model, prompt_token_budget(model, limit))),)

    def ask(index: int) -> Completion:
        temperature = model.profile.temperature if index or task.round else 0.0
        return model.chat(messages, Sampling(limit, temperature, model.profile.top_p, task.seed + index))

    attempts = [lambda i=i: ask(i) for i in range(task.samples)]
    return ask_for_texts(task, attempts, lambda _, answer: splice_answer(task, answer))


def splice_answer(task: DraftTask, answer: Completion) -> str:
    """The file with the definition that `answer` holds; raises EditRefused."""
    code = task.language.extract_code(answer.text, task.name, truncated=answer.truncated)
    return task.language.splice_definition(task.source, task.target.symbol, code, task.target.start)


def limit_answer_tokens(task: DraftTask, model: Model) -> int:
    """Tokens that the function may have when it is written again."""
    return model.count_tokens(task.body) * 3 // 2 + (300 if _should_ask_for_diagnosis(task) else 160)


def write_prompt(task: DraftTask, model: Model, most: int) -> str:
    """The prompt, in at most so many tokens as long as the function leaves room: what helps least goes first."""
    prompt = ""
    for version in _shorten_prompt(task, model, most - model.count_tokens(task.body) - _FRAME):
        prompt = render(version)
        if model.count_tokens(prompt) <= most:
            break
    return prompt


def _shorten_prompt(task: DraftTask, model: Model, left: int) -> Iterator[Rewrite]:
    """The prompt with all that is known, and with less and less of it."""
    full = _fill_prompt(task, trim_issue(task.issue, max(left // 2, _LEAST), model.count_tokens))
    if model.count_tokens(full.context) <= left // 3:
        yield full
    yield replace(full, context="")
    issue = trim_issue(task.issue, _LEAST, model.count_tokens)
    short = replace(full, issue=issue, context="", documentation="", evidence=full.evidence[:300])
    yield replace(short, proposed=full.proposed[:3])
    yield replace(short, issue="", evidence="", proposed=())


def _fill_prompt(task: DraftTask, issue: str) -> Rewrite:
    return Rewrite(
        kind=task.kind,
        issue=issue,
        title=task.issue.title[:_TITLE],
        proposed=task.spec.proposed,
        evidence=task.observed_failure[:800],
        path=task.target.path,
        symbol=task.target.symbol,
        name=task.name,
        context=task.context,
        documentation=task.documentation[:_DOCUMENTATION],
        source=task.body,
        think=_should_ask_for_diagnosis(task),
        language=task.language,
    )


def _should_ask_for_diagnosis(task: DraftTask) -> bool:
    """Each second turn asks what is wrong first: another prompt brings other answers than more of the same one."""
    return task.round % 2 == 1


_FRAME = 200
"""Tokens of the prompt's own words."""
_LEAST = 200
"""Tokens that the issue is given in any case, but the last."""
_TITLE = 300
"""Characters of the issue's title that are shown."""
_DOCUMENTATION = 900
"""Characters of the docstring that are shown."""
