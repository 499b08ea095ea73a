"""How much likelier the model finds the code with a change than without: the log-likelihood ratio.

Correct code is more natural than wrong code, in the sense of Hindle et al. (2012): of patches that pass the same tests
the likelier is right more often, by Xia and Zhang (2022) and Kolak et al. (2022), and small models know it as well.
What is compared is the text that changes, between what stands before and behind it, under the issue's title; of
several places one after the other, each with those before it changed already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import pairwise

from repoagent.generators.base import DraftTask
from repoagent.generators.holes import Hole
from repoagent.generators.infill import write_fim_prompt
from repoagent.languages.python.syntax import split_lines
from repoagent.llm.base import Model, Score

ScoreText = Callable[[str, str, str], Score | None]
"""A model's `score`, or what remembers its answers: candidates that change the same lines ask the same of the old."""

_PLACES = 4
"""That a change may have, to be compared."""
_TOKENS = 60
"""Of one place, before or after; a longer one would take as long as drawing another sample."""
_WORDS = re.compile(r"\w+|\s+|[-+*/%<>=!&|^~@:]+|[^\w\s]")


def score_change(task: DraftTask, after: str, model: Model, score: ScoreText) -> float | None:
    """The logarithm of how many times likelier the model finds the file as `after` than as it is; None where the model
    cannot tell, or the change is too long. Raises ModelFailed, ContextFull, BudgetExceeded."""
    total = 0.0
    versions = [task.source, *_apply_one_by_one(task.source, after)]
    if not 1 < len(versions) <= _PLACES + 1:
        return None
    for before, then in pairwise(versions):
        gain = _score_place(replace(task, source=before), then, model, score)
        if gain is None:
            return None
        total += gain
    return total


def find_changed_words(before: str, after: str) -> tuple[Hole, str]:
    """The words that a change replaces, and what stands there afterwards; one word more where nothing stands there
    before or after."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    first = _count_common_prefix(old, new)
    last = _count_common_prefix(old[first:][::-1], new[first:][::-1])
    if first + last in (len(old), len(new)):
        behind = last and not old[-last].isspace()
        first, last = (first, last - 1) if behind else (max(first - 1, 0), last)
    while first and old[first - 1].isspace():
        first -= 1  # to a model, a word begins with the blank before it
    start = len("".join(old[:first]))
    was, text = "".join(old[first : len(old) - last]), "".join(new[first : len(new) - last])
    return Hole("expression", start, start + len(was), before.count("\n", 0, start) + 1), text


def _score_place(task: DraftTask, after: str, model: Model, score: ScoreText) -> float | None:
    hole, text = find_changed_words(task.source, after)
    was = task.source[hole.start : hole.end]
    if max(model.count_tokens(was), model.count_tokens(text)) > _TOKENS:
        return None
    before, behind = write_fim_prompt(task, model, hole, _TOKENS)
    now = score(before, behind, _unify_line_ends(was))
    then = score(before, behind, _unify_line_ends(text)) if now else None
    return then.logprob - now.logprob if now and then else None


def _apply_one_by_one(before: str, after: str) -> Iterator[str]:
    """The text with the first change made, with the first two, and so on."""
    old, new = split_lines(before), split_lines(after)
    first = _count_common_prefix(old, new)
    last = _count_common_prefix(old[first:][::-1], new[first:][::-1])
    middle, became = old[first : len(old) - last], new[first : len(new) - last]
    for tag, _, end, _, there in SequenceMatcher(None, middle, became, autojunk=False).get_opcodes():
        if tag != "equal":
            yield "".join((*old[:first], *became[:there], *middle[end:], *old[len(old) - last :]))


def _count_common_prefix(one: Sequence[str], other: Sequence[str]) -> int:
    """How many items both begin with."""
    unequal = (number for number, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(unequal, min(len(one), len(other)))


def _unify_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n")
