"""How natural a change is: how much likelier the model finds the code with it than without.

Correct code is more natural than wrong code, in the sense of Hindle et al. (2012): of patches that pass the same tests
the likelier is right more often, by Xia and Zhang (2022) and Kolak et al. (2022), and small models know it as well.
What is compared is the text that changes, between what stands before and behind it, under the issue's title.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from repoagent.drafting.base import Task
from repoagent.drafting.holes import Hole
from repoagent.drafting.infill import prompt
from repoagent.llm.base import Model, Score
from repoagent.llm.scoring import LONGEST

_LINES = 30
"""Of a change that is compared."""


Tell = Callable[[str, str, str], Score | None]
"""A model's `score`, or what remembers its answers: candidates that change the same lines ask the same of the old."""


def naturalness(task: Task, after: str, model: Model, score: Tell) -> float | None:
    """The logarithm of how many times likelier the model finds the file as `after` than as it is; None where the model
    cannot tell, or the change is too long. Raises ModelFailed, ContextFull, BudgetExceeded."""
    region = changed(task.source, after)
    if region is None:
        return None
    hole, text = region
    was = task.source[hole.start : hole.end]
    before, behind = prompt(task, model, hole, LONGEST)
    now = score(before, behind, _plain(was))
    then = score(before, behind, _plain(text)) if now else None
    return then.logprob - now.logprob if now and then else None


def changed(before: str, after: str) -> tuple[Hole, str] | None:
    """The lines that a change replaces, without the indentation of the first, and what stands there afterwards; one
    line more where nothing stands there before or after. None where nothing changes, or too much."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    first = _alike(old, new)
    last = _alike(old[first:][::-1], new[first:][::-1])
    if first + last in (len(old), len(new)):
        first, last = (first, last - 1) if last else (first - 1, last)
    if first < 0:
        return None
    replaced, by = old[first : len(old) - last], new[first : len(new) - last]
    if before == after or max(len(replaced), len(by)) > _LINES:
        return None
    start = sum(map(len, old[:first]))
    text, became = "".join(replaced).rstrip("\r\n"), "".join(by).rstrip("\r\n")
    indent = _alike(_margin(text), _margin(became))
    return Hole("line", start + indent, start + len(text), first + 1), became[indent:]


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many items both begin with."""
    unequal = (number for number, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(unequal, min(len(one), len(other)))


def _margin(text: str) -> str:
    return text[: len(text) - len(text.lstrip(" \t"))]


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")
