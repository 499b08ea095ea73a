"""Ask a model trained for fill-in-the-middle to write single expressions and lines anew.

A different source of candidates than rewriting, for a tenth of its tokens, and the only one for functions too long
to rewrite. A
1.5B model completes `while ▁:` of a broken loop correctly where its chat answer wraps a special case around the bug.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from repoagent.drafting.base import Drafted, Task, collect
from repoagent.drafting.holes import Hole, holes
from repoagent.edits import EditRefused
from repoagent.edits.syntax import lines_of
from repoagent.llm.base import Completion, Model, Sampling
from repoagent.prompting import Infill, render

_WINDOW = 60
"""Lines of a long function shown on either side of a hole."""


@dataclass(frozen=True)
class Infiller:
    """Fill-in-the-middle at suspicious places."""

    name: str = "infill"

    def samples(self, model: Model) -> int:
        return model.profile.infills

    def draft(self, task: Task, model: Model) -> Drafted:
        if not task.target.symbol:
            return Drafted()
        # Top down, so that each prompt begins with what the server has just read for the one before.
        chosen = sorted(holes(task.source, task.target)[: task.samples], key=lambda hole: hole.start)

        def ask(index: int) -> Completion:
            return _ask(task, model, chosen[index], task.seed + index)

        attempts = [lambda i=i: ask(i) for i in range(len(chosen))]
        return collect(task, attempts, lambda i, answer: fill(task.source, chosen[i], answer))


def fill(source: str, hole: Hole, answer: str) -> str:
    """`source` with `hole` filled by `answer`, cut where the model begins to repeat what follows; raises
    EditRefused."""
    after = source[hole.end :]
    if hole.kind == "insert":
        indent = source[source.rfind("\n", 0, hole.start) + 1 : hole.start]
        lines = _whole_lines(answer, after)
        text = "\n".join([*lines, indent]) if lines else ""
    else:
        text = _single_line(answer, after)
    if not text.strip():
        raise EditRefused("the model left the hole empty")
    return source[: hole.start] + text + after


def _ask(task: Task, model: Model, hole: Hole, seed: int) -> Completion:
    stop = () if hole.kind == "insert" else ("\n",)
    tokens = 64 if hole.kind == "insert" else 48
    before, after = _window(task, hole)
    sampling = Sampling(tokens, model.profile.temperature / 2, model.profile.top_p, seed, stop)
    return model.infill(_header(task) + before, after, sampling)


def _header(task: Task) -> str:
    """The issue as a comment above the code: a fill-in-the-middle prompt has no other place for it."""
    imports = [line for line in task.source.splitlines() if re.match(r"(import|from) \w", line)]
    hints = [f"should: {line}"[:110] for line in task.spec.proposed[:2]]
    return render(Infill(tuple(imports[:12]), task.issue.title[:110], tuple(hints))) + "\n"


def _window(task: Task, hole: Hole) -> tuple[str, str]:
    """The function's text before and behind the hole."""
    lines = lines_of(task.source)
    first = max(task.target.start, hole.line - _WINDOW)
    last = min(task.target.end, hole.line + _WINDOW)
    start = sum(map(len, lines[: first - 1]))
    end = sum(map(len, lines[:last]))
    return task.source[start : hole.start], task.source[hole.end : end]


def _single_line(answer: str, after: str) -> str:
    """The first line of an answer, without what already stands behind the hole."""
    text = answer.split("\n", 1)[0].rstrip()
    rest = after.split("\n", 1)[0].strip()
    return text[: -len(rest)].rstrip() if rest and text.endswith(rest) else text


def _whole_lines(answer: str, after: str) -> list[str]:
    """The lines of an answer up to where it repeats the statement behind the gap; the last one may be cut off and
    goes."""
    following = after.split("\n", 1)[0].strip()
    lines = [line.rstrip() for line in answer.split("\n")[:-1]]
    end = next((i for i, line in enumerate(lines) if line.strip() == following), len(lines))
    return [line for line in lines[:end] if line.strip()]
