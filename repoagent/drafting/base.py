"""What a generator is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from repoagent.domain import Edit, Issue, Location, Spec
from repoagent.edits import EditRefused, meaning
from repoagent.edits.syntax import lines_of, without_docstring
from repoagent.errors import BudgetExceeded
from repoagent.llm.base import Completion, Model


@dataclass(frozen=True)
class Task:
    """One function to correct, and what is known about it."""

    issue: Issue
    spec: Spec
    target: Location
    source: str
    """The text of the whole file."""
    context: str
    """Signatures of what stands around the function and of what it calls."""
    evidence: str
    """What the reproduction shows on the untouched code; empty without one."""
    seed: int
    samples: int
    """How many answers to draw at most; a plan may ask for fewer than the model's profile."""

    @property
    def body(self) -> str:
        """The text of the function without its docstring: what a model does not write it cannot spoil, or take time
        for."""
        return self._parts[0]

    @property
    def documentation(self) -> str:
        """The docstring's text; empty without one."""
        return self._parts[1]

    @cached_property
    def _parts(self) -> tuple[str, str]:
        try:
            return without_docstring(self.source, self.target.symbol)
        except EditRefused:
            lines = lines_of(self.source)[self.target.start - 1 : self.target.end]
            return "".join(lines), ""

    @property
    def name(self) -> str:
        """The function's own name, without its class."""
        return self.target.symbol.rpartition(".")[2]


@dataclass(frozen=True)
class Draft:
    """One candidate edit, and what the model wrote for it."""

    edits: tuple[Edit, ...]
    answer: str


@dataclass(frozen=True)
class Drafted:
    """All that one round of one generator brought."""

    drafts: tuple[Draft, ...] = ()
    refused: tuple[str, ...] = ()
    """Why other answers could not become an edit, one line each."""

    def __add__(self, other: Drafted) -> Drafted:
        return Drafted(self.drafts + other.drafts, self.refused + other.refused)


class Generator(Protocol):
    """One way to draft."""

    @property
    def name(self) -> str:
        """As it stands in reports."""

    def samples(self, model: Model) -> int:
        """How many answers the profile of `model` gives this generator for one function; 0 switches it off."""

    def draft(self, task: Task, model: Model) -> Drafted:
        """Draft edits. Stops early, with what it has, when the budget is spent; raises BudgetExceeded without any."""


def collect(task: Task, attempts: Sequence[Callable[[], Completion]], edit: Callable[[int, str], str]) -> Drafted:
    """Ask all `attempts`, some at a time, and turn each answer into the new text of the file by `edit(index, answer)`.

    The first is asked alone, so that the server has read the common prompt before the others need it.
    """
    answers = [(i, answer) for i, answer in enumerate(_ask(attempts)) if answer is not None]
    result = Drafted()
    for index, answer in answers:
        result += _drafted(task, answer, lambda text, i=index: edit(i, text))  # type: ignore[misc]  # bound early on purpose
    return result


def _ask(attempts: Sequence[Callable[[], Completion]]) -> list[Completion | None]:
    from concurrent.futures import ThreadPoolExecutor

    if not attempts:
        return []
    answers: list[Completion | None] = [attempts[0]()]  # a budget spent here is for the caller to know
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers += pool.map(_within_budget, attempts[1:])
    return answers


_AT_ONCE = 4
"""Requests in flight: as many as the embedded server has slots. Other servers queue or batch them."""


def _within_budget(attempt: Callable[[], Completion]) -> Completion | None:
    try:
        return attempt()
    except BudgetExceeded:
        return None


def _drafted(task: Task, answer: Completion, edit: Callable[[str], str]) -> Drafted:
    try:
        after = edit(answer.text)
        if meaning(after) == meaning(task.source):
            raise EditRefused("the answer changes nothing")
    except EditRefused as refusal:
        suffix = " (cut off at the token limit)" if answer.truncated else ""
        return Drafted(refused=(f"{refusal}{suffix}",))
    return Drafted(drafts=(Draft((Edit(task.target.path, task.source, after),), answer.text),))
