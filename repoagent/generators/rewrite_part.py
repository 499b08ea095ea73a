"""Ask for some lines of a long function or class, corrected.

Whole definitions of hundreds of lines are lost on small models, and cost minutes on a CPU. The prompt is the same up to
the lines that are asked for, so that the server reads it once for all parts. It asks what is wrong before it asks for
the lines: without that a 1.5B model gives most parts back as they are (`benchmarks/README.md`, Repair).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repoagent.edits.encoding import make_readable
from repoagent.edits.layout import split_lines
from repoagent.generators.base import DraftTask, Proposals, ask_for_texts, prompt_token_budget
from repoagent.generators.statement_ranges import StatementRange, count_words, find_statement_ranges, replace_statements
from repoagent.llm.base import Completion, Message, Model, Sampling
from repoagent.prompting import RewritePart, render, trim_issue

LONG = 450
"""Tokens of a definition from which on its parts are asked for."""


def draft_parts(task: DraftTask, model: Model) -> Proposals:
    """Draft from parts of the task's definition; raises EditRefused where it is not there, or not Python."""
    target, words = task.target, count_words(task.issue.text)
    found = find_statement_ranges(task.source, target.symbol, target.start, target.lines, words)
    chosen = _choose_ranges(found, task)

    def ask(index: int) -> Completion:
        greedy = not task.round and chosen[index] not in chosen[:index]
        return _ask_for_range(task, model, chosen[index], task.seed + index, greedy=greedy)

    attempts = [lambda i=i: ask(i) for i in range(len(chosen))]
    return ask_for_texts(task, attempts, lambda i, answer: _splice_answer(task, chosen[i], answer))


def _choose_ranges(found: tuple[StatementRange, ...], task: DraftTask) -> list[StatementRange]:
    """A part for each sample: most of them different ones, in the order of suspicion, then the first ones again.

    Of 29 fixes in long functions of SWE-bench Verified, the first part holds 9 and the first three 17, by the words of
    the issue alone (`benchmarks/repair/reach.py`).
    """
    different = task.samples - task.samples // 4
    fresh = [*found[task.round * different :], *found][:different]
    return [*fresh, *fresh][: task.samples]


def _ask_for_range(task: DraftTask, model: Model, part: StatementRange, seed: int, *, greedy: bool) -> Completion:
    text = "".join(split_lines(make_readable(task.source))[part.first - 1 : part.last]).rstrip("\n")
    limit = model.count_tokens(text) * 3 // 2 + 200
    temperature = 0.0 if greedy else model.profile.temperature
    sampling = Sampling(limit, temperature, model.profile.top_p, seed)
    return model.chat(
        (Message("user", _write_prompt(task, model, part, text, prompt_token_budget(model, limit))),), sampling
    )


def _write_prompt(task: DraftTask, model: Model, part: StatementRange, text: str, most: int) -> str:
    """All that is known, and less and less of it until it fits."""
    prompt = ""
    for issue, source in _shorten_prompt(task, model, part, most):
        prompt = render(
            RewritePart(
                kind=task.kind,
                issue=issue,
                title=task.issue.title[:300],
                proposed=task.spec.proposed[:5],
                evidence=task.observed_failure[:600],
                path=task.target.path,
                symbol=task.target.symbol,
                source=source,
                part=text,
                language=task.language,
            )
        )
        if model.count_tokens(prompt) <= most:
            break
    return prompt


def _shorten_prompt(task: DraftTask, model: Model, part: StatementRange, most: int) -> Iterator[tuple[str, str]]:
    """Issue and code: the whole definition where it fits, else the lines around the part."""
    issue = trim_issue(task.issue, max(most // 3, 200), model.count_tokens)
    short = trim_issue(task.issue, 200, model.count_tokens)
    lines = split_lines(make_readable(task.source))
    yield issue, task.body.rstrip("\n")
    yield short, task.body.rstrip("\n")
    for around in (60, 30, 15):
        first, last = max(task.target.start, part.first - around), min(task.target.end, part.last + around)
        yield short, "".join(lines[first - 1 : last]).rstrip("\n")
    yield "", ""


def _splice_answer(task: DraftTask, part: StatementRange, answer: Completion) -> str:
    """The file with the answer in the part's place; or in the whole definition's, where it is all of that."""
    code = task.language.extract_code(answer.text, task.name, truncated=answer.truncated)
    if re.search(rf"^\s*(async\s+)?(def|class)\s+{re.escape(task.name)}\b", code, re.MULTILINE):
        return task.language.splice_definition(task.source, task.target.symbol, code, task.target.start)
    return replace_statements(task.source, part, code)
