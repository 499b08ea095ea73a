"""Ask a model trained for fill-in-the-middle to write single expressions and lines anew.

A different source of candidates than rewriting, for a tenth of its tokens, and the only one for functions too long
to rewrite. A 1.5B model completes `while ▁:` of a broken loop correctly where its chat answer wraps a special case
around the bug.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from repoagent.domain import WorkItem
from repoagent.edits import EditRefused
from repoagent.edits.encoding import make_parsable, make_readable, restore_bytes
from repoagent.edits.layout import choose_line_end, split_lines
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
from repoagent.generators.holes import Hole, find_holes
from repoagent.languages import Capability
from repoagent.languages.python.syntax import parse
from repoagent.llm.base import Completion, Model, Sampling
from repoagent.prompting import Infill, render

_WINDOWS = (60, 30, 15, 7, 3, 1)
"""Lines of a long function shown on either side of a hole: as many as the prompt has room for."""
_TOKENS = 48
"""Of an answer."""


@dataclass(frozen=True)
class Infiller:
    """Fill-in-the-middle at suspicious places."""

    name: str = "infill"
    traits = Traits(Scope.FUNCTION, needs=frozenset({Capability.INFILLING_HOLES}))

    def sample_count(self, model: Model) -> int:
        return model.profile.infills

    def propose(self, item: WorkItem, context: GeneratorContext) -> Proposals:
        return self.draft(make_task(item, context), context.model)

    def draft(self, task: DraftTask, model: Model) -> Proposals:
        if not task.target.symbol:
            return Proposals()
        try:
            found = find_holes(task.source, task.target)
        except EditRefused as refusal:
            return Proposals(refused=(str(refusal),))
        first = task.round * task.samples  # those before had their turn
        # Top down, so that each prompt begins with what the server has just read for the one before.
        chosen = sorted(found[first : first + task.samples], key=lambda hole: hole.start)

        def ask(index: int) -> Completion:
            return _ask_for_hole(task, model, chosen[index], task.seed + index)

        attempts = [lambda i=i: ask(i) for i in range(len(chosen))]
        return ask_for_texts(task, attempts, lambda i, answer: fill_hole(task.source, chosen[i], answer.text))


def fill_hole(source: str, hole: Hole, answer: str) -> str:
    """`source` with `hole` filled by `answer`, up to where it begins to repeat what follows; raises EditRefused."""
    answer = restore_bytes(answer, source)
    if hole.kind == "insert":
        return _insert_lines(source, hole, answer)
    text = _trim_to_line(answer, source[hole.end :])
    if not text.strip():
        raise EditRefused("the model left the hole empty")
    return source[: hole.start] + text + source[hole.end :]


def _insert_lines(source: str, hole: Hole, answer: str) -> str:
    """As many of the answer's lines as parse in their place: the last may begin what the answer had no room for."""
    indent = source[source.rfind("\n", 0, hole.start) + 1 : hole.start]
    lines = _trim_to_lines(answer, source[hole.end :])
    end = choose_line_end(split_lines(source), hole.line)
    for kept in range(len(lines), 0, -1):
        filled = source[: hole.start] + end.join([*lines[:kept], indent]) + source[hole.end :]
        if _is_python(filled):
            return filled
    raise EditRefused("the model left the hole empty" if not lines else "what it inserted does not parse")


def _is_python(source: str) -> bool:
    try:
        parse(source)
    except EditRefused:
        return False
    return True


def _ask_for_hole(task: DraftTask, model: Model, hole: Hole, seed: int) -> Completion:
    stop = () if hole.kind == "insert" else ("\n",)
    before, after = write_fim_prompt(task, model, hole, _TOKENS)
    sampling = Sampling(_TOKENS, model.profile.temperature / 2, model.profile.top_p, seed, stop)
    return model.infill(before, after, sampling)


def write_fim_prompt(task: DraftTask, model: Model, hole: Hole, answer: int) -> tuple[str, str]:
    """What stands before and behind the hole, as much of it as the model has room for beside so many tokens."""
    header, most = _write_header(task), prompt_token_budget(model, answer)
    before = after = ""
    for lines in _WINDOWS:
        before, after = _cut_window(task, hole, lines)
        if model.count_tokens(header + before + after) <= most:
            return header + before, after
    characters = max(most // 2, 1)  # of an endless line; no token has less than one
    return before[-characters:], after[:characters]


def _write_header(task: DraftTask) -> str:
    """The issue as a comment above the code: a fill-in-the-middle prompt has no other place for it."""
    imports = [
        line[:110] for line in make_readable(task.source).splitlines() if re.match(r"(import|from) \w.*[^(]$", line)
    ]
    hints = [f"should: {line}"[:110] for line in task.spec.proposed[:2]]
    return render(Infill(tuple(imports[:12]), task.issue.title[:110], tuple(hints), task.language)) + "\n"


def _cut_window(task: DraftTask, hole: Hole, most: int) -> tuple[str, str]:
    """The function's text before and behind the hole, at most so many lines of each."""
    text = make_parsable(task.source)
    lines = split_lines(text)
    start = sum(map(len, lines[: max(task.target.start, hole.line - most) - 1]))
    end = sum(map(len, lines[: min(task.target.end, hole.line + most)]))
    return _normalise_line_ends(text[start : hole.start]), _normalise_line_ends(text[hole.end : end])


def _normalise_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n")


def _trim_to_line(answer: str, after: str) -> str:
    """The first line of an answer, without what already stands behind the hole."""
    text = answer.split("\n", 1)[0].rstrip()
    rest = after.split("\n", 1)[0].strip()
    return text[: -len(rest)].rstrip() if rest and text.endswith(rest) else text


def _trim_to_lines(answer: str, after: str) -> list[str]:
    """The lines of an answer up to where it repeats the statement behind the gap; the last may be cut off and goes."""
    following = after.split("\n", 1)[0].strip()
    lines = [line.rstrip() for line in answer.split("\n")[:-1]]
    end = next((i for i, line in enumerate(lines) if line.strip() == following), len(lines))
    return [line for line in lines[:end] if line.strip()]
